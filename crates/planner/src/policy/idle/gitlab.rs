//! The arithmetic of GitLab Runner's `docker+machine`, bit for bit: one pass over the
//! machines in the order of their names, each judged by the counters of those before it.
//!
//! So the oldest survive, what leaves still counts in the total, and a scale sees only the
//! machines in use that were met so far. Source: the machine autoscaling reference,
//! sections 2 and 3.1.

use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{IdleRule, Reason, Timestamp};

use super::Fate;

/// Numbers of a pool, in the original's meaning: 0 is without end, save for `keep`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// `IdleCount`.
    pub(crate) keep: u32,
    /// `IdleCountMin`.
    pub(crate) min: u32,
    /// `IdleScaleFactor`; 0 is none.
    pub(crate) factor: f64,
    /// `IdleTime`.
    pub(crate) idle_time: Duration,
    /// `MaxGrowthRate`.
    pub(crate) growth: u32,
    /// `limit`.
    pub(crate) limit: u32,
    /// `MaxBuilds`.
    pub(crate) max_jobs: u32,
}

impl Settings {
    pub(crate) fn of(rule: &IdleRule) -> Self {
        Self {
            keep: rule.keep,
            min: rule.scale.map_or(0, |scale| scale.min),
            factor: rule.scale.map_or(0.0, |scale| scale.factor.0),
            idle_time: rule.idle_time,
            ..Self::default()
        }
    }
}

/// One machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Machine {
    pub(crate) state: State,
    /// When it was used last, or became ready.
    pub(crate) used: Timestamp,
    /// Jobs it ran.
    pub(crate) jobs: u32,
}

/// What a machine does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It is being made.
    Creating,
    /// Nobody holds it.
    Idle,
    /// It is held for a job that it does not run yet.
    Acquired,
    /// It runs a job.
    Used,
    /// It is being removed.
    Removing,
}

/// The machines met so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) creating: u32,
    pub(crate) idle: u32,
    pub(crate) acquired: u32,
    pub(crate) used: u32,
    pub(crate) removing: u32,
}

impl Counters {
    const fn add(&mut self, state: State) {
        let counter = match state {
            State::Creating => &mut self.creating,
            State::Idle => &mut self.idle,
            State::Acquired => &mut self.acquired,
            State::Used => &mut self.used,
            State::Removing => &mut self.removing,
        };
        *counter = counter.saturating_add(1);
    }

    const fn available(&self) -> u32 {
        let acquired = self.acquired.saturating_add(self.creating);
        acquired.saturating_add(self.idle)
    }

    const fn total(&self) -> u32 {
        let in_use = self.used.saturating_add(self.removing);
        self.available().saturating_add(in_use)
    }
}

/// Why an idle machine is removed: of what there are too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Removal {
    /// "too many builds"
    Builds,
    /// "too many machines"
    Machines,
    /// "too many idle machines"
    Idle,
}

/// Whether one more is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum For {
    /// To have it ready.
    Idle,
    /// For a job that is in hand.
    Demand,
}

const fn growth_exceeded(settings: &Settings, counters: &Counters) -> bool {
    settings.growth > 0 && counters.creating >= settings.growth
}

const fn total_exceeded(settings: &Settings, counters: &Counters) -> bool {
    settings.limit > 0 && counters.total() >= settings.limit
}

fn idle_exceeded(settings: &Settings, counters: &Counters) -> bool {
    let scales = settings.factor > 0.0;
    let min = match scales {
        true => settings.min.max(1),
        false => settings.min,
    };
    let scaled = libm::trunc(f64::from(counters.used) * settings.factor);
    let scale_exceeded = scales && f64::from(counters.available()) >= scaled;
    let available = counters.available();
    available >= settings.keep || available >= min && scale_exceeded
}

pub(crate) fn can_create(settings: &Settings, counters: &Counters, purpose: For) -> bool {
    if growth_exceeded(settings, counters) || total_exceeded(settings, counters) {
        return false;
    }
    purpose == For::Demand && settings.keep == 0 || !idle_exceeded(settings, counters)
}

pub(crate) fn should_remove(
    settings: &Settings,
    counters: &Counters,
    machine: &Machine,
    now: Timestamp,
) -> Option<Removal> {
    if machine.state != State::Idle {
        return None;
    }
    if settings.max_jobs > 0 && machine.jobs >= settings.max_jobs {
        Some(Removal::Builds)
    } else if total_exceeded(settings, counters) {
        Some(Removal::Machines)
    } else if now.since(machine.used) > settings.idle_time && idle_exceeded(settings, counters) {
        Some(Removal::Idle)
    } else {
        None
    }
}

/// What one pass proposes.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Proposal {
    /// One entry per machine, in the order given; of those that are not idle none.
    pub(crate) idle: Vec<Option<Fate>>,
    /// New machines.
    pub(crate) add: u32,
}

/// One pass, over the machines in the order in which they were made.
pub(crate) fn pass(settings: &Settings, machines: &[Machine], now: Timestamp) -> Proposal {
    let mut counters = Counters::default();
    let idle = machines.iter().map(|machine| {
        let removal = should_remove(settings, &counters, machine, now);
        let fate = match (removal, machine.state) {
            (Some(removal), _) => Some(Fate::Leave(reason(removal))),
            (None, State::Idle) => Some(stays(settings, &counters, machine)),
            (None, _) => None,
        };
        counters.add(match removal {
            Some(_) => State::Removing,
            None => machine.state,
        });
        fate
    });
    let idle = idle.collect();
    let mut add = 0;
    while can_create(settings, &counters, For::Idle) {
        counters.add(State::Creating);
        add += 1;
    }
    Proposal { idle, add }
}

/// Why an idle machine stays, and until when if others stay as they are.
fn stays(settings: &Settings, counters: &Counters, machine: &Machine) -> Fate {
    if idle_exceeded(settings, counters) {
        let over = settings.idle_time.saturating_add(Duration::from_millis(1));
        Fate::Stay(Reason::IdleTime, Some(machine.used.after(over)))
    } else {
        Fate::Stay(Reason::KeptReady, None)
    }
}

const fn reason(removal: Removal) -> Reason {
    match removal {
        Removal::Builds => Reason::JobsDone,
        Removal::Machines => Reason::ScalerAtMaxAgents,
        Removal::Idle => Reason::SurplusIdle,
    }
}

#[cfg(test)]
mod tests;
