//! How many jobs a second the simulation plays, on one core: the real planner and the real
//! core of the controller, fakes around them, with the promises checked at every step and
//! without.

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use headcount_sim::bulk::{Load, run};

use crate::stats::{per_second, rate};
use crate::table::Line;

const AGENTS: u32 = 1_000;
const POOLS: u32 = 20;
const JOBS: usize = 200_000;
const CHECKED_BUDGET: f64 = 20_000.0;
const UNCHECKED_BUDGET: f64 = 100_000.0;

pub(crate) fn measure() -> Result<Vec<Line>> {
    Ok(vec![
        line("checked at every step", "≥ 20,000/s", true, CHECKED_BUDGET)?,
        line("unchecked", "≥ 100,000/s", false, UNCHECKED_BUDGET)?,
    ])
}

fn line(words: &str, budget: &str, checks: bool, at_least: f64) -> Result<Line> {
    let load = Load {
        agents: AGENTS,
        pools: POOLS,
        jobs: JOBS,
        checks,
    };
    let started = Instant::now();
    let outcome = run(&load).map_err(|failure| anyhow!("{failure}"))?;
    let took = started.elapsed();
    let ran = usize::try_from(outcome.jobs)?;
    ensure!(ran == JOBS, "{ran} of {JOBS} jobs ran");
    let measured = per_second(JOBS, took);
    Ok(Line {
        what: format!("simulated jobs, 1,000 agents and 20 pools, promises {words}"),
        budget: budget.into(),
        measured: format!("{} ({} rounds)", rate(measured), outcome.rounds),
        holds: (measured >= at_least).into(),
    })
}
