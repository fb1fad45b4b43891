use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{TestCore, reason};

const SERVICES: [&str; 9] = [
    "",
    "infinity.core.v1.AccessService",
    "infinity.core.v1.CallRatingService",
    "infinity.core.v1.CallService",
    "infinity.core.v1.EventService",
    "infinity.core.v1.InstallationService",
    "infinity.core.v1.LeadEnrichmentService",
    "infinity.core.v1.QuarantineService",
    "infinity.core.v1.VisitService",
];

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn each_service_says_whether_it_serves() {
    let core = TestCore::start().await;
    let mut health = HealthClient::new(core.endpoint().connect().await.unwrap());
    for service in SERVICES {
        let status = health.check(of(service)).await.unwrap().into_inner().status;
        assert_eq!(status, i32::from(Serving), "{service}");
    }
    let status = health.check(of("nothing")).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::NotFound, "NOT_FOUND")
    );
    assert_eq!(core.health.check(), Ok(()));
}

#[tokio::test]
async fn whoever_watches_learns_of_the_end_and_does_not_hold_it_up() {
    let core = TestCore::start().await;
    let mut health = HealthClient::new(core.endpoint().connect().await.unwrap());
    for service in SERVICES {
        let mut watch = health.watch(of(service)).await.unwrap().into_inner();
        let status = watch.next().await.unwrap().unwrap().status;
        assert_eq!(status, i32::from(Serving), "{service}");
        if service == SERVICES[8] {
            core.shutdown.cancel();
            let status = watch.next().await.unwrap().unwrap().status;
            assert_eq!(status, i32::from(NotServing));
            // Then the stream ends, in whichever way.
            let end = tokio::time::timeout(crate::harness::PATIENCE, watch.next()).await;
            let end = end.expect("who watches holds the core up");
            assert!(end.is_none_or(|status| status.is_err()));
        }
    }
    assert!(core.health.check().unwrap_err().contains("shutting down"));
    core.ended().await;
}
