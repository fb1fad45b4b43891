//! The memory that all bodies share.

use std::net::IpAddr;

use prometheus_client::metrics::gauge::Gauge;

use crate::fault::{Fault, Limit};
use crate::shares::{Share, Shares};

/// How many bytes of bodies may be held at once, counted in blocks and shared
/// out by where they come from.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    blocks: Shares<IpAddr>,
}

/// The share of one request. It goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    blocks: Share<IpAddr>,
    /// The bytes that still fit into the blocks held.
    room: usize,
}

const BLOCK: usize = 4 * 1024;

impl Budget {
    /// A budget of so many bytes, in whole blocks and at least one.
    pub(crate) fn new(bytes: usize) -> Self {
        let blocks = bytes.div_ceil(BLOCK).max(1);
        Self {
            blocks: Shares::new(blocks, Gauge::default()),
        }
    }

    /// A share of nothing, to grow, for a body that comes from this place.
    pub(crate) fn nothing(&self, place: IpAddr) -> Held {
        Held {
            blocks: self.blocks.nothing(place),
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
            if !self.blocks.grow(blocks) {
                return Err(Fault::overloaded(Limit::Bytes));
            }
            self.room += blocks * BLOCK;
        }
        self.room -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::fault::Reason;

    const PLACE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn what_does_not_fit_is_refused_until_something_is_given_back() {
        let budget = Budget::new(3 * BLOCK);
        let mut first = budget.nothing(PLACE);
        first.grow(2 * BLOCK + 1).unwrap();
        first.grow(BLOCK - 1).unwrap();

        let mut second = budget.nothing(PLACE);
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
        let mut held = budget.nothing(PLACE);
        for _ in 0..BLOCK {
            held.grow(1).unwrap();
        }
        assert!(held.grow(1).is_err());
    }
}
