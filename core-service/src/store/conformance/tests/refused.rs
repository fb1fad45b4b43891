//! Refused messages: the list of what strangers may add to.

use std::collections::BTreeSet;

use super::given::{OTHERS, OURS, at, organization, seven, short};
use crate::domain::{Installation, Place, Refusal, RefusalReason, RefusalStatus, RefusedMessage};
use crate::store::{PageRequest, RefusedMessageFilter, Store, TimeRange};

/// A refusal at a time, of nobody known.
pub(in crate::store) fn refusal(seconds: i64) -> Refusal {
    Refusal {
        endpoint: "events".to_owned(),
        organization_id: None,
        status: RefusalStatus::new(400).unwrap(),
        reason: RefusalReason::parse("INVALID_MESSAGE").unwrap(),
        parameter: short(""),
        place: None,
        request_id: short(&format!("r{seconds}")),
        first_receive_time: at(seconds),
        last_receive_time: at(seconds),
        count: 1,
    }
}

impl Refusal {
    pub(super) fn of(self, organization_id: &str) -> Self {
        Self {
            organization_id: Some(organization(organization_id)),
            ..self
        }
    }

    pub(super) fn because(self, reason: &str) -> Self {
        Self {
            reason: RefusalReason::parse(reason).unwrap(),
            ..self
        }
    }

    fn at_line(self, line: u32) -> Self {
        Self {
            place: Some(Place { line, column: 1 }),
            ..self
        }
    }
}

pub(in crate::store) fn all_refused() -> RefusedMessageFilter {
    RefusedMessageFilter {
        coverage: crate::domain::Coverage::All,
        organization_id: None,
        reason: None,
        endpoint: None,
        time: TimeRange::default(),
    }
}

async fn note(store: &Store, refusals: Vec<Refusal>) {
    store
        .record_refused_messages(refusals, at(1))
        .await
        .unwrap();
}

async fn refused(store: &Store) -> Vec<RefusedMessage> {
    let page = store.refused_messages(all_refused(), PageRequest::ALL);
    page.await.unwrap().rows
}

pub(super) async fn refusals_that_are_alike_are_one_row_that_counts_up(store: &Store) {
    note(store, vec![refusal(3).of(OURS).at_line(2)]).await;
    let known = refused(store).await.remove(0).refused_message_id;
    let again = Refusal {
        count: 5,
        last_receive_time: at(9),
        request_id: short("r9"),
        // With 15 characters it is the same organisation.
        ..refusal(4).of(&OURS[..15]).at_line(2)
    };
    note(store, vec![again]).await;
    let rows = refused(store).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].refused_message_id, known);
    let refusal = &rows[0].refusal;
    assert_eq!(refusal.count, 6);
    assert_eq!(
        (refusal.first_receive_time, refusal.last_receive_time),
        (at(3), at(9))
    );
    assert_eq!(refusal.request_id, short("r9"));
    assert_eq!(refusal.place, Some(Place { line: 2, column: 1 }));
}

pub(super) async fn a_refusal_that_is_reported_late_leaves_the_last_one_as_it_is(store: &Store) {
    note(store, vec![refusal(9)]).await;
    note(store, vec![refusal(3)]).await;
    let refusal = refused(store).await.remove(0).refusal;
    assert_eq!(
        (refusal.first_receive_time, refusal.last_receive_time),
        (at(3), at(9))
    );
    assert_eq!((refusal.request_id, refusal.count), (short("r9"), 2));
}

pub(super) async fn a_count_ends_at_its_greatest_number(store: &Store) {
    let many = || Refusal {
        count: u32::MAX,
        ..refusal(1)
    };
    note(store, vec![many(), many()]).await;
    assert_eq!(refused(store).await[0].refusal.count, u32::MAX);
}

pub(super) async fn refusals_that_differ_in_anything_are_rows_of_their_own(store: &Store) {
    let endpoint = Refusal {
        endpoint: "callRating".to_owned(),
        ..refusal(1)
    };
    let parameter = Refusal {
        parameter: short("igrpFeild"),
        ..refusal(1)
    };
    let refusals = vec![
        refusal(1),
        endpoint,
        parameter,
        refusal(1).of(OURS),
        refusal(1).of(OTHERS),
        refusal(1).because("BROKEN_BODY"),
        refusal(1).at_line(1),
        refusal(1).at_line(2),
    ];
    let count = refusals.len();
    note(store, refusals.clone()).await;
    note(store, refusals).await;
    let rows = refused(store).await;
    assert_eq!(rows.len(), count);
    assert!(rows.iter().all(|row| row.refusal.count == 2));
}

pub(super) async fn a_flood_pushes_out_its_own_kind_alone(store: &Store) {
    let most = RefusedMessage::MOST_OF_ORGANIZATION;
    for organization in [None, Some(OURS)] {
        let of = |refusal: Refusal| match organization {
            Some(id) => refusal.of(id),
            None => refusal,
        };
        // An old one of another kind, and one that comes every time.
        note(store, vec![of(refusal(1).because("INVALID_PARAMETER"))]).await;
        for round in 0..5 {
            let lines = 1 + round * 200..=(round + 1) * 200;
            let flood = lines.map(|line| of(refusal(2 + i64::from(line)).at_line(line)));
            note(store, flood.collect()).await;
        }
    }
    let rows = refused(store).await;
    for organization_id in [None, Some(organization(OURS))] {
        let own: Vec<_> = rows
            .iter()
            .map(|row| &row.refusal)
            .filter(|refusal| refusal.organization_id == organization_id)
            .collect();
        assert_eq!(own.len(), usize::try_from(most).unwrap());
        let oldest = own.last().unwrap();
        assert_eq!(oldest.reason.as_str(), "INVALID_PARAMETER");
        // Of the flood, the newest are left.
        let lines: BTreeSet<u32> = own
            .iter()
            .filter_map(|refusal| refusal.place.map(|place| place.line))
            .collect();
        assert_eq!(lines, (1_002 - most..=1_000).collect());
    }
}

pub(super) async fn organisations_that_nobody_linked_go_first(store: &Store) {
    let ours = Installation::provisional(seven(), Some(organization(OURS)), at(1));
    assert!(store.create_installation(ours).await.unwrap());
    // The oldest of all are of a linked organisation and of none.
    note(store, vec![refusal(1), refusal(1).of(OURS)]).await;
    let most = RefusedMessage::MOST;
    let strangers: Vec<u32> = (0..most + 300).collect();
    for some in strangers.chunks(256) {
        let refusals = some.iter().map(|n| {
            let id = format!("00D{n:012}");
            refusal(2 + i64::from(*n)).of(&id)
        });
        note(store, refusals.collect()).await;
    }
    let rows = refused(store).await;
    assert_eq!(rows.len(), usize::try_from(most).unwrap());
    let newest = rows[0].refusal.organization_id.clone().unwrap();
    assert_eq!(newest.key(), format!("00D{:012}", most + 299));
    let kept: Vec<_> = rows[rows.len() - 2..]
        .iter()
        .map(|row| row.refusal.organization_id.clone())
        .collect();
    assert_eq!(kept, [Some(organization(OURS)), None]);
}
