//! Which core is next to try a request.

use std::sync::Arc;

use rand::seq::index;

use super::member::Member;

/// The tries of one request: at every core once, then at every core once more.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    members: &'a [Arc<Member>],
    /// Those that this round has left.
    left: Vec<&'a Arc<Member>>,
    is_second_round: bool,
}

impl<'a> Turn<'a> {
    /// Before the first try.
    pub(super) fn new(members: &'a [Arc<Member>]) -> Self {
        Self {
            members,
            left: members.iter().collect(),
            is_second_round: false,
        }
    }

    /// The next core: of two that take requests, picked at random, the one with
    /// less to do. Comparing two rather than all keeps gateways that know
    /// little of one another from running after the same core. Where none takes
    /// requests, any: what is known of them may be old.
    pub(super) fn next(&mut self) -> Option<&'a Arc<Member>> {
        if self.left.is_empty() && !self.is_second_round {
            self.left = self.members.iter().collect();
            self.is_second_round = true;
        }
        let taking = |at: &usize| self.left[*at].takes_requests();
        let mut from: Vec<usize> = (0..self.left.len()).filter(taking).collect();
        if from.is_empty() {
            from = (0..self.left.len()).collect();
        }
        let at = match from.as_slice() {
            [] => return None,
            [only] => *only,
            several => {
                let two = index::sample(&mut rand::rng(), several.len(), 2);
                let [one, other] = [0, 1].map(|n| several[two.index(n)]);
                if self.left[other].load() < self.left[one].load() {
                    other
                } else {
                    one
                }
            }
        };
        Some(self.left.swap_remove(at))
    }

    /// Whether there is a further core to try in this round.
    pub(super) fn has_another(&self) -> bool {
        !self.left.is_empty()
    }

    /// Whether one of those takes requests.
    pub(super) fn has_another_that_takes(&self) -> bool {
        self.left.iter().any(|member| member.takes_requests())
    }

    /// Whether there is anything left to try.
    pub(super) fn is_over(&self) -> bool {
        self.left.is_empty() && self.is_second_round
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use http::{Request, Response};
    use tonic::body::Body;

    use super::super::BoxError;
    use super::super::attempt::Outcome;
    use super::super::metrics::CoresMetrics;
    use super::*;

    fn members(count: u64) -> Vec<Arc<Member>> {
        let member = |n: u64| {
            let answer = move |_| async move {
                tokio::time::sleep(Duration::from_millis(n * 50)).await;
                Ok::<_, BoxError>(Response::new(Body::empty()))
            };
            let address = n.to_string();
            let metrics = CoresMetrics::default().of(&address);
            Arc::new(Member::new(address, tower::service_fn(answer), metrics))
        };
        (0..count).map(member).collect()
    }

    async fn call(member: &Member) {
        let outcome = member.send(Request::new(Body::empty())).await;
        member.note(&outcome);
    }

    fn firsts(members: &[Arc<Member>]) -> HashSet<&str> {
        let first = || Turn::new(members).next().unwrap().address();
        std::iter::repeat_with(first).take(100).collect()
    }

    #[test]
    fn every_core_is_tried_once_before_any_is_tried_again() {
        let members = members(5);
        let mut turn = Turn::new(&members);
        for _ in 0..2 {
            assert!(!turn.is_over());
            let round: HashSet<_> = (0..5).map(|_| turn.next().unwrap().address()).collect();
            assert_eq!(round.len(), 5);
            assert!(!turn.has_another());
        }
        assert!(turn.is_over());
        assert!(turn.next().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_core_that_takes_no_requests_is_the_last_resort() {
        let members = members(3);
        members[0].set_taking(false);
        for _ in 0..100 {
            let mut turn = Turn::new(&members);
            let order: Vec<_> = (0..3).map(|_| turn.next().unwrap().address()).collect();
            assert_eq!(order[2], "0", "{order:?}");
        }
        for member in &members {
            member.set_taking(false);
        }
        assert_eq!(firsts(&members).len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_core_is_left_alone_while_a_fast_one_is_there() {
        let members = members(2);
        for member in &members {
            // The first guess has to be forgotten.
            for _ in 0..20 {
                call(member).await;
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        call(&members[1]).await;
        assert_eq!(firsts(&members), HashSet::from(["0"]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_core_with_much_to_do_is_left_alone() {
        let members = members(2);
        let waiting: Vec<_> = (0..3)
            .map(|_| members[0].send(Request::new(Body::empty())))
            .collect();
        assert_eq!(firsts(&members), HashSet::from(["1"]));
        drop(waiting);
        assert_eq!(firsts(&members).len(), 2);
    }

    #[tokio::test]
    async fn a_bad_end_is_a_doubt_until_more_is_known() {
        let members = members(2);
        members[0].note(&Outcome::Broken("gone".into()));
        members[0].doubted().await;
        assert_eq!(firsts(&members), HashSet::from(["1"]));
        call(&members[0]).await;
        members[0].answered().await;
        assert!(members[0].take_has_answered());
        assert!(!members[0].take_has_answered());
    }
}
