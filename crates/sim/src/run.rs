//! Runs of seeds.

use std::ops::Range;

use crate::options::{Failure, Options, Outcome, Promise};
use crate::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::stage::Stage;

/// Runs the story of a seed; twice, and compares, where `options` say so.
///
/// # Errors
/// A promise did not hold, or the second run was not the first one over again.
pub fn run_seed(seed: u64, options: &Options) -> Result<Outcome, Box<Failure>> {
    run_sabotaged(seed, options, None)
}

/// As [`run_seed`], and quicker: nothing is written down until a promise breaks, and then the
/// story is told once more for its trace. Two runs are compared by what they did, not line by
/// line.
///
/// # Errors
/// As [`run_seed`].
pub fn run_seed_quickly(seed: u64, options: &Options) -> Result<Outcome, Box<Failure>> {
    let quick = Options {
        trace_lines: 0,
        ..options.clone()
    };
    run_seed(seed, &quick).map_err(|failure| run_seed(seed, options).err().unwrap_or(failure))
}

pub(crate) fn run_sabotaged(
    seed: u64,
    options: &Options,
    sabotage: Option<Sabotage>,
) -> Result<Outcome, Box<Failure>> {
    let first = once(seed, options, sabotage)?;
    if !options.twice {
        return Ok(first);
    }
    let differs = sabotage == Some(Sabotage::SecondRunDiffers);
    // Looking does not change what happens, so the second run need not look.
    let unwatched = Options {
        checks: false,
        ..options.clone()
    };
    let again = once(seed + u64::from(differs), &unwatched, sabotage)?;
    if first == again {
        return Ok(first);
    }
    Err(Box::new(Failure {
        story: options.story,
        seed,
        promise: Promise::Deterministic,
        what: format!("first {first:?}, then {again:?}"),
        at: crate::scenario::START,
        trace: Vec::new(),
    }))
}

/// Runs seeds one after the other and adds up what they did. Stops at the first failure.
///
/// # Errors
/// As [`run_seed`], for the first seed that fails.
pub fn run_seeds(
    seeds: Range<u64>,
    options: &Options,
    mut seen: impl FnMut(&Outcome),
) -> Result<Outcome, Box<Failure>> {
    let mut sum = Outcome {
        seed: seeds.start,
        ..Outcome::default()
    };
    for seed in seeds {
        let outcome = run_seed(seed, options)?;
        seen(&outcome);
        sum.add(&outcome);
    }
    Ok(sum)
}

fn once(seed: u64, options: &Options, sabotage: Option<Sabotage>) -> Result<Outcome, Box<Failure>> {
    let stage = Stage::new(Scenario::draw(options.story, seed), options, sabotage);
    stage.run().map_err(Box::new)
}
