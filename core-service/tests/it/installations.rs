use std::collections::BTreeSet;

use prost_types::FieldMask;
use sfbridge_proto::v1 as pb;
use tonic::{Code, Status};

use crate::harness::{Client, TestCore, event, fields_at_fault, installation, reason};

async fn create(
    client: &Client,
    installation: pb::Installation,
) -> Result<pb::Installation, Status> {
    let request = pb::CreateInstallationRequest {
        installation: Some(installation),
    };
    let answer = client.installations().create_installation(request).await?;
    Ok(answer.into_inner().installation.unwrap())
}

async fn update(
    client: &Client,
    installation: pb::Installation,
    mask: &[&str],
) -> Result<pb::Installation, Status> {
    let request = pb::UpdateInstallationRequest {
        installation: Some(installation),
        update_mask: Some(FieldMask {
            paths: mask.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    let answer = client.installations().update_installation(request).await?;
    Ok(answer.into_inner().installation.unwrap())
}

fn full() -> pb::Installation {
    pb::Installation {
        display_name: "Acme".to_owned(),
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        country: "GB".to_owned(),
        attribution_model_id: 3,
        organization_id: "00D000000000062EAA".to_owned(),
        rating_items: vec![pb::RatingItem {
            text: "New Lead".to_owned(),
            captures_value: true,
            currency: "EUR".to_owned(),
        }],
        lead_field_mapping: [("chName".to_owned(), "Channel__c".to_owned())].into(),
        address_ranges: vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()],
        client_certificates: vec!["0a".repeat(32)],
        ..installation()
    }
}

fn settings(installation: &pb::Installation) -> pb::Installation {
    pb::Installation {
        create_time: None,
        update_time: None,
        ..installation.clone()
    }
}

#[tokio::test]
async fn an_installation_is_created_once_and_read_back() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let created = create(&client, full()).await.unwrap();
    assert_eq!(settings(&created), full());
    let get = pb::GetInstallationRequest { igrp: 7 };
    let kept = client
        .installations()
        .get_installation(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(kept.installation.unwrap(), created);
    let again = create(&client, full()).await.unwrap_err();
    assert_eq!(
        (again.code(), reason(&again).as_str()),
        (Code::AlreadyExists, "INSTALLATION_EXISTS")
    );
}

#[tokio::test]
async fn what_open_mode_made_is_changed_and_not_created() {
    let core = TestCore::start().await;
    let client = core.client().await;
    client.record(vec![event("")]).await;
    assert_eq!(
        create(&client, full()).await.unwrap_err().code(),
        Code::AlreadyExists
    );
    let changed = update(&client, full(), &[]).await.unwrap();
    assert_eq!(settings(&changed), full());
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let bad = pb::Installation {
        igrp: 0,
        display_name: "x".repeat(256),
        time_zone: "europe/london".to_owned(),
        currency: "XYZ".to_owned(),
        country: "England".to_owned(),
        attribution_model_id: -1,
        organization_id: "x".to_owned(),
        rating_items: vec![
            pb::RatingItem {
                text: "A".to_owned(),
                ..Default::default()
            },
            pb::RatingItem {
                text: "B".to_owned(),
                currency: "XYZ".to_owned(),
                ..Default::default()
            },
            pb::RatingItem {
                text: "a".to_owned(),
                ..Default::default()
            },
        ],
        lead_field_mapping: [
            ("chName".to_owned(), "not a field".to_owned()),
            ("nothing".to_owned(), "A__c".to_owned()),
        ]
        .into(),
        address_ranges: vec!["192.0.2.1".to_owned(), "192.0.2.1/24".to_owned()],
        client_certificates: vec!["0a".to_owned()],
        ..Default::default()
    };
    let refused = create(&client, bad.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected = [
        "igrp",
        "display_name",
        "time_zone",
        "currency",
        "country",
        "attribution_model_id",
        "organization_id",
        "rating_items[1].currency",
        "rating_items",
        "lead_field_mapping",
        "lead_field_mapping",
        "address_ranges[1]",
        "client_certificates[0]",
    ];
    assert_eq!(
        fields_at_fault(&refused),
        expected.map(|field| format!("installation.{field}"))
    );
    let refused = create(&client, pb::Installation { igrp: 7, ..bad })
        .await
        .unwrap_err();
    assert_eq!(fields_at_fault(&refused).len(), expected.len() - 1);
    let nothing = client
        .installations()
        .create_installation(pb::CreateInstallationRequest::default())
        .await;
    assert_eq!(fields_at_fault(&nothing.unwrap_err()), ["installation"]);
}

#[tokio::test]
async fn a_mask_changes_what_it_names_and_nothing_else() {
    let core = TestCore::start().await;
    let client = core.client().await;
    create(&client, full()).await.unwrap();
    let other = || pb::Installation {
        display_name: "Other".to_owned(),
        currency: "USD".to_owned(),
        ..installation()
    };
    let changed = update(
        &client,
        other(),
        &["currency", "rating_items", "address_ranges"],
    )
    .await
    .unwrap();
    let expected = pb::Installation {
        currency: "USD".to_owned(),
        rating_items: Vec::new(),
        address_ranges: Vec::new(),
        ..full()
    };
    assert_eq!(settings(&changed), expected);
    for mask in [&[][..], &["*"][..]] {
        let changed = update(&client, other(), mask).await.unwrap();
        let expected = pb::Installation {
            time_zone: "UTC".to_owned(),
            ..other()
        };
        assert_eq!(settings(&changed), expected);
    }
    let refused = update(&client, other(), &["igrp", "currency", "nothing"])
        .await
        .unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["update_mask", "update_mask"]);
    let missing = pb::Installation {
        igrp: 8,
        ..installation()
    };
    assert_eq!(
        update(&client, missing, &[]).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn an_installation_with_records_is_deleted_only_by_force() {
    let core = TestCore::start().await;
    let client = core.client().await;
    client.record(vec![event("")]).await;
    let delete = |force| pb::DeleteInstallationRequest { igrp: 7, force };
    let mut installations = client.installations();
    let refused = installations
        .delete_installation(delete(false))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "INSTALLATION_HAS_RECORDS")
    );
    installations
        .delete_installation(delete(true))
        .await
        .unwrap();
    let missing = installations
        .delete_installation(delete(true))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn installations_are_listed_once_each() {
    let core = TestCore::start().await;
    let client = core.client().await;
    for igrp in 1..=7 {
        create(
            &client,
            pb::Installation {
                igrp,
                ..installation()
            },
        )
        .await
        .unwrap();
    }
    let mut request = pb::ListInstallationsRequest {
        page_size: 3,
        ..Default::default()
    };
    let mut igrps = Vec::new();
    loop {
        let page = client
            .installations()
            .list_installations(request.clone())
            .await
            .unwrap()
            .into_inner();
        igrps.extend(page.installations.into_iter().map(|kept| kept.igrp));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(igrps.len(), 7);
    assert_eq!(
        igrps.into_iter().collect::<BTreeSet<_>>(),
        (1..=7).collect()
    );
}
