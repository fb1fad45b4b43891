//! What is to go wrong in a run, in which order.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::fault::{Can, Family, Fault};

/// What is to go wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Fault>,
}

impl Plan {
    /// Some faults of every family that can be injected.
    pub(crate) fn short(seed: u64, can: Can) -> Self {
        let mut faults: Vec<_> = Fault::ALL.into_iter().collect();
        faults.extend([Fault::KillCore, Fault::KillGateway, Fault::KillDatabase]);
        faults.extend([Fault::KillCore, Fault::ClockJump]);
        faults.retain(|fault| fault.is_possible(can));
        faults.shuffle(&mut StdRng::seed_from_u64(seed));
        Self { seed, faults }
    }

    /// So many faults, of these families or of all.
    pub(crate) fn drawn(seed: u64, can: Can, only: &[Family], count: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let possible: Vec<Fault> = Fault::ALL
            .into_iter()
            .filter(|fault| fault.is_possible(can))
            .filter(|fault| only.is_empty() || only.contains(&fault.family()))
            .flat_map(|fault| std::iter::repeat_n(fault, fault.weight() as usize))
            .collect();
        let mut faults = Vec::new();
        if !possible.is_empty() {
            let draw = || possible[random.random_range(0..possible.len())];
            faults.extend(std::iter::repeat_with(draw).take(count as usize));
        }
        Self { seed, faults }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Can = Can {
        kill_database: false,
        preload: false,
    };
    const ALL: Can = Can {
        kill_database: true,
        preload: true,
    };

    #[test]
    fn a_seed_makes_the_same_plan_again() {
        assert_eq!(Plan::drawn(7, ALL, &[], 50), Plan::drawn(7, ALL, &[], 50));
        assert_eq!(Plan::short(7, ALL), Plan::short(7, ALL));
    }

    #[test]
    fn a_plan_has_what_is_possible_and_asked_for() {
        let plan = Plan::drawn(7, NOTHING, &[Family::Kill], 200);
        assert_eq!(plan.faults.len(), 200);
        for fault in &plan.faults {
            assert_eq!(fault.family(), Family::Kill);
            assert!(fault.is_possible(NOTHING));
        }
        assert!(
            Plan::drawn(7, NOTHING, &[Family::Clock], 9)
                .faults
                .is_empty()
        );
        for fault in Fault::ALL {
            assert!(Plan::short(7, ALL).faults.contains(&fault), "{fault:?}");
        }
    }
}
