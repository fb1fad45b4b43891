//! What becomes of a job.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sfbridge_values::{Igrp, OrganizationId, SalesforceId, Timestamp, VisitorId};
use uuid::Uuid;

use super::*;
use crate::domain::{LeadFieldMapping, VisitorHistory};
use LeadEnrichmentState as State;

const HOUR: i64 = 3_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn owner(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn request() -> LeadToEnrich {
    LeadToEnrich {
        visitor_id: Some(VisitorId::from_bytes([1; 16])),
        call_ref: None,
        organization_id: OrganizationId::parse("00D000000000062EAA").unwrap(),
        record_id: SalesforceId::parse("00Q000000000001").unwrap(),
        as_of_time: None,
        attribution_model_id: None,
        field_mapping: LeadFieldMapping::default(),
        overwrite_policy: None,
        known_values: BTreeMap::new(),
        warnings: Vec::new(),
        origin: None,
    }
}

fn job(seconds: i64) -> LeadEnrichment {
    let igrp = Igrp::new(7).unwrap();
    let now = at(seconds);
    crate::recording::new_enrichment(Uuid::from_u128(1), igrp, request(), now, now)
}

/// Takes a job up for a minute.
#[track_caller]
fn claim(job: &mut LeadEnrichment, lead: &mut KnownLead, seconds: i64) -> Lease {
    match job.claim(owner(1), at(seconds + 60), lead, at(seconds)) {
        Claim::Claimed(lease) => lease,
        Claim::Parked => panic!("parked"),
    }
}

fn nothing_known() -> RunResult {
    RunResult::NothingKnown(Awaited::from(&VisitorHistory::default()))
}

fn refused(chance: u64) -> RunResult {
    RunResult::Refused {
        refusal: refusal(),
        retry_after: None,
        chance,
    }
}

fn refusal() -> SalesforceRefusal {
    SalesforceRefusal {
        code: "UNABLE_TO_LOCK_ROW".to_owned(),
        description: "unable to obtain exclusive access to this record".to_owned(),
    }
}

fn fields(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Source__c".to_owned(), value.to_owned())])
}

fn settle(
    job: &mut LeadEnrichment,
    lead: &mut KnownLead,
    lease: Lease,
    result: RunResult,
    seconds: i64,
) -> Option<State> {
    let settlement = Settlement {
        lease,
        result,
        attribution: None,
        warnings: Vec::new(),
    };
    job.settle(settlement, lead, None, at(seconds))
}

/// Takes a job up and ends the run a second later.
fn run(job: &mut LeadEnrichment, lead: &mut KnownLead, result: RunResult, seconds: i64) -> State {
    let lease = claim(job, lead, seconds);
    settle(job, lead, lease, result, seconds + 1).unwrap()
}

#[test]
fn each_result_leads_to_its_state() {
    let of = |result| {
        let (mut job, mut lead) = (job(0), KnownLead::default());
        let state = run(&mut job, &mut lead, result, 0);
        (state, job.progress.next_attempt_time(), job)
    };
    let (state, next, job) = of(RunResult::Succeeded(fields("Google")));
    assert_eq!((state, next), (State::Succeeded, None));
    assert_eq!(job.progress.written_fields, fields("Google"));
    assert_eq!(of(RunResult::Unchanged).0, State::Unchanged);
    assert_eq!(of(RunResult::NoData("No.".to_owned())).0, State::NoData);
    let (state, next, job) = of(RunResult::Failed(refusal()));
    assert_eq!((state, next), (State::Failed, None));
    assert_eq!(job.progress.failure, Some(refusal()));
    let (state, next, job) = of(refused(u64::MAX));
    assert_eq!((state, next), (State::Pending, Some(at(2))));
    assert_eq!(job.progress.refusal_count, 1);
    let (state, next, _) = of(RunResult::NoConnection("No.".to_owned()));
    assert_eq!((state, next), (State::WaitingForConnection, None));
    let (state, next, _) = of(nothing_known());
    assert_eq!(
        (state, next),
        (State::WaitingForData, Some(at(1 + 24 * HOUR)))
    );
    let (state, next, _) = of(RunResult::Postponed(at(90), "Quota.".to_owned()));
    assert_eq!((state, next), (State::Pending, Some(at(90))));
}

#[test]
fn refusals_end_after_24_hours_with_the_last_reason() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let mut now = 0;
    let mut count = 0;
    while run(&mut job, &mut lead, refused(u64::MAX), now) == State::Pending {
        now = job.progress.due_time.unwrap().micros() / 1_000_000;
        count += 1;
    }
    assert_eq!(job.state, State::Failed);
    assert_eq!(job.progress.failure, Some(refusal()));
    assert!((23 * HOUR..=24 * HOUR).contains(&now), "{now}");
    assert!((100..120).contains(&count), "{count}");
    assert_eq!(job.progress.attempts.iter().count(), 50);
}

