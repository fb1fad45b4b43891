//! The memory that all bodies share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::Fault;

/// How many bytes of bodies may be held at once, counted in blocks.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    blocks: Arc<Semaphore>,
}

/// The share of one request. It goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    blocks: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    /// The bytes that still fit into the blocks held.
    room: usize,
}

const BLOCK: usize = 4 * 1024;

impl Budget {
    /// A budget of so many bytes, in whole blocks and at least one.
    pub(crate) fn new(bytes: usize) -> Self {
        let blocks = bytes.div_ceil(BLOCK).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            blocks: Arc::new(Semaphore::new(blocks)),
        }
    }

    /// A share of nothing, to grow.
    pub(crate) fn nothing(&self) -> Held {
        Held {
            blocks: Arc::clone(&self.blocks),
            permit: None,
            room: 0,
        }
    }
}

impl Held {
    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// A refusal with 503 at once when they are not to be had.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.room {
            let blocks = (bytes - self.room).div_ceil(BLOCK);
            let count = u32::try_from(blocks).map_err(|_| Fault::overloaded())?;
            let more = Arc::clone(&self.blocks)
                .try_acquire_many_owned(count)
                .map_err(|_| Fault::overloaded())?;
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
            self.room += blocks * BLOCK;
        }
        self.room -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Reason;

    #[test]
    fn what_does_not_fit_is_refused_until_something_is_given_back() {
        let budget = Budget::new(3 * BLOCK);
        let mut first = budget.nothing();
        first.grow(2 * BLOCK + 1).unwrap();
        first.grow(BLOCK - 1).unwrap();

        let mut second = budget.nothing();
        second.grow(0).unwrap();
        let refusal = second.grow(1).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Overloaded);

        drop(first);
        second.grow(3 * BLOCK).unwrap();
        assert!(second.grow(1).is_err());
    }

    #[test]
    fn small_pieces_share_a_block() {
        let budget = Budget::new(BLOCK);
        let mut held = budget.nothing();
        for _ in 0..BLOCK {
            held.grow(1).unwrap();
        }
        assert!(held.grow(1).is_err());
    }
}
