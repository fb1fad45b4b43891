//! Requests of a size that the core takes.

use prost::Message;
use sfbridge_proto::v1 as pb;

use super::CoreFailure;
use crate::mapping::Paired;

/// The items of one request, each with its notification.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) items: Vec<T>,
    pub(crate) notifications: Vec<pb::Notification>,
}

impl<T: Message> Batch<T> {
    /// The most items that the core takes in one request.
    const MAX_ITEMS: usize = 1_000;
    /// The most encoded bytes of one request that is sent. A single item may be
    /// larger.
    pub(crate) const MAX_SENT_BYTES: usize = 8 * 1024 * 1024;

    /// Splits items into requests, in order, each of at most so many encoded
    /// bytes. Those of requests that are not sent are not counted:
    /// `usize::MAX`.
    ///
    /// # Errors
    ///
    /// [`CoreFailure::Unpaired`] when items and notifications do not pair.
    pub(crate) fn split(paired: Paired<T>, max_bytes: usize) -> Result<Vec<Self>, CoreFailure> {
        let Paired {
            items,
            notifications,
        } = paired;
        if items.len() != notifications.len() {
            return Err(CoreFailure::Unpaired {
                items: items.len(),
                results: notifications.len(),
            });
        }

        // Nearly all messages are one request as they are. One item always is,
        // however large.
        let sizes = items.iter().map(encoded);
        let sizes = sizes.chain(notifications.iter().map(encoded));
        let fits = items.len() <= Self::MAX_ITEMS
            && (max_bytes == usize::MAX || sizes.sum::<usize>() <= max_bytes);
        if items.len() == 1 || (fits && !items.is_empty()) {
            return Ok(vec![Self {
                items,
                notifications,
            }]);
        }

        let mut batches = Vec::new();
        let mut batch = Self::empty();
        let mut bytes = 0;
        for (item, notification) in items.into_iter().zip(notifications) {
            let size = encoded(&item) + encoded(&notification);
            let is_full = batch.items.len() == Self::MAX_ITEMS || bytes + size > max_bytes;
            if is_full && !batch.items.is_empty() {
                batches.push(std::mem::replace(&mut batch, Self::empty()));
                bytes = 0;
            }
            bytes += size;
            batch.items.push(item);
            batch.notifications.push(notification);
        }
        if !batch.items.is_empty() {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Adds the items of another batch.
    pub(super) fn append(&mut self, other: Self) {
        self.items.extend(other.items);
        self.notifications.extend(other.notifications);
    }

    /// Nothing.
    pub(super) fn empty() -> Self {
        Self {
            items: Vec::new(),
            notifications: Vec::new(),
        }
    }
}

/// The bytes of a message as an element of a repeated field.
fn encoded(message: &impl Message) -> usize {
    const MAX_PREFIX: usize = 1 + 10;

    message.encoded_len() + MAX_PREFIX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(titles: impl Iterator<Item = String>) -> Paired<pb::Event> {
        let items: Vec<_> = titles
            .map(|title| pb::Event {
                title,
                ..pb::Event::default()
            })
            .collect();
        let notification = |event: &pb::Event| pb::Notification {
            query: event.title.clone(),
            ..pb::Notification::default()
        };
        let notifications = items.iter().map(notification).collect();
        Paired {
            items,
            notifications,
        }
    }

    fn split(paired: Paired<pb::Event>) -> Result<Vec<Batch<pb::Event>>, CoreFailure> {
        Batch::split(paired, Batch::<pb::Event>::MAX_SENT_BYTES)
    }

    #[test]
    fn requests_that_are_not_sent_are_split_by_their_items_alone() {
        let titles = (0..1_500).map(|_| "x".repeat(8 * 1024));
        let batches = Batch::split(paired(titles), usize::MAX).unwrap();
        let counts: Vec<_> = batches.iter().map(|batch| batch.items.len()).collect();
        assert_eq!(counts, [1_000, 500]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

        #[test]
        fn items_stay_in_order_with_their_notifications(
            count in 0_usize..3_500,
            large in 0_usize..40_000,
        ) {
            let title = |n: usize| format!("{n}{}", "x".repeat(large * usize::from(n < 400)));
            let batches = split(paired((0..count).map(title))).unwrap();

            let mut n = 0;
            for batch in batches {
                assert!((1..=1_000).contains(&batch.items.len()));
                let request = pb::RecordEventsRequest {
                    events: batch.items,
                    notifications: batch.notifications,
                    unknown_installations: 1,
                    validate_only: false,
                };
                assert!(request.encoded_len() <= 8 * 1024 * 1024 + 2);
                assert_eq!(request.events.len(), request.notifications.len());
                for (event, notification) in request.events.iter().zip(&request.notifications) {
                    assert_eq!(event.title, title(n));
                    assert_eq!(event.title, notification.query);
                    n += 1;
                }
            }
            assert_eq!(n, count);
        }
    }

    #[test]
    fn an_item_that_is_too_large_goes_alone() {
        let large = "x".repeat(9 * 1024 * 1024);
        let titles = ["a".to_owned(), large, "b".to_owned()];
        let batches = split(paired(titles.into_iter())).unwrap();
        let counts: Vec<_> = batches.iter().map(|batch| batch.items.len()).collect();
        assert_eq!(counts, [1, 1, 1]);
    }

    #[test]
    fn items_without_notifications_are_a_fault() {
        let mut paired = paired(["a".to_owned()].into_iter());
        paired.notifications.clear();
        let failure = split(paired).unwrap_err();
        assert!(matches!(failure, CoreFailure::Unpaired { .. }));
    }
}