#[test]
fn a_wait_that_salesforce_asks_for_beyond_the_limit_is_the_end() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let result = RunResult::Refused {
        refusal: refusal(),
        retry_after: Some(Duration::from_hours(25)),
        chance: 0,
    };
    assert_eq!(run(&mut job, &mut lead, result, 0), State::Failed);
}

#[test]
fn data_is_waited_for_24_hours_whatever_wakes_the_job() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    run(&mut job, &mut lead, nothing_known(), 0);
    assert!(job.wake(at(12 * HOUR)));
    assert_eq!(job.progress.next_attempt_time(), Some(at(12 * HOUR)));
    assert_eq!(
        run(&mut job, &mut lead, nothing_known(), 12 * HOUR),
        State::WaitingForData
    );
    assert_eq!(job.progress.next_attempt_time(), Some(at(1 + 24 * HOUR)));
    assert_eq!(
        run(&mut job, &mut lead, nothing_known(), 1 + 24 * HOUR),
        State::NoData
    );
}

#[test]
fn what_arrives_between_the_look_and_the_end_of_the_run_is_not_missed() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let lease = claim(&mut job, &mut lead, 0);
    // Whoever works on it looks again by itself.
    assert!(!job.wake(at(1)));
    let settlement = Settlement {
        lease,
        result: nothing_known(),
        attribution: None,
        warnings: Vec::new(),
    };
    let known = VisitorHistory {
        call_count: 1,
        ..VisitorHistory::default()
    };
    job.settle(settlement, &mut lead, Some(Awaited::from(&known)), at(2));
    assert_eq!(job.progress.next_attempt_time(), Some(at(2)));
}

#[test]
fn waiting_for_a_connection_counts_in_no_limit() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    run(&mut job, &mut lead, nothing_known(), 0);
    job.wake(at(HOUR));
    run(&mut job, &mut lead, refused(0), HOUR);
    // The first refusal ends the wait for data, not its limit.
    let result = RunResult::NoConnection("No log-in.".to_owned());
    run(&mut job, &mut lead, result, HOUR + 9);
    assert!(!job.wake(at(HOUR)));
    assert!(job.release(at(100 * HOUR + 10)));
    assert!(!job.release(at(100 * HOUR + 10)));
    assert_eq!(job.state, State::Pending);
    let waited = 99 * HOUR;
    assert_eq!(job.progress.data_deadline, Some(at(1 + 24 * HOUR + waited)));
    assert_eq!(
        job.progress.retry_deadline,
        Some(at(1 + 25 * HOUR + waited))
    );
}

#[test]
fn a_lost_lease_changes_nothing() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let lost = claim(&mut job, &mut lead, 0);
    let held = claim(&mut job, &mut lead, 60);
    let interrupted = job.progress.attempts.last().unwrap();
    assert_eq!(interrupted.outcome, AttemptOutcome::Interrupted);
    let before = (job.clone().progress, lead.clone());
    for lease in [
        lost,
        Lease {
            owner: owner(2),
            ..held
        },
    ] {
        let push = PlannedPush {
            lease,
            fields: fields("Google"),
            attribution: None,
        };
        assert!(!job.begin_push(push, at(200), &mut lead, at(61)));
        let result = RunResult::Succeeded(fields("Google"));
        assert_eq!(settle(&mut job, &mut lead, lease, result, 62), None);
    }
    assert_eq!((job.progress.clone(), lead.clone()), before);
    assert_eq!(
        settle(&mut job, &mut lead, held, RunResult::Unchanged, 63),
        Some(State::Unchanged)
    );
    assert_eq!(
        settle(&mut job, &mut lead, held, RunResult::Unchanged, 64),
        None
    );
}

#[test]
fn what_an_interrupted_push_may_have_written_is_known_until_the_job_ends() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    lead.written.confirm("Source__c", "Bing");
    let push = |lease, value| PlannedPush {
        lease,
        fields: fields(value),
        attribution: None,
    };
    let lease = claim(&mut job, &mut lead, 0);
    assert!(job.begin_push(push(lease, "Google"), at(60), &mut lead, at(1)));
    assert_eq!(job.state, State::Pushing);
    let lease = claim(&mut job, &mut lead, 60);
    assert_eq!(job.progress.planned_fields, fields("Google"));
    assert!(lead.written.is_ours("source__c", "Google"));
    assert!(lead.written.is_ours("source__c", "Bing"));
    settle(&mut job, &mut lead, lease, refused(0), 61);
    assert_eq!(job.progress.planned_fields, fields("Google"));
    let result = RunResult::Succeeded(fields("Google"));
    assert_eq!(run(&mut job, &mut lead, result, 62), State::Succeeded);
    assert!(job.progress.planned_fields.is_empty());
    assert!(!lead.written.is_ours("source__c", "Bing"));
}

