//! What would become of a message.

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::explained_notification::Item;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{client, server_with_keys};
use crate::harness::{
    CALL_RATING, CoreCaller, EVENTS, Message, Notification, Request, Server, VISITOR, gzip,
};

fn request(url: &str, body: impl Into<Vec<u8>>) -> pb::ExplainMessageRequest {
    pb::ExplainMessageRequest {
        endpoint_url: url.to_owned(),
        body: body.into(),
        content_type: "text/xml; charset=utf-8".to_owned(),
        content_encoding: String::new(),
    }
}

async fn explain(
    server: &Server,
    url: &str,
    body: impl Into<Vec<u8>>,
) -> Result<pb::ExplainMessageResponse, Status> {
    let answer = client(server, None)
        .explain_message(request(url, body))
        .await;
    answer.map(tonic::Response::into_inner)
}

fn sale(number: u32) -> Notification {
    Notification::opportunity(number)
        .field("IGRP__c", "91")
        .field("VID__c", VISITOR)
        .field("Amount", "12.50")
}

#[tokio::test]
async fn an_explanation_is_judged_by_what_the_core_knows_and_stores_nothing() {
    let up = Server::up().await;
    let core = CoreCaller::of(up.core_address());
    let url = format!("{EVENTS}?txvField=Amount&token=s3cret");
    let post = async |message: &Message| {
        let sent = Request::post(&format!("{EVENTS}?txvField=Amount"), message.xml());
        sent.send(up.gateway()).await.assert_acknowledged();
    };
    post(&Message::new().with(&sale(1))).await;
    let known = core.events(91).await[0].event_id.clone();

    let bad = Notification::opportunity(3)
        .field("IGRP__c", "91")
        .field("VID__c", "nobody");
    let message = Message::new().with(&sale(1)).with(&sale(2)).with(&bad);
    let told = explain(&up, &url, message.xml()).await.unwrap();
    assert_eq!(
        (told.endpoint.as_str(), told.query.as_str()),
        ("events", "txvField=Amount")
    );
    assert_eq!(told.notification_count, 3);
    assert!(!format!("{told:?}").contains("s3cret"));
    let [duplicate, new, bad] = told.notifications.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(duplicate.outcome(), pb::Outcome::Duplicate);
    assert_eq!(duplicate.duplicate_of, known);
    assert_eq!(
        (new.outcome(), new.duplicate_of.as_str()),
        (pb::Outcome::Recorded, "")
    );
    // Nobody has told a currency: that is for the core to say.
    assert!(new.warnings[0].contains("currency"), "{new:?}");
    let tie = new.r#match.as_ref().unwrap();
    assert_eq!(tie.status(), pb::MatchStatus::Unmatched);
    assert!(matches!(&new.item, Some(Item::Event(event)) if event.igrp == 91));
    let value = |name: &str| new.values.iter().find(|value| value.name == name).unwrap();
    let amount = value("transaction_value");
    assert_eq!(amount.source(), pb::ValueSource::NamedField);
    assert_eq!(
        (amount.parameter.as_str(), amount.field.as_str()),
        ("txvField", "Amount")
    );
    assert_eq!(amount.text, "12.50");
    assert_eq!(value("igrp").source(), pb::ValueSource::DefaultField);
    assert!(told.is_organization_linked, "{told:?}");
    assert_eq!(bad.outcome(), pb::Outcome::Rejected);
    assert_eq!(
        bad.rejections[0].reason(),
        pb::RejectionReason::InvalidVisitorId
    );

    assert_eq!(core.events(91).await.len(), 1);
    assert!(core.quarantined("").await.is_empty());
    post(&Message::new().with(&sale(2))).await;
    assert_eq!(core.events(91).await.len(), 2);
}

