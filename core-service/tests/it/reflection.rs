//! What `grpcurl list` and `describe` ask for.

use prost::Message;
use prost_types::FileDescriptorProto;
use tokio_stream::StreamExt;
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::TestCore;

macro_rules! asks {
    ($name:ident, $version:ident) => {
        async fn $name(
            core: &TestCore,
            question: $version::server_reflection_request::MessageRequest,
        ) -> $version::server_reflection_response::MessageResponse {
            let channel = core.endpoint().connect().await.unwrap();
            let mut client =
                $version::server_reflection_client::ServerReflectionClient::new(channel);
            let request = $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(question),
            };
            let answers = client
                .server_reflection_info(tokio_stream::iter([request]))
                .await
                .unwrap();
            let answer = answers.into_inner().next().await.unwrap().unwrap();
            answer.message_response.unwrap()
        }
    };
}

asks!(ask_v1, v1);
asks!(ask_v1alpha, v1alpha);

/// The comments of a file's first service and of its first method.
fn comments(file: &[u8]) -> (String, String) {
    let file = FileDescriptorProto::decode(file).unwrap();
    let comment = |path: &[i32]| {
        let locations = &file.source_code_info.as_ref().unwrap().location;
        let location = locations
            .iter()
            .find(|location| location.path == path)
            .unwrap();
        location.leading_comments().to_owned()
    };
    (comment(&[6, 0]), comment(&[6, 0, 2, 0]))
}

#[tokio::test]
async fn services_are_listed_and_described_with_their_comments() {
    let core = TestCore::start().await;
    let question = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let v1::server_reflection_response::MessageResponse::ListServicesResponse(list) =
        ask_v1(&core, question).await
    else {
        panic!("no list");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for service in [
        "EventService",
        "CallRatingService",
        "LeadEnrichmentService",
        "VisitService",
        "CallService",
        "InstallationService",
        "QuarantineService",
        "AccessService",
    ] {
        let name = format!("infinity.core.v1.{service}");
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(
        names.contains(&"grpc.health.v1.Health".to_owned()),
        "{names:?}"
    );

    let symbol = "infinity.core.v1.EventService".to_owned();
    let question = v1::server_reflection_request::MessageRequest::FileContainingSymbol(symbol);
    let v1::server_reflection_response::MessageResponse::FileDescriptorResponse(files) =
        ask_v1(&core, question).await
    else {
        panic!("no description");
    };
    let (service, method) = comments(&files.file_descriptor_proto[0]);
    assert!(service.contains("Events: tracked happenings"), "{service}");
    assert!(method.contains("Records up to 1,000 events"), "{method}");
}

#[tokio::test]
async fn older_clients_are_answered_too() {
    let core = TestCore::start().await;
    let symbol = "infinity.core.v1.CallRatingService".to_owned();
    let question = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(symbol);
    let v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(files) =
        ask_v1alpha(&core, question).await
    else {
        panic!("no description");
    };
    let (service, _) = comments(&files.file_descriptor_proto[0]);
    assert!(service.contains("Call ratings"), "{service}");
}
