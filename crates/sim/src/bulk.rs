//! A large steady load, for the benchmark "simulated jobs per second".
//!
//! Promise: the same planner, core, fakes and checks as every seed has, without faults;
//! equal loads do equal work. Leaves to others: measuring how long it takes.

use crate::options::{Failure, Options, Outcome};
use crate::scenario;
use crate::stage::{Act, Stage};

/// How large the load is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Agents at most, over all pools.
    pub agents: u32,
    /// Pools, each with a class of jobs of its own; at least 1.
    pub pools: u32,
    /// Jobs that are submitted, run and recorded.
    pub jobs: usize,
    /// Whether the promises are checked at every step.
    pub checks: bool,
}

/// Runs the load to its last job. Jobs per second of wall time are [`Outcome::jobs`] over
/// how long this took.
///
/// # Errors
/// A promise did not hold.
pub fn run(load: &Load) -> Result<Outcome, Box<Failure>> {
    let scenario = scenario::bulk(load.agents, load.pools, load.jobs);
    let options = Options {
        story: crate::Story::Short,
        checks: load.checks,
        trace_lines: 0,
        twice: false,
    };
    let mut stage = Stage::new(scenario, &options, None);
    stage.act = Act::Bulk;
    stage.run().map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_of_a_load_runs_once_and_the_agents_are_used_again() {
        let load = Load {
            agents: 80,
            pools: 4,
            jobs: 1200,
            checks: true,
        };
        let ran = run(&load).unwrap();
        assert_eq!((ran.jobs, ran.executions), (1200, 1200));
        assert!(ran.instances <= 80, "{ran:?}");
        assert!(
            ran.rounds < 1200,
            "events of one moment share a round: {ran:?}"
        );
    }
}