#[tokio::test]
async fn the_installations_rating_items_count() {
    let up = Server::up().await;
    let core = CoreCaller::of(up.core_address());
    core.create_installation(pb::Installation {
        igrp: 92,
        organization_id: "00D5g0000004242EAA".to_owned(),
        rating_items: vec![pb::RatingItem {
            text: "New Lead".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    })
    .await;
    let rated = |number, text| {
        Notification::task(number)
            .field("CallRef__c", "1")
            .field("CallDisposition", text)
    };
    let message = Message::new()
        .with(&rated(1, "new lead"))
        .with(&rated(2, "Nonsense"));
    let told = explain(&up, &format!("{CALL_RATING}?igrp=92"), message.xml())
        .await
        .unwrap();
    assert_eq!(told.notifications[0].outcome(), pb::Outcome::Recorded);
    let rejection = &told.notifications[1].rejections[0];
    assert_eq!(rejection.reason(), pb::RejectionReason::UnknownRating);
    assert!(rejection.description.contains("New Lead"), "{rejection:?}");
}

/// What the gateway answers and what the explanation says are one sentence.
#[track_caller]
fn check_refusal(status: &Status, fault: &str, reason: &str, metadata: &[(&str, &str)]) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let sentence = status.message().replace('<', "&lt;").replace('>', "&gt;");
    assert!(fault.contains(&sentence), "{sentence} is not in {fault}");
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(
        (info.domain.as_str(), info.reason.as_str()),
        ("sfbridge", reason)
    );
    for (name, value) in metadata {
        assert_eq!(info.metadata[*name], *value);
    }
    assert_eq!(details.bad_request().unwrap().field_violations.len(), 1);
}

#[tokio::test]
async fn a_refusal_has_the_sentence_and_the_place_of_the_gateways_fault() {
    let up = Server::up().await;
    let good = Message::new().with(&sale(1)).xml();
    let broken = good.replace("</notifications>", "\n</oops>");
    for (url, body, reason, metadata) in [
        (
            format!("{EVENTS}?vidFeild=X__c"),
            good.as_str(),
            "INVALID_PARAMETER",
            &[("parameter", "vidFeild")][..],
        ),
        (
            EVENTS.to_owned(),
            "",
            "INVALID_MESSAGE",
            &[("line", "1"), ("column", "1")],
        ),
        (EVENTS.to_owned(), broken.as_str(), "INVALID_MESSAGE", &[]),
        (
            EVENTS.to_owned(),
            "<a/>",
            "INVALID_MESSAGE",
            &[("line", "1")],
        ),
    ] {
        let answer = Request::post(&url, body).send(up.gateway()).await;
        let fault = answer.body;
        let refused = explain(&up, &url, body).await.unwrap_err();
        check_refusal(&refused, &fault, reason, metadata);
    }
    for url in ["", "events", "/callback/v1/salesforce/nothing", "ftp://x/"] {
        let refused = explain(&up, url, good.as_str()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{url}");
    }
}

#[tokio::test]
async fn a_compressed_message_is_explained_or_refused_as_the_gateway_would() {
    let up = Server::up().await;
    let good = gzip(Message::new().with(&sale(1)).xml().as_bytes());
    let mut broken = good.clone();
    broken.truncate(good.len() - 1);
    let bomb = gzip(&vec![b' '; (16 << 20) + 1]);
    for (body, encoding, refused) in [
        (&good, "gzip", None),
        (&good, " GZIP ", None),
        (&good, "", Some("INVALID_MESSAGE")),
        (&good, "br", Some("UNSUPPORTED_CONTENT_ENCODING")),
        (&good, "\u{1}", Some("UNSUPPORTED_CONTENT_ENCODING")),
        (&broken, "gzip", Some("BROKEN_BODY")),
        (&bomb, "gzip", Some("BODY_TOO_LARGE")),
    ] {
        let request = pb::ExplainMessageRequest {
            content_encoding: encoding.to_owned(),
            ..request(EVENTS, body.as_slice())
        };
        let answer = client(&up, None).explain_message(request).await;
        let Some(reason) = refused else {
            assert_eq!(answer.unwrap().into_inner().notification_count, 1);
            continue;
        };
        let details = answer.unwrap_err().get_error_details();
        assert_eq!(details.error_info().unwrap().reason, reason);
        let field = &details.bad_request().unwrap().field_violations[0].field;
        let is_of_the_header = reason == "UNSUPPORTED_CONTENT_ENCODING";
        let expected = if is_of_the_header {
            "content_encoding"
        } else {
            "body"
        };
        assert_eq!(field, expected);
    }
}

#[tokio::test]
async fn an_explanation_says_whether_the_organisation_is_linked() {
    let (up, keys) =
        server_with_keys(&["--role read", "--role ingest", "--role read --igrp 91"]).await;
    let admin = [("SFBRIDGE_CORE_API_KEY", keys[0].as_str())];
    let is_linked = async || {
        let mut linked = Vec::new();
        for key in &keys[1..] {
            let message = Message::new().with(&sale(1)).xml();
            let request = request(EVENTS, message);
            let answer = client(&up, Some(key)).explain_message(request).await;
            linked.push(answer.unwrap().into_inner().is_organization_linked);
        }
        linked
    };
    assert_eq!(is_linked().await, [false, false, false]);
    let link = "installations create 90 --organization-id 00D5g0000004242EAA";
    up.run_with(link, &admin).await.ok();
    // The last key does not reach that installation.
    assert_eq!(is_linked().await, [true, true, false]);
}

#[tokio::test]
async fn a_large_message_gets_an_answer_that_any_client_takes() {
    let up = Server::up().await;
    let text = "x".repeat(3_900);
    let mut message = Message::new();
    for number in 0..1_200 {
        let notification = (0..3).fold(sale(number), |notification, field| {
            notification.field(&format!("Field{field}__c"), &text)
        });
        message = message.with(&notification);
    }
    let url = format!("{EVENTS}?c_aField=Field0__c&c_bField=Field1__c&c_dField=Field2__c");
    let body = message.xml();
    assert!(body.len() > 10 << 20);
    let told = explain(&up, &url, body).await.unwrap();
    assert_eq!(told.notification_count, 1_200);
    assert!(told.notifications.len() <= 1_000);
    assert!(!told.notifications[0].is_shortened);
    let short = told
        .notifications
        .iter()
        .find(|one| one.is_shortened)
        .unwrap();
    assert!(short.item.is_none() && short.salesforce.is_some());
    assert_eq!(short.outcome(), pb::Outcome::Recorded);

    let too_long = vec![b' '; (16 << 20) + 1];
    let refused = explain(&up, EVENTS, too_long).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("16 MiB"), "{refused:?}");
}

#[tokio::test]
async fn nobody_learns_more_than_their_key_lets_them() {
    let flags = ["--role read", "--role ingest", "--role read --igrp 91"];
    let (up, keys) = server_with_keys(&flags).await;
    let [_, read, ingest, of_91] = keys.as_slice() else {
        panic!("{keys:?}");
    };
    let explain = async |key, igrp: &str| {
        let message = Message::new().with(&sale(1)).xml();
        let url = format!("{EVENTS}?igrp={igrp}");
        let answer = client(&up, key)
            .explain_message(request(&url, message))
            .await;
        answer.map(|answer| answer.into_inner().notifications.remove(0))
    };
    assert_eq!(
        explain(None, "91").await.unwrap_err().code(),
        Code::Unauthenticated
    );
    let wrong = explain(Some("sfb_1_2"), "91").await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);

    let told = explain(Some(read), "91").await.unwrap();
    assert_eq!(told.outcome(), pb::Outcome::Recorded);
    assert!(told.r#match.is_some());
    // Calls and visitors are for those who may read them.
    let told = explain(Some(ingest), "91").await.unwrap();
    assert_eq!(
        (told.outcome(), told.r#match),
        (pb::Outcome::Recorded, None)
    );
    let told = explain(Some(of_91), "90").await.unwrap();
    assert_eq!(
        told.rejections[0].reason(),
        pb::RejectionReason::UnknownInstallation
    );
}
