//! Machine pools: which scalers of a story are in one, its cap, and what another daemon of
//! the host takes of it and gives back.
//!
//! Drawn apart from everything else, so that stories without one stay as they are. Room is
//! left as beside every cap: the largest agent fits beside what is kept ready.

use std::time::Duration;

use headcount_model::{Cap, Fleet, MachinePool, Name, Resources, Timestamp};

use super::{Deed, START};
use crate::random::Random;

const GIB: u64 = 1 << 30;
/// The most that one agent of these stories reserves.
const LARGEST: Resources = Resources {
    cpu_millis: 6000,
    memory_bytes: 6 * GIB,
};
/// Of a thousand stories, so many have a machine pool.
const STORIES: u32 = 300;

/// The name of the one machine pool there is.
pub(crate) fn name() -> Name {
    Name::new("host")
}

/// Puts scalers of some stories into a machine pool.
pub(super) fn draw(random: &mut Random, fleets: &mut [Fleet]) {
    if !random.chance(STORIES) {
        return;
    }
    let mut members = members(random, fleets);
    for fleet in fleets {
        // Somebody moved scalers in or out.
        if random.chance(150) {
            members = self::members(random, std::slice::from_ref(fleet));
        }
        let mut kept = 0;
        for scaler in &mut fleet.scalers {
            if members.contains(&scaler.name) {
                scaler.machine_pool = Some(name());
                kept += scaler.pools.iter().map(|pool| pool.idle.keep).sum::<u32>();
            }
        }
        let cap = cap(random, kept);
        fleet.machine_pools = vec![MachinePool { name: name(), cap }];
    }
}

fn members(random: &mut Random, fleets: &[Fleet]) -> Vec<Name> {
    let names = fleets.iter().flat_map(|fleet| &fleet.scalers);
    let names = names.map(|scaler| scaler.name.clone());
    names.filter(|_| random.chance(600)).collect()
}

fn cap(random: &mut Random, kept: u32) -> Cap {
    let agents = u64::from(kept) + random.between(1, 3);
    Cap {
        max_cpu_millis: Some(agents * LARGEST.cpu_millis),
        max_memory_bytes: random.chance(500).then_some(agents * LARGEST.memory_bytes),
    }
}

/// What the other daemon does until it is quiet.
pub(super) fn peer(
    random: &mut Random,
    fleets: &[Fleet],
    seconds: u64,
    script: &mut Vec<(Timestamp, Deed)>,
) {
    if fleets.iter().all(|fleet| fleet.machine_pools.is_empty()) {
        return;
    }
    for _ in 0..random.below(9) {
        let at = START.after(random.millis(0, seconds * 1000 - 1));
        let share = random.between(0, 3);
        let wish = Resources {
            cpu_millis: share * LARGEST.cpu_millis,
            memory_bytes: share * LARGEST.memory_bytes,
        };
        script.push((at, Deed::Peer(wish)));
        if random.chance(300) {
            let soon = at.after(Duration::from_millis(random.between(1, 3000)));
            script.push((soon, Deed::Peer(Resources::ZERO)));
        }
    }
}
