//! Why jobs of a class wait, pool by pool: the same rules as the plan, told in full.

use alloc::vec::Vec;

use headcount_model::{
    AgentKind, ClassKey, Granted, Labels, Pattern, Reason, Selectors, Timestamp,
};

use crate::wants::Wants;
use crate::{PoolId, World, fit};

/// Everything that decides where jobs of a class can go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Candidates first, best first; then all other pools in file order.
    pub pools: Vec<PoolVerdict>,
    /// Patterns asked for that match no label of any pool.
    pub unmatched: Vec<Pattern>,
    /// The first candidate's cap that refuses them for ever, if all candidates do.
    pub impossible: Option<fit::Impossible>,
}

/// One pool's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolVerdict {
    /// Which.
    pub pool: PoolId,
    /// What it says.
    pub verdict: Verdict,
}

/// What a pool says to a class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It can serve it.
    Candidate {
        /// What an agent made for it is granted.
        granted: Granted,
        /// What stands in the way, if anything does, and since when.
        blocked: Option<(Reason, Timestamp)>,
    },
    /// It cannot.
    Unfit {
        /// What is asked for that it lacks, by name and by pattern.
        missing: Selectors,
        /// Labels excluded, by name or by pattern, that it has.
        excluded: Labels,
        /// Labels it insists on that were not asked for by name.
        gate: Labels,
        /// It runs workers, which feed themselves.
        worker: bool,
    },
}

/// Explains a class, known or merely asked about.
#[must_use]
pub fn explain(world: &World, key: &ClassKey) -> Explanation {
    fit::with_wants(world, key, |wants| explained(world, wants))
}

fn explained(world: &World, wants: &Wants<'_>) -> Explanation {
    let candidates = fit::ranked(world, wants);
    let mut pools = serving(world, wants.key, &candidates);
    for scaler in &world.fleet.scalers {
        for spec in &scaler.pools {
            let Some(pool) = world.pool_ids.get(&spec.name).copied() else {
                continue;
            };
            if candidates.contains(&pool) {
                continue;
            }
            let verdict = Verdict::Unfit {
                missing: wants.missing(spec),
                excluded: wants.excluded(spec),
                gate: wants.gate(scaler),
                worker: spec.kind == AgentKind::Worker,
            };
            pools.push(PoolVerdict { pool, verdict });
        }
    }
    Explanation {
        pools,
        unmatched: wants.unmatched(),
        impossible: fit::impossible(world, wants.key, &candidates),
    }
}

/// What candidates say.
fn serving(world: &World, key: &ClassKey, candidates: &[PoolId]) -> Vec<PoolVerdict> {
    let standing = world
        .class_keyed(key)
        .map(|class| class.standing.as_slice());
    let mut pools: Vec<PoolVerdict> = Vec::new();
    for pool in candidates {
        let Some(configured) = world.pools.get(pool).and_then(|p| p.configured.as_ref()) else {
            continue;
        };
        let blocked = standing.unwrap_or_default().iter().find(|s| {
            s.pool == Some(*pool) && !matches!(s.reason, Reason::Assigning | Reason::AgentStarting)
        });
        pools.push(PoolVerdict {
            pool: *pool,
            verdict: Verdict::Candidate {
                granted: fit::granted(&configured.spec, key),
                blocked: blocked.map(|standing| (standing.reason, standing.since)),
            },
        });
    }
    pools
}
