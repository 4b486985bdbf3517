//! What people and fate do, and when.

use std::ops::Range;
use std::time::Duration;

use headcount_model::{BackendId, Fleet, PoolName, Resources, Timestamp};

use super::{Faults, JobSpec, START, Weather};
use crate::random::Random;

/// One thing that is done to the system from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// The job with this index is submitted, once more if it was before.
    Submit(usize),
    /// These jobs are submitted in one call.
    SubmitBatch(Range<usize>),
    /// Somebody wants that job cancelled.
    Cancel(usize),
    /// The configuration file is now this one, and is loaded.
    Reload(usize),
    /// A pool is drained.
    Drain(PoolName),
    /// That ends.
    Undrain(PoolName),
    /// The daemon is told to stop, ends a while later, and is started again.
    Stop,
    /// The daemon is killed.
    Crash,
    /// Nothing can be written for this long.
    DiskFull(Duration),
    /// An instance with our mark appears that nobody remembers.
    Stray,
    /// Some agent is killed.
    KillAgent,
    /// Some agent is told by somebody else to leave.
    TermAgent,
    /// Another daemon of the host wants to hold this much of the machine pool from now on.
    Peer(Resources),
    /// So many entries are added to the stream.
    Add(u32),
    /// So many entries that nobody read are taken out.
    Trim(u32),
    /// A provisioner and its cloud do wrong for this long.
    Weather(BackendId, Weather, Duration),
    /// Faults end; what was drained is no longer.
    Quiet,
    /// All pools are drained: nothing of ours may be left in the end.
    Teardown,
}

/// Submissions, some of them twice, and a few disturbances before the quiet.
pub(super) fn draw(
    random: &mut Random,
    fleets: &[Fleet],
    jobs: &[JobSpec],
    faults: &Faults,
    seconds: u64,
) -> Vec<(Timestamp, Deed)> {
    let mut script = Vec::new();
    for (n, job) in jobs.iter().enumerate() {
        script.push((job.submit_at, Deed::Submit(n)));
        if random.chance(80) {
            let again = job.submit_at.after(random.millis(0, 20_000));
            script.push((again, Deed::Submit(n)));
        }
        if random.chance(100) {
            let later = job.submit_at.after(random.millis(0, 20_000));
            script.push((later, Deed::Cancel(n)));
        }
    }
    let sometime = |random: &mut Random| START.after(random.millis(0, seconds * 1000));
    let mut reloads: Vec<Timestamp> = fleets.iter().skip(1).map(|_| sometime(random)).collect();
    reloads.sort_unstable();
    for (n, at) in reloads.into_iter().enumerate() {
        script.push((at, Deed::Reload(n + 1)));
    }
    let n_deeds = if faults.none() { 0 } else { random.below(5) };
    for _ in 0..n_deeds {
        let at = sometime(random);
        disturb(random, fleets, at, &mut script);
    }
    let quiet = START.after(Duration::from_secs(seconds));
    script.retain(|(at, _)| *at < quiet);
    script.push((quiet, Deed::Quiet));
    script
}

fn disturb(
    random: &mut Random,
    fleets: &[Fleet],
    at: Timestamp,
    script: &mut Vec<(Timestamp, Deed)>,
) {
    match random.below(9) {
        0 | 1 => script.push((at, Deed::Crash)),
        2 => script.push((at, Deed::DiskFull(random.millis(100, 20_000)))),
        3 => script.push((at, Deed::Stray)),
        4 => script.push((at, Deed::Stop)),
        5 => script.push((at, Deed::TermAgent)),
        6 => {
            let pools = fleets.iter().flat_map(|fleet| &fleet.scalers);
            let names: Vec<PoolName> = pools
                .flat_map(|scaler| scaler.pools.iter().map(|pool| pool.name.clone()))
                .collect();
            if let Some(pool) = random.pick(&names) {
                let until = at.after(random.millis(100, 60_000));
                script.push((at, Deed::Drain(pool.clone())));
                script.push((until, Deed::Undrain(pool)));
            }
        }
        _ => script.push((at, Deed::KillAgent)),
    }
}
