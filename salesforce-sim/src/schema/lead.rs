//! The Lead, with the lengths of Salesforce's field reference.

use super::field::{Field, Kind};

/// A text of this length.
fn text(name: &str, label: &str, length: usize) -> Field {
    Field::new(name, label, Kind::Text { length })
}

fn picklist(name: &str, label: &str, values: &[&str]) -> Field {
    Field::new(name, label, open_picklist(values))
}

/// A picklist that also takes values that it does not list.
pub(super) fn open_picklist(values: &[&str]) -> Kind {
    Kind::Picklist {
        values: values.iter().map(|&value| value.to_owned()).collect(),
        is_restricted: false,
    }
}

/// The fields that Salesforce writes in every record.
pub(super) fn system() -> Vec<Field> {
    const USER: Kind = Kind::Reference { to: &["User"] };

    [
        ("Id", "Record ID", Kind::Id),
        ("IsDeleted", "Deleted", Kind::Boolean),
        ("CreatedDate", "Created Date", Kind::DateTime),
        ("CreatedById", "Created By ID", USER),
        ("LastModifiedDate", "Last Modified Date", Kind::DateTime),
        ("LastModifiedById", "Last Modified By ID", USER),
        ("SystemModstamp", "System Modstamp", Kind::DateTime),
    ]
    .into_iter()
    .map(|(name, label, kind)| Field::new(name, label, kind).read_only().required())
    .collect()
}

/// The fields by which sfbridge finds an installation and a visitor.
pub(super) fn identity() -> Vec<Field> {
    let igrp = Kind::Double {
        precision: 18,
        scale: 0,
    };
    vec![
        Field::new("Infinity_IGRP__c", "Infinity IGRP", igrp),
        text("Infinity_Visitor_ID__c", "Infinity Visitor ID", 255),
        text("Infinity_Call_Reference__c", "Infinity Call Reference", 255),
    ]
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = system();
    fields.extend(contact());
    fields.extend(progress());
    fields.extend(identity());
    fields.extend(enriched());
    fields
}

/// Who it is and how to reach them.
fn contact() -> Vec<Field> {
    let coordinate = || Kind::Double {
        precision: 18,
        scale: 15,
    };
    vec![
        text("Name", "Full Name", 121).read_only(),
        text("LastName", "Last Name", 80).required(),
        text("FirstName", "First Name", 40),
        picklist(
            "Salutation",
            "Salutation",
            &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."],
        ),
        text("Title", "Title", 128),
        text("Company", "Company", 255).required(),
        Field::new("Street", "Street", Kind::TextArea { length: 255 }),
        text("City", "City", 40),
        text("State", "State/Province", 80),
        text("PostalCode", "Zip/Postal Code", 20),
        text("Country", "Country", 80),
        Field::new("Latitude", "Latitude", coordinate()),
        Field::new("Longitude", "Longitude", coordinate()),
        Field::new("Address", "Address", Kind::Address).read_only(),
        Field::new("Phone", "Phone", Kind::Phone),
        Field::new("MobilePhone", "Mobile Phone", Kind::Phone),
        Field::new("Fax", "Fax", Kind::Phone),
        Field::new("Email", "Email", Kind::Email),
        Field::new("Website", "Website", Kind::Url),
        Field::new("PhotoUrl", "Photo URL", Kind::Url).read_only(),
        Field::new(
            "Description",
            "Description",
            Kind::TextArea { length: 32_000 },
        ),
    ]
}

