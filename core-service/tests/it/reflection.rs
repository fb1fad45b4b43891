//! What `grpcurl list` and `describe` ask for.

use core_service::domain::{Coverage, Role};
use prost::Message;
use prost_types::FileDescriptorProto;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::{Client, Setup, TestCore};

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

/// Whether a client is answered, in the present version and in the older one.
async fn is_answered(client: &Client) -> [Result<(), Code>; 2] {
    let present = tokio_stream::iter([v1::ServerReflectionRequest::default()]);
    let present = client.reflection().server_reflection_info(present).await;
    let older = tokio_stream::iter([v1alpha::ServerReflectionRequest::default()]);
    let older = client.old_reflection().server_reflection_info(older).await;
    [
        present.map(drop).map_err(|status| status.code()),
        older.map(drop).map_err(|status| status.code()),
    ]
}

#[tokio::test]
async fn once_there_is_a_key_only_its_holders_are_answered() {
    let setup = Setup::new();
    let key = setup.key(&[Role::Ingest], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let nobody = Err(Code::Unauthenticated);
    assert_eq!(is_answered(&core.client().await).await, [nobody; 2]);
    let wrong = core.client_with(Some("sfb_0123456789abcdef_0")).await;
    assert_eq!(is_answered(&wrong).await, [nobody; 2]);
    let holder = core.client_with(Some(&key)).await;
    assert_eq!(is_answered(&holder).await, [Ok(()); 2]);
}

#[tokio::test]
async fn nobody_is_answered_where_reflection_is_off() {
    let mut setup = Setup::new();
    setup.reflection = false;
    let core = setup.start().await.unwrap();
    let nothing = Err(Code::Unimplemented);
    assert_eq!(is_answered(&core.client().await).await, [nothing; 2]);
}
