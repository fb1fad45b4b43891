use prometheus_client::registry::Registry;
use tower::service_fn;

use super::*;
use crate::core_service::CoreService;
use crate::fault::Limit;

/// With a core that is not asked.
fn refusals() -> (Refusals, Registry) {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let nobody = service_fn(|_| std::future::pending::<Result<_, std::io::Error>>());
    let core = CoreClient::new(CoreService::in_process(nobody));
    (Refusals::new(core, metrics), registry)
}

fn metrics(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

fn invalid_message(line: u64) -> Fault {
    Fault::new(Reason::InvalidMessage, "No.").at(line, 1)
}

fn note(refusals: &Refusals, fault: &Fault) -> RequestId {
    let id = RequestId::new();
    refusals.note(Endpoint::Events, fault, id);
    id
}

fn lines(reports: &[Report]) -> Vec<u64> {
    let mut lines: Vec<_> = reports
        .iter()
        .map(|(_, place, _)| place.position.map_or(0, |(line, _)| line))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn refusals_that_are_alike_are_reported_as_one() {
    let (refusals, _) = refusals();
    let id = OrganizationId::parse("00D000000000062EAA").unwrap();
    let fault = || invalid_message(3).of_organization(Some(&id));
    let first = note(&refusals, &fault());
    note(&refusals, &invalid_message(3));
    let last = note(&refusals, &fault());

    let reports = refusals.take();
    assert_eq!(lines(&reports), [3, 3]);
    let report = reports
        .iter()
        .find(|(_, place, _)| place.organization_id.is_some());
    let expected = pb::RefusedMessage {
        refused_message_id: String::new(),
        first_receive_time: first.time(),
        last_receive_time: last.time(),
        count: 2,
        endpoint: "events".to_owned(),
        organization_id: "00D000000000062EAA".to_owned(),
        status: 400,
        reason: "INVALID_MESSAGE".to_owned(),
        parameter: String::new(),
        line: 3,
        column: 1,
        request_id: last.to_string(),
    };
    assert_eq!(message(report.unwrap()), expected);
    assert!(expected.first_receive_time.is_some());
    assert!(refusals.take().is_empty());
}

#[test]
fn only_what_salesforce_gives_up_on_is_noted() {
    let (refusals, _) = refusals();
    for fault in [
        Fault::overloaded(Limit::Work),
        Fault::late(),
        Fault::internal(),
    ] {
        note(&refusals, &fault);
    }
    note(&refusals, &Fault::new(Reason::UnsupportedMediaType, "No."));
    assert!(refusals.take().is_empty());

    for reason in [Reason::OrganizationNotLinked, Reason::BodyTooLarge] {
        note(&refusals, &Fault::new(reason, "No."));
    }
    assert_eq!(refusals.take().len(), 2);
}

#[test]
fn a_flood_of_one_kind_takes_no_room_of_another() {
    let (refusals, registry) = refusals();
    let most = u64::try_from(Refusals::MOST_OF_KIND).unwrap();
    for line in 1..=most + 44 {
        note(&refusals, &invalid_message(line));
    }
    // What is held already counts on.
    note(&refusals, &invalid_message(1));
    let parameter = "x".repeat(100);
    let other = Fault::new(Reason::InvalidParameter, "No.").of_parameter(&parameter);
    note(&refusals, &other);

    let reports = refusals.take();
    assert_eq!(lines(&reports), (0..=most).collect::<Vec<_>>());
    let parameters = reports.iter().map(|(_, place, _)| place.parameter.len());
    assert_eq!(parameters.max(), Some(64));
    let dropped = "gateway_refused_messages_dropped_total 44\n";
    assert!(metrics(&registry).contains(dropped));
}

#[test]
fn what_could_not_be_reported_is_kept_within_the_bound() {
    let (refusals, registry) = refusals();
    let early = note(&refusals, &invalid_message(1));
    let reports = refusals.take();
    let late = note(&refusals, &invalid_message(1));
    refusals.keep(reports);
    let (_, _, repeats) = refusals.take().remove(0);
    let both = Repeats {
        first: early,
        last: late,
        count: 2,
    };
    assert_eq!(repeats, both);

    note(&refusals, &invalid_message(0));
    let reports = refusals.take();
    for line in 1..=u64::try_from(Refusals::MOST_OF_KIND).unwrap() {
        note(&refusals, &invalid_message(line));
    }
    refusals.keep(reports);
    assert_eq!(refusals.take().len(), Refusals::MOST_OF_KIND);
    let dropped = "gateway_refused_messages_dropped_total 1\n";
    assert!(metrics(&registry).contains(dropped));
}
