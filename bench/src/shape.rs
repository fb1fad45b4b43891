//! The shape of what a store is filled with.
//!
//! Everything about an event follows from its number, so that a filling that
//! broke off can be done again, and a reader knows whom to ask for.

use uuid::{Builder, Uuid};

/// The first installation.
pub const FIRST_IGRP: u32 = 1_001;

/// How many events one visitor has, on average.
const EVENTS_PER_VISITOR: u64 = 3;

/// A number that looks like chance (splitmix64).
pub fn chance(number: u64, of: u64) -> u64 {
    let mut mixed = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(of.wrapping_mul(0xd1b5_4a32_d192_ed03));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The visitor of this number: no two stand beside each other in an index.
pub fn visitor(number: u64) -> Uuid {
    let halves = [chance(number, 1), chance(number, 2)].map(u64::to_be_bytes);
    let bytes = std::array::from_fn(|n| halves[n / 8][n % 8]);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// The visitor of an event.
pub fn visitor_of(event: u64) -> Uuid {
    let own = event / EVENTS_PER_VISITOR;
    // Some come back after a long time.
    if chance(event, 3).is_multiple_of(10) {
        visitor(chance(event, 4) % (own + 1))
    } else {
        visitor(own)
    }
}

/// The installation of an event: some have many, most have few.
pub fn igrp_of(event: u64, installations: u32) -> u32 {
    let of = u64::from(installations);
    let first = chance(event, 5) % of;
    let second = chance(event, 6) % of;
    FIRST_IGRP + u32::try_from(first.min(second)).unwrap_or(0)
}

/// The organisation of an installation: 15 characters.
pub fn organization(igrp: u32) -> String {
    format!("00D5g{igrp:010}")
}

/// The Salesforce record of an event. Each is sent twice.
pub fn record_of(event: u64) -> String {
    format!("0065g{:010}", event / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_come_again_and_installations_are_of_all_sizes() {
        let visitors: std::collections::BTreeSet<_> = (0..9_000).map(visitor_of).collect();
        assert!(
            (2_000..=3_000).contains(&visitors.len()),
            "{}",
            visitors.len()
        );
        let of = |igrp| {
            (0..9_000)
                .filter(|event| igrp_of(*event, 20) == igrp)
                .count()
        };
        assert!(of(FIRST_IGRP) > of(FIRST_IGRP + 18), "{}", of(FIRST_IGRP));
        assert!((0..9_000).all(|event| (1_001..1_021).contains(&igrp_of(event, 20))));
        assert_eq!(organization(1_001).len(), 15);
        assert_eq!(record_of(7).len(), 15);
    }
}
