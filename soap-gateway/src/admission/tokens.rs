//! The URL tokens that the core knows of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::known::Known;
use crate::core_client::{CoreClient, CoreFailure};
use crate::sender::TokenRules;

/// Asks the core which tokens there are, and remembers what it said.
#[derive(Debug)]
pub(super) struct Tokens {
    core: CoreClient,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// What is being asked for, or was a moment ago.
    current: Known<TokenRules>,
    /// The last answer, for as long as the core does not give another.
    last: Option<Snapshot>,
}

/// One answer of the core.
#[derive(Clone, Debug)]
struct Snapshot {
    rules: Arc<TokenRules>,
    revision: String,
    taken_at: Instant,
}

impl Snapshot {
    /// How long an answer counts while the core gives no other one. Nothing is
    /// recorded in that time, but what is refused stays refused.
    const MAX_AGE: Duration = Duration::from_mins(5);

    fn is_usable(&self) -> bool {
        self.taken_at.elapsed() < Self::MAX_AGE
    }
}

impl Tokens {
    /// How long a request waits for the answer, its own or another's question.
    const ASK_TIME: Duration = Duration::from_secs(2);

    /// Nothing is known yet.
    pub(super) fn new(core: CoreClient) -> Self {
        let memory = Memory {
            current: Known::new(),
            last: None,
        };
        Self {
            core,
            memory: Mutex::new(memory),
        }
    }

    /// The rules of now; while the core can't tell, those of a few minutes ago.
    pub(super) async fn rules(&self, until: Instant) -> Result<Arc<TokenRules>, CoreFailure> {
        match self.fresh() {
            Some(rules) => Ok(rules),
            // It is large, and nearly never needed.
            None => Box::pin(self.asked_for(until)).await,
        }
    }

    async fn asked_for(&self, until: Instant) -> Result<Arc<TokenRules>, CoreFailure> {
        let (current, last) = self.remembered();
        let until = until.min(Instant::now() + Self::ASK_TIME);
        let ask = || self.ask(last, until);
        match timeout_at(until, current.get_or_ask(ask)).await {
            Ok(Ok(rules)) => Ok(rules),
            Ok(Err(failure)) => self.last_usable().ok_or(failure),
            Err(_) => self.last_usable().ok_or(CoreFailure::Late),
        }
    }

    /// What is remembered, as long as that counts.
    fn fresh(&self) -> Option<Arc<TokenRules>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let current = Some(&memory.current).filter(|current| current.is_fresh())?;
        current.answer()
    }

    /// What is remembered; a new question when that is too old.
    fn remembered(&self) -> (Known<TokenRules>, Option<Snapshot>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.current.is_fresh() {
            memory.current = Known::new();
        }
        (memory.current.clone(), memory.last.clone())
    }

    async fn ask(
        &self,
        last: Option<Snapshot>,
        until: Instant,
    ) -> Result<Arc<TokenRules>, CoreFailure> {
        let known_revision = last.as_ref().map(|last| last.revision.clone());
        let answer = self.core.sender_rules(known_revision, until).await?;
        let (rules, revision) = match (answer, last) {
            (Some(new), _) => (Arc::new(new.url_tokens), new.revision),
            (None, Some(last)) => (last.rules, last.revision),
            (None, None) => return Err(CoreFailure::Refused("that nothing has changed")),
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.last = Some(Snapshot {
            rules: Arc::clone(&rules),
            revision,
            taken_at: Instant::now(),
        });
        Ok(rules)
    }

    fn last_usable(&self) -> Option<Arc<TokenRules>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let last = memory.last.as_ref().filter(|last| last.is_usable())?;
        Some(Arc::clone(&last.rules))
    }
}
