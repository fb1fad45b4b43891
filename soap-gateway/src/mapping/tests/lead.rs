//! What becomes a lead to enrich.

use super::*;

#[test]
fn a_lead_to_enrich_has_its_options_and_what_is_known() {
    let fields = [
        ("Id", "00Q5g0000001394EAA"),
        ("IGRP__c", "840"),
        ("VID__c", VISITOR),
        ("LastName", " Example "),
        ("Company", " "),
        ("CreatedDate", "2026-05-04T09:08:07.000Z"),
    ];
    let query = "map[src]=Source__c&map[first.chName]=First__c&overwrite=always\
                 &attributionModelId=5";
    let (lead, notification) = lead_of(query, record("Lead", &fields));
    assert_eq!(reason(&notification), None);
    assert_eq!((lead.igrp, lead.visitor_id.as_str()), (840, VISITOR));
    assert_eq!(lead.organization_id, "00D5g0000004242EAA");
    assert_eq!(lead.record_id, "00Q5g0000001394EAA");
    assert_eq!(lead.as_of_time, Some(time("2026-05-04T09:08:07Z")));
    assert_eq!(lead.attribution_model_id, Some(5));
    assert_eq!(lead.overwrite_policy(), OverwritePolicy::Always);
    assert_eq!(
        lead.field_mapping,
        map_of(&[("src", "Source__c"), ("first.chName", "First__c")])
    );
    assert_eq!(
        lead.known_values,
        map_of(&[
            ("IGRP__c", "840"),
            ("VID__c", VISITOR),
            ("LastName", " Example "),
            ("CreatedDate", "2026-05-04T09:08:07.000Z"),
        ])
    );

    let (lead, _) = lead_of("", record("Lead", &fields));
    assert_eq!(lead.attribution_model_id, None);
    assert_eq!(lead.overwrite_policy(), OverwritePolicy::Unspecified);
}

#[test]
fn a_lead_is_looked_back_from_dt_field_then_from_created_date_then_from_the_receipt() {
    let id = ("Id", "00Q5g0000001394EAA");
    let igrp = ("IGRP__c", "840");
    let of = |query, more: &[_]| {
        let fields: Vec<_> = [id, igrp].iter().chain(more).copied().collect();
        lead_of(query, record("Lead", &fields))
    };
    let query = "dtField=Form__c&tz=America/New_York";
    let (lead, _) = of(
        query,
        &[("Form__c", "2024-01-15"), ("CreatedDate", "2026-01-01")],
    );
    assert_eq!(lead.as_of_time, Some(time("2024-01-16T04:59:59Z")));

    let (lead, notification) = of("", &[("CreatedDate", "lately")]);
    assert_eq!(lead.as_of_time, None);
    assert_eq!(lead.warnings.len(), 1);
    assert_eq!(reason(&notification), None);

    let (_, notification) = of("dtField=Form__c", &[("Form__c", "lately")]);
    assert_eq!(
        reason(&notification),
        Some(RejectionReason::InvalidTimestamp)
    );
}

#[test]
fn only_leads_with_an_id_can_be_enriched_and_the_types_case_does_not_count() {
    let of = |object_type, fields: &[_]| reason(&lead_of("igrp=1", record(object_type, fields)).1);
    let id = [("Id", "0035g0000001394EAA")];
    assert_eq!(of("Contact", &id), Some(RejectionReason::UnsupportedObject));
    assert_eq!(of("Lead__c", &id), Some(RejectionReason::UnsupportedObject));
    assert_eq!(of("LEAD", &id), None);
    let name = [("LastName", "Example")];
    assert_eq!(
        of("Lead", &name),
        Some(RejectionReason::MalformedNotification)
    );
}

#[test]
fn a_lead_that_was_converted_is_taken_like_any_other() {
    let fields = [
        ("Id", "00Q5g0000001394EAA"),
        ("IsConverted", "true"),
        ("ConvertedContactId", "0035g0000001394EAA"),
    ];
    let (lead, notification) = lead_of("igrp=1", record("Lead", &fields));
    assert_eq!(reason(&notification), None);
    assert_eq!(lead.record_id, "00Q5g0000001394EAA");
    // What writing back will see of it.
    assert_eq!(lead.known_values["IsConverted"], "true");
}