/// What has become of it.
fn progress() -> Vec<Field> {
    const INDUSTRIES: &[&str] = &[
        "Agriculture",
        "Banking",
        "Construction",
        "Education",
        "Electronics",
        "Energy",
        "Finance",
        "Government",
        "Healthcare",
        "Hospitality",
        "Insurance",
        "Manufacturing",
        "Media",
        "Retail",
        "Technology",
        "Telecommunications",
        "Transportation",
        "Other",
    ];
    const SOURCES: &[&str] = &[
        "Web",
        "Phone Inquiry",
        "Partner Referral",
        "Purchased List",
        "Other",
    ];
    const STATUSES: &[&str] = &[
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Converted",
        "Closed - Not Converted",
    ];
    let amount = Kind::Currency {
        precision: 18,
        scale: 0,
    };
    let clean_status = Kind::Picklist {
        values: [
            "Matched",
            "Different",
            "Acknowledged",
            "NotFound",
            "Inactive",
            "Pending",
        ]
        .map(str::to_owned)
        .to_vec(),
        is_restricted: true,
    };
    vec![
        picklist("LeadSource", "Lead Source", SOURCES),
        picklist("Status", "Status", STATUSES).required(),
        picklist("Industry", "Industry", INDUSTRIES),
        picklist("Rating", "Rating", &["Hot", "Warm", "Cold"]),
        Field::new("AnnualRevenue", "Annual Revenue", amount),
        Field::new(
            "NumberOfEmployees",
            "Employees",
            Kind::Integer { digits: 8 },
        ),
        Field::new(
            "OwnerId",
            "Owner ID",
            Kind::Reference {
                to: &["Group", "User"],
            },
        )
        .required(),
        Field::new("HasOptedOutOfEmail", "Email Opt Out", Kind::Boolean).required(),
        Field::new("DoNotCall", "Do Not Call", Kind::Boolean).required(),
        Field::new("IsConverted", "Converted", Kind::Boolean)
            .read_only()
            .required(),
        Field::new("ConvertedDate", "Converted Date", Kind::Date).read_only(),
        Field::new("IsUnreadByOwner", "Unread By Owner", Kind::Boolean).required(),
        Field::new("LastActivityDate", "Last Activity", Kind::Date).read_only(),
        Field::new("CleanStatus", "Clean Status", clean_status),
        text("Jigsaw", "Data.com Key", 20),
        text("CompanyDunsNumber", "D-U-N-S Number", 9),
    ]
}

/// The fields of sfbridge's default mapping.
fn enriched() -> Vec<Field> {
    let texts = [
        ("Infinity_Channel__c", "Infinity Channel"),
        ("Infinity_Channel_Type__c", "Infinity Channel Type"),
        ("Infinity_Source__c", "Infinity Source"),
        ("Infinity_Campaign__c", "Infinity Campaign"),
        ("Infinity_Ad_Group__c", "Infinity Ad Group"),
        ("Infinity_Keyword__c", "Infinity Keyword"),
        ("Infinity_Match_Type__c", "Infinity Match Type"),
        ("Infinity_Network__c", "Infinity Network"),
        ("Infinity_First_Channel__c", "Infinity First Channel"),
        ("Infinity_First_Source__c", "Infinity First Source"),
        ("Infinity_First_Campaign__c", "Infinity First Campaign"),
        ("Infinity_Call_Rating__c", "Infinity Call Rating"),
    ]
    .map(|(name, label)| text(name, label, 255));
    let long_texts = [
        ("Infinity_Landing_Page__c", "Infinity Landing Page"),
        ("Infinity_Referrer__c", "Infinity Referrer"),
        ("Infinity_Path__c", "Infinity Path"),
    ]
    .map(|(name, label)| Field::new(name, label, Kind::TextArea { length: 32_768 }));
    let times = [
        ("Infinity_Visit_Time__c", "Infinity Visit Time"),
        ("Infinity_First_Visit__c", "Infinity First Visit"),
    ]
    .map(|(name, label)| Field::new(name, label, Kind::DateTime));
    let count = Kind::Double {
        precision: 18,
        scale: 0,
    };
    let visits = Field::new("Infinity_Visits__c", "Infinity Visits", count);

    let mut fields = texts.to_vec();
    fields.extend(long_texts);
    fields.extend(times);
    fields.push(visits);
    fields
}
