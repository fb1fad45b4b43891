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
        attribution_models: vec![model(11), model(12)],
        ..installation()
    }
}

fn model(id: i32) -> pb::AttributionModel {
    pb::AttributionModel {
        id,
        display_name: "Paid".to_owned(),
        r#type: pb::AttributionModelType::Spread.into(),
        lookback_days: Some(30),
        first_weight: Some(5),
        last_weight: Some(2),
        channels: Some(pb::AttributionChannels {
            include: vec!["Display".to_owned(), "ppc".to_owned()],
            exclude: Vec::new(),
        }),
        criteria: vec![criterion("campaign", "begins", "uk- ")],
    }
}

fn criterion(field: &str, op: &str, value: &str) -> pb::Criterion {
    pb::Criterion {
        field: field.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
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
async fn every_invalid_field_of_a_model_is_named() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let bad = pb::Installation {
        attribution_models: vec![
            model(11),
            pb::AttributionModel {
                id: -1,
                display_name: "x".repeat(256),
                r#type: 0,
                channels: Some(pb::AttributionChannels {
                    include: vec!["ppc".to_owned()],
                    exclude: vec!["seo".to_owned()],
                }),
                ..model(12)
            },
            pb::AttributionModel {
                display_name: " ".to_owned(),
                lookback_days: Some(0),
                first_weight: Some(-1),
                last_weight: Some(1_001),
                channels: Some(pb::AttributionChannels {
                    include: vec![" ".to_owned()],
                    exclude: Vec::new(),
                }),
                criteria: vec![
                    criterion("campain", "eq", "x"),
                    criterion("campaign", "equals", "x"),
                    criterion("campaign", "re", "("),
                ],
                ..model(10)
            },
            model(11),
        ],
        ..installation()
    };
    let refused = create(&client, bad).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected = [
        "[1].id",
        "[1].display_name",
        "[1].type",
        "[1].channels",
        "[2].id",
        "[2].display_name",
        "[2].lookback_days",
        "[2].first_weight",
        "[2].last_weight",
        "[2].channels",
        "[2].criteria[0].field",
        "[2].criteria[1].op",
        "[2].criteria[2].value",
        "",
    ];
    assert_eq!(
        fields_at_fault(&refused),
        expected.map(|field| format!("installation.attribution_models{field}"))
    );
    assert!(refused.message().contains("`campaign`"), "{refused:?}");
    let many = pb::Installation {
        attribution_models: (11..=111).map(model).collect(),
        ..installation()
    };
    let refused = create(&client, many).await.unwrap_err();
    assert_eq!(
        fields_at_fault(&refused),
        ["installation.attribution_models"]
    );
}

#[tokio::test]
async fn the_default_model_is_one_that_the_installation_has() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let with = |attribution_model_id, models: &[i32]| pb::Installation {
        attribution_model_id,
        attribution_models: models.iter().map(|id| model(*id)).collect(),
        ..installation()
    };
    let at_fault = ["installation.attribution_model_id"];
    let refused = create(&client, with(13, &[11])).await.unwrap_err();
    assert_eq!(fields_at_fault(&refused), at_fault);
    let created = create(&client, with(11, &[11])).await.unwrap();
    assert_eq!(created.attribution_model_id, 11);

    let refused = update(&client, with(12, &[]), &["attribution_model_id"]).await;
    assert_eq!(fields_at_fault(&refused.unwrap_err()), at_fault);
    let refused = update(&client, with(0, &[12]), &["attribution_models"]).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "ATTRIBUTION_MODEL_IN_USE")
    );
    assert!(refused.message().contains("11"), "{refused:?}");

    // Both at once is one change.
    let both = ["attribution_models", "attribution_model_id"];
    let changed = update(&client, with(12, &[12]), &both).await.unwrap();
    assert_eq!(changed.attribution_model_id, 12);
    assert_eq!(changed.attribution_models, [model(12)]);
    let changed = update(&client, with(3, &[]), &["attribution_model_id"]).await;
    assert_eq!(changed.unwrap().attribution_models, [model(12)]);
    let changed = update(&client, with(0, &[]), &["attribution_models"]).await;
    assert!(changed.unwrap().attribution_models.is_empty());
}

#[tokio::test]
async fn what_a_model_leaves_open_is_filled_in() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let open = |id, kind: pb::AttributionModelType| pb::AttributionModel {
        id,
        display_name: "Open".to_owned(),
        r#type: kind.into(),
        ..Default::default()
    };
    let created = pb::Installation {
        attribution_models: vec![
            open(11, pb::AttributionModelType::Spread),
            open(12, pb::AttributionModelType::Last),
            open(13, pb::AttributionModelType::InfiniteFirst),
        ],
        ..installation()
    };
    let created = create(&client, created).await.unwrap();
    let numbers: Vec<_> = created
        .attribution_models
        .iter()
        .map(|model| (model.lookback_days, model.first_weight, model.last_weight))
        .collect();
    let expected = [
        (Some(90), Some(3), Some(3)),
        (Some(90), None, None),
        (None, None, None),
    ];
    assert_eq!(numbers, expected);
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
