//! A week with machines that somebody else's program makes: the rhythm of working days, idle
//! counts by the clock, a change of the clock on Sunday, and a provisioner that fails in the
//! ways provisioners do.

mod calendar;
mod fleet;
mod load;
mod weather;
mod windows;

use std::time::Duration;

use headcount_model::{Fleet, PoolName, Timestamp};

use super::faults::{Dice, Odds};
use super::{Deed, Faults, HOP_MILLIS, JobSpec, Scenario};
use crate::random::Random;
use calendar::Week;
pub(crate) use fleet::most_kept;
pub(crate) use weather::Weather;
pub(crate) use windows::Windows;

/// Machines are up within this.
const BOOT_MILLIS: u64 = 90_000;
/// In which everything must have settled once it is quiet: a burst of jobs of forty minutes
/// one after the other, some of them three times.
const SETTLES_WITHIN: u64 = 4 * 24 * 3600;
const HOUR: u64 = 3600;
/// Faults end between these hours of the week: about the time at which a clock changes.
const QUIET: (u64, u64) = (6 * 24 - 6, 7 * 24);

/// The story of a seed.
pub(super) fn draw(seed: u64) -> Scenario {
    // Apart from the short story of the same seed.
    let mut random = Random::new(seed ^ 0x77ee_eecc_0000_0000);
    let week = Week::draw(&mut random);
    let mut windows = Windows::default();
    let fleets = fleet::draw(&mut random.fork(), &week, &mut windows);
    let faults = faults(&mut random.fork());
    let seconds = random.between(QUIET.0 * HOUR, QUIET.1 * HOUR);
    let start = week.start();
    let quiet_from = start.after(Duration::from_secs(seconds));
    let jobs = load::draw(&mut random.fork(), &fleets, start, QUIET.0);
    let mut script = script(&mut random.fork(), &fleets, &jobs, start, seconds);
    if !faults.none() {
        script.extend(fate(&mut random.fork(), &fleets, start, seconds));
        script.extend(weather::draw(&mut random.fork(), start, quiet_from));
    }
    script.retain(|(at, _)| *at < quiet_from);
    script.push((quiet_from, Deed::Quiet));
    Scenario {
        seed,
        start,
        fleets,
        jobs,
        faults,
        script,
        quiet_from,
        settles_within: SETTLES_WITHIN,
        machines: Some(windows),
        grain: random.pick(&[1, 20, 1000]).unwrap_or(1),
        hop_millis: HOP_MILLIS,
        boot_millis: BOOT_MILLIS,
    }
}

/// As likely as over a week: a fault that is told of in thousandths of all rounds happens
/// many times. One week in eight has none.
fn faults(random: &mut Random) -> Faults {
    if random.below(8) == 0 {
        return Faults::default();
    }
    let level = random.pick(&[5, 20, 60, 150]).unwrap_or(5);
    let mut dice = Dice { random, level };
    let most = Odds {
        fails: 150,
        loses_answer: 100,
        hangs: 60,
        slow: 150,
    };
    Faults {
        create: dice.odds(most),
        destroy: dice.odds(most),
        list: dice.odds(most),
        refresh: dice.odds(most),
        take: dice.odds(most),
        settle: dice.odds(most),
        work: dice.odds(most),
        no_capacity: dice.rate(150) * 3,
        residue: dice.rate(150),
        twin: dice.rate(60),
        demand_late: dice.rate(150),
        demand_doubled: dice.rate(150),
        dies: dice.rate(100),
        never_registers: dice.rate(60),
        deaf: dice.rate(20),
        overruns: dice.rate(100),
        stubborn: dice.rate(60),
        declines: dice.rate(60),
        leaves: dice.rate(40),
        breaks: dice.rate(150),
        vanishes: dice.rate(100),
        drains_out: dice.rate(150),
        says_twice: dice.rate(150),
        intruder: dice.rate(60),
        crash_before_write: dice.rate(1),
        crash_after_write: dice.rate(1),
        crash_in_orders: dice.rate(1),
        slow_write: dice.rate(20),
        ..Faults::default()
    }
}

/// What people do: jobs, some of them twice or cancelled, and edits of the file.
fn script(
    random: &mut Random,
    fleets: &[Fleet],
    jobs: &[JobSpec],
    start: Timestamp,
    seconds: u64,
) -> Vec<(Timestamp, Deed)> {
    let mut script = Vec::new();
    for (n, job) in jobs.iter().enumerate() {
        script.push((job.submit_at, Deed::Submit(n)));
        if random.chance(40) {
            let again = job.submit_at.after(random.millis(0, 600_000));
            script.push((again, Deed::Submit(n)));
        }
        if random.chance(60) {
            let later = job.submit_at.after(random.millis(0, 600_000));
            script.push((later, Deed::Cancel(n)));
        }
    }
    let reloads = fleets.iter().skip(1).map(|_| random.below(seconds));
    let mut reloads: Vec<u64> = reloads.collect();
    reloads.sort_unstable();
    for (n, at) in reloads.into_iter().enumerate() {
        let at = start.after(Duration::from_secs(at));
        script.push((at, Deed::Reload(n + 1)));
    }
    script
}

/// What fate does: the daemon is killed, machines die, the disk is full, people drain pools.
fn fate(
    random: &mut Random,
    fleets: &[Fleet],
    start: Timestamp,
    seconds: u64,
) -> Vec<(Timestamp, Deed)> {
    let pools = fleets.iter().flat_map(|fleet| &fleet.scalers);
    let pools = pools.flat_map(|scaler| scaler.pools.iter().map(|pool| pool.name.clone()));
    let pools: Vec<PoolName> = pools.collect();
    let mut deeds = Vec::new();
    let kills = random.pick(&[0, 5, 20]).unwrap_or(0);
    let deaths = random.pick(&[0, 5, 30]).unwrap_or(0);
    let others = random.below(6);
    for n in 0..kills + deaths + others {
        let at = start.after(random.millis(0, seconds * 1000));
        let deed = match n {
            n if n < kills => Deed::Crash,
            n if n < kills + deaths => Deed::KillAgent,
            _ => match random.below(5) {
                0 => Deed::Stop,
                1 => Deed::DiskFull(random.millis(1000, 600_000)),
                2 => Deed::Stray,
                3 => Deed::TermAgent,
                _ => {
                    let Some(pool) = random.pick(&pools) else {
                        continue;
                    };
                    let until = at.after(random.millis(60_000, 20_000_000));
                    deeds.push((until, Deed::Undrain(pool.clone())));
                    Deed::Drain(pool)
                }
            },
        };
        deeds.push((at, deed));
    }
    deeds
}
