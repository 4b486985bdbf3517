//! Why jobs of a class wait, pool by pool: the same rules as the plan, told in full.

use alloc::vec::Vec;

use headcount_model::{ClassKey, Granted, Labels, Reason, Timestamp};

use crate::{PoolId, World, fit};

/// Everything that decides where jobs of a class can go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Candidates first, best first; then all other pools in file order.
    pub pools: Vec<PoolVerdict>,
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
        /// Labels asked for that it lacks.
        missing: Labels,
        /// Labels excluded that it has.
        excluded: Labels,
        /// Labels it insists on that were not asked for.
        gate: Labels,
        /// It runs workers, which feed themselves.
        worker: bool,
    },
}

/// Explains a class, known or merely asked about.
#[must_use]
pub fn explain(world: &World, key: &ClassKey) -> Explanation {
    let candidates = fit::candidates(world, key);
    let standing = world
        .class_keyed(key)
        .map(|class| class.standing.as_slice());
    let mut pools: Vec<PoolVerdict> = Vec::new();
    for pool in &candidates {
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
    for scaler in &world.fleet.scalers {
        for spec in &scaler.pools {
            let Some(pool) = world.pool_ids.get(&spec.name).copied() else {
                continue;
            };
            if candidates.contains(&pool) {
                continue;
            }
            let all = spec.labels.union(&spec.system_labels);
            let missing = key.runs_on.iter().filter(|label| !all.contains(label));
            let excluded = key.exclude.iter().filter(|label| all.contains(label));
            let gate = scaler
                .mandatory
                .iter()
                .filter(|label| !key.runs_on.contains(label));
            let verdict = Verdict::Unfit {
                missing: Labels::new(missing.map(headcount_model::Label::as_str)),
                excluded: Labels::new(excluded.map(headcount_model::Label::as_str)),
                gate: Labels::new(gate.map(headcount_model::Label::as_str)),
                worker: spec.kind == headcount_model::AgentKind::Worker,
            };
            pools.push(PoolVerdict { pool, verdict });
        }
    }
    Explanation {
        pools,
        impossible: fit::admission(world, key),
    }
}