#[test]
fn a_request_that_joins_during_a_run_makes_the_job_run_once_more() {
    for result in [
        RunResult::Succeeded(fields("Google")),
        RunResult::Unchanged,
        RunResult::NoData("No.".to_owned()),
        RunResult::Failed(refusal()),
        nothing_known(),
    ] {
        let (mut job, mut lead) = (job(0), KnownLead::default());
        let lease = claim(&mut job, &mut lead, 0);
        job.join(request(), at(1), at(1));
        let has_written = matches!(result, RunResult::Succeeded(_));
        let state = settle(&mut job, &mut lead, lease, result, 2);
        assert_eq!(state, Some(State::Pending));
        assert_eq!(job.progress.next_attempt_time(), Some(at(2)));
        // A job that has written stays a success when its write is found.
        let expected = if has_written {
            State::Succeeded
        } else {
            State::Unchanged
        };
        assert_eq!(run(&mut job, &mut lead, RunResult::Unchanged, 3), expected);
    }
}

#[test]
fn a_request_that_joins_a_job_that_waits_for_data_has_it_look_again() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    run(&mut job, &mut lead, nothing_known(), 0);
    job.join(request(), at(HOUR), at(HOUR));
    assert_eq!(
        (job.state, job.progress.due_time),
        (State::Pending, Some(at(HOUR)))
    );
    run(&mut job, &mut lead, nothing_known(), HOUR);
    assert_eq!(job.progress.due_time, Some(at(25 * HOUR + 1)));
    // Looking again is no enrichment of its own.
    for minute in 0..20 {
        job.join(request(), at(HOUR), at(HOUR + minute));
        run(&mut job, &mut lead, nothing_known(), HOUR + minute);
    }
}

#[test]
fn a_lead_that_is_enriched_over_and_over_is_parked_until_an_operator_says_so() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    for n in 0..KnownLead::MAX_RUNS {
        let now = i64::try_from(n).unwrap() * 10;
        let lease = claim(&mut job, &mut lead, now);
        job.join(request(), at(now), at(now));
        settle(&mut job, &mut lead, lease, RunResult::Unchanged, now + 1);
    }
    assert_eq!(
        job.claim(owner(1), at(160), &mut lead, at(100)),
        Claim::Parked
    );
    assert_eq!((job.state, job.progress.due_time), (State::Parked, None));
    assert!(job.warnings[0].contains("loop"), "{:?}", job.warnings);
    // It is open, so what arrives joins it, and begins nothing.
    assert!(job.state.is_open());
    job.join(request(), at(101), at(101));
    assert_eq!((job.state, job.progress.due_time), (State::Parked, None));
    job.retry(&mut lead, at(102));
    assert_eq!(
        run(&mut job, &mut lead, RunResult::Unchanged, 102),
        State::Unchanged
    );
}

#[test]
fn retries_of_refusals_are_no_loop() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    for n in 0..50 {
        assert_eq!(run(&mut job, &mut lead, refused(0), n * 2), State::Pending);
    }
}

#[test]
fn an_operator_retries_whatever_is_not_worked_on_at_once() {
    for result in [
        RunResult::Succeeded(fields("Google")),
        RunResult::Unchanged,
        RunResult::NoData("No.".to_owned()),
        RunResult::Failed(refusal()),
        RunResult::NoConnection("No.".to_owned()),
        refused(u64::MAX),
        nothing_known(),
    ] {
        let (mut job, mut lead) = (job(0), KnownLead::default());
        run(&mut job, &mut lead, result, 0);
        job.retry(&mut lead, at(9));
        assert_eq!(
            (job.state, job.progress.due_time),
            (State::Pending, Some(at(9)))
        );
        assert_eq!(
            (job.progress.failure, job.progress.refusal_count),
            (None, 0)
        );
    }
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let lease = claim(&mut job, &mut lead, 0);
    job.retry(&mut lead, at(1));
    assert_eq!(job.progress.next_attempt_time(), None);
    let state = settle(&mut job, &mut lead, lease, RunResult::Unchanged, 2);
    assert_eq!(state, Some(State::Pending));
}

