//! The parameters of URLs that messages come to again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::{InvalidParameter, Parameters};
use crate::Endpoint;

/// The queries that were read lately: an outbound message always goes to one
/// URL, and reading its query is a good part of what a small message costs.
///
/// A query is known by its hash, because it may hold a token.
#[derive(Debug, Default)]
pub(crate) struct SeenQueries {
    seen: Mutex<HashMap<Query, Arc<Parameters>>>,
}

/// The endpoint and the hash of the query as sent.
type Query = (Endpoint, [u8; 32]);

impl SeenQueries {
    /// The most that are remembered, and how long each may be: anybody can send
    /// any number of them.
    const MOST: usize = 256;
    const LONGEST: usize = 1_024;

    /// What [`Parameters::parse`] says of a query.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn parse(
        &self,
        endpoint: Endpoint,
        raw_query: &str,
    ) -> Result<Arc<Parameters>, InvalidParameter> {
        let query = (endpoint, Sha256::digest(raw_query).into());
        if let Some(parameters) = self.lock().get(&query) {
            return Ok(Arc::clone(parameters));
        }
        let parameters = Arc::new(Parameters::parse(endpoint, raw_query)?);
        if raw_query.len() <= Self::LONGEST {
            let mut seen = self.lock();
            if seen.len() >= Self::MOST {
                seen.clear();
            }
            seen.insert(query, Arc::clone(&parameters));
        }
        Ok(parameters)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Query, Arc<Parameters>>> {
        // Nothing here panics half-way through a change.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_query_means_the_same_however_often_it_comes(
            queries in proptest::collection::vec("(igrp=[0-9]{1,3}|act=[a-c]|nonsense|%zz|token=[ab])?", 1..20),
        ) {
            let seen = SeenQueries::default();
            for query in queries.iter().chain(&queries) {
                for endpoint in Endpoint::ALL {
                    let expected = Parameters::parse(endpoint, query);
                    let parsed = seen.parse(endpoint, query);
                    prop_assert_eq!(format!("{parsed:?}"), format!("{expected:?}"));
                }
            }
        }
    }

    #[test]
    fn only_so_many_short_queries_are_remembered() {
        let seen = SeenQueries::default();
        for n in 0..=2 * SeenQueries::MOST {
            seen.parse(Endpoint::Events, &format!("title={n}")).unwrap();
            assert!(seen.lock().len() <= SeenQueries::MOST);
        }
        let before = seen.lock().len();
        let long = format!("title={}", "x".repeat(SeenQueries::LONGEST));
        seen.parse(Endpoint::Events, &long).unwrap();
        assert_eq!(seen.lock().len(), before);
    }
}