#[test]
fn a_cancelled_job_stays_so_and_keeps_what_was_on_its_way() {
    let (mut job, mut lead) = (job(0), KnownLead::default());
    let lease = claim(&mut job, &mut lead, 0);
    job.join(request(), at(1), at(1));
    job.cancel(at(1)).unwrap();
    job.cancel(at(2)).unwrap();
    let push = PlannedPush {
        lease,
        fields: fields("Google"),
        attribution: None,
    };
    assert!(!job.begin_push(push, at(60), &mut lead, at(2)));
    let result = RunResult::Succeeded(fields("Google"));
    let state = settle(&mut job, &mut lead, lease, result, 3);
    assert_eq!(
        (state, job.progress.due_time),
        (Some(State::Cancelled), None)
    );
    assert_eq!(job.progress.written_fields, fields("Google"));
    assert!(lead.written.is_ours("Source__c", "Google"));
    job.retry(&mut lead, at(4));
    assert_eq!(
        run(&mut job, &mut lead, RunResult::Unchanged, 4),
        State::Succeeded
    );
    assert_eq!(job.cancel(at(9)), Err(NotOpen(State::Succeeded)));
}

/// Something that happens to a job.
#[derive(Clone, Debug)]
enum Event {
    Join,
    Claim,
    Push,
    Settle(u8),
    Wake,
    Release,
    Retry,
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<(Event, i64)>> {
    let event = prop_oneof![
        2 => Just(Event::Join),
        6 => Just(Event::Claim),
        3 => Just(Event::Push),
        6 => (0..8_u8).prop_map(Event::Settle),
        1 => Just(Event::Wake),
        1 => Just(Event::Release),
        1 => Just(Event::Retry),
        1 => Just(Event::Cancel),
    ];
    proptest::collection::vec((event, 0..40_000_i64), 0..60)
}

/// What holds of a job at any time.
fn check(job: &LeadEnrichment, lead: &KnownLead) -> Result<(), TestCaseError> {
    let progress = &job.progress;
    let goes_on = matches!(
        job.state,
        State::Pending | State::WaitingForData | State::Pushing
    );
    prop_assert_eq!(progress.due_time.is_some(), goes_on);
    if progress.lease.is_some() {
        prop_assert!(goes_on || job.state == State::Cancelled);
    }
    let is_waiting = job.state == State::WaitingForConnection;
    prop_assert_eq!(progress.connection_wait_start.is_some(), is_waiting);
    prop_assert_eq!(progress.failure.is_some(), job.state == State::Failed);
    if job.state != State::WaitingForData {
        prop_assert_eq!(progress.awaited_visitor_id, None);
    }
    if job.state == State::Pushing {
        prop_assert!(progress.lease.is_some());
    }
    if progress.is_joined {
        prop_assert!(progress.lease.is_some());
    }
    prop_assert!(progress.attempts.iter().count() <= 50);
    prop_assert!(lead.run_times.len() <= KnownLead::MAX_RUNS);
    for field in progress.planned_fields.keys() {
        prop_assert!(
            lead.written
                .fields()
                .contains_key(&field.to_ascii_lowercase())
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_happens_a_job_is_in_order(events in events()) {
        let (mut job, mut lead) = (job(0), KnownLead::default());
        let (mut now, mut lease) = (0, None);
        for (event, pause) in events {
            now += pause;
            let state = job.state;
            match event {
                Event::Join if state.is_open() => job.join(request(), at(now), at(now)),
                Event::Claim if job.progress.due_time.is_some_and(|due| due <= at(now)) => {
                    match job.claim(owner(1), at(now + 60), &mut lead, at(now)) {
                        Claim::Claimed(held) => lease = Some(held),
                        Claim::Parked => prop_assert_eq!(job.state, State::Parked),
                    }
                }
                Event::Push => if let Some(lease) = lease {
                    let push = PlannedPush { lease, fields: fields("x"), attribution: None };
                    job.begin_push(push, at(now + 60), &mut lead, at(now));
                },
                Event::Settle(which) => if let Some(lease) = lease {
                    let result = match which {
                        0 => RunResult::Succeeded(fields("x")),
                        1 => RunResult::Unchanged,
                        2 => RunResult::NoData(String::new()),
                        3 => RunResult::Failed(refusal()),
                        4 => refused(u64::MAX / 2),
                        5 => RunResult::NoConnection(String::new()),
                        6 => nothing_known(),
                        _ => RunResult::Postponed(at(now + 9), String::new()),
                    };
                    settle(&mut job, &mut lead, lease, result, now);
                },
                Event::Wake => drop(job.wake(at(now))),
                Event::Release => drop(job.release(at(now))),
                Event::Retry => job.retry(&mut lead, at(now)),
                Event::Cancel => {
                    let cancelled = job.cancel(at(now));
                    prop_assert_eq!(cancelled.is_ok(), state.is_open() || state == State::Cancelled);
                }
                Event::Join | Event::Claim => {}
            }
            check(&job, &lead)?;
        }
    }
}
