//! Faults that no honest part would have: they prove that every check can fail.
//!
//! Leaves to others: when they strike. Each is asked for where its part does its work.

use std::sync::Arc;

use headcount_model::Fleet;

/// What lies, forgets or oversteps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sabotage {
    /// Caps: every creation is carried out a second time, under an id of its own.
    CreatesTwice,
    /// Caps: room in a machine pool is confirmed that was not booked.
    ReservesNothing,
    /// Converges: room in a machine pool is never given back.
    RoomIsNotReleased,
    /// Forgotten: the ledger says that it wrote agents, and did not.
    LedgerForgetsAgents,
    /// Forgotten: a destruction is confirmed that did not happen.
    DestroyLies,
    /// Forgotten: whom lists do not show is gone, and nobody asks for it.
    ListsBelieved,
    /// Caps: growth rates are not told to the daemon.
    GrowsWithoutBound,
    /// Caps: the cap on jobs is not told to the daemon.
    TakesWithoutBound,
    /// Converges: schedules are not told to the daemon.
    SchedulesLie,
    /// Foreign: a destruction hits the instance of another owner with the same id.
    DestroysForeign,
    /// Running: an idle agent's destruction is ordered for one that works.
    DestroysWorking,
    /// Running: agents may run no job at all, and the daemon was not told.
    AllowsNoJobs,
    /// Jobs: an agent runs before its claim is durable.
    RunsBeforeGrant,
    /// Jobs: the queue says that it recorded an end, and did not.
    QueueForgetsEnds,
    /// Jobs: the queue hands out jobs that have ended.
    QueueRepeats,
    /// Reasons: one of the plan's reasons is lost on the way.
    LosesReason,
    /// Config: half of a new configuration takes effect.
    HalfConfig,
    /// Converges: no deadline wakes the daemon.
    LosesWakes,
    /// Converges: agents never leave, whatever they are told, and cannot be destroyed.
    AgentsStay,
    /// Converges: idle agents end all the time, so that the fleet flaps.
    AgentsFlap,
    /// Converges: what a worker did of the stream is not recorded, and nobody may claim it.
    EntriesStay,
    /// Converges: the stream's reader tells of an entry more than there is.
    SamplesLie,
    /// Deterministic: the second run differs.
    SecondRunDiffers,
}

impl Sabotage {
    /// Makes of a configuration what the daemon is told of it.
    pub(crate) fn conceals(self, fleet: &mut Fleet) {
        if self == Self::TakesWithoutBound {
            fleet.max_jobs = None;
        }
        let scalers = fleet.scalers.iter_mut();
        for pool in scalers.flat_map(|scaler| &mut scaler.pools) {
            if self == Self::GrowsWithoutBound {
                pool.max_growth = None;
            }
            if self == Self::SchedulesLie {
                pool.schedules = Arc::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Options, Promise, Story};
    use crate::run::run_sabotaged;

    /// Seeds among which one must show the fault; where several promises fall together,
    /// not every seed breaks the one that is meant first.
    const SEEDS: std::ops::Range<u64> = 0..120;
    /// Of weeks: a schedule that lies shows in one of a hundred, where it is in force at the
    /// end.
    const WEEKS: std::ops::Range<u64> = 0..600;

    const MEANT: [(Sabotage, Promise); 19] = [
        (Sabotage::CreatesTwice, Promise::Caps),
        (Sabotage::ReservesNothing, Promise::Caps),
        (Sabotage::RoomIsNotReleased, Promise::Converges),
        (Sabotage::LedgerForgetsAgents, Promise::Forgotten),
        (Sabotage::DestroyLies, Promise::Forgotten),
        (Sabotage::DestroysForeign, Promise::Foreign),
        (Sabotage::DestroysWorking, Promise::Running),
        (Sabotage::AllowsNoJobs, Promise::Running),
        (Sabotage::RunsBeforeGrant, Promise::Jobs),
        (Sabotage::QueueForgetsEnds, Promise::Jobs),
        (Sabotage::QueueRepeats, Promise::Jobs),
        (Sabotage::LosesReason, Promise::Reasons),
        (Sabotage::HalfConfig, Promise::Config),
        (Sabotage::LosesWakes, Promise::Converges),
        (Sabotage::AgentsStay, Promise::Converges),
        (Sabotage::AgentsFlap, Promise::Converges),
        (Sabotage::EntriesStay, Promise::Converges),
        (Sabotage::SamplesLie, Promise::Converges),
        (Sabotage::SecondRunDiffers, Promise::Deterministic),
    ];

    #[test]
    fn every_check_fails_when_its_promise_is_broken() {
        for (sabotage, meant) in MEANT {
            let mut broken = Vec::new();
            let found = SEEDS.into_iter().find(|seed| {
                let failure = run_sabotaged(*seed, &Options::default(), Some(sabotage)).err();
                let promise = failure.map(|failure| failure.promise);
                broken.extend(promise);
                promise == Some(meant)
            });
            assert!(
                found.is_some(),
                "{sabotage:?} is to break {meant:?}, and breaks {broken:?}"
            );
        }
    }

    /// What weeks are judged by beside that, and what only they can show.
    const MEANT_OF_WEEKS: [(Sabotage, Promise); 6] = [
        (Sabotage::CreatesTwice, Promise::Caps),
        (Sabotage::ListsBelieved, Promise::Forgotten),
        (Sabotage::DestroyLies, Promise::Forgotten),
        (Sabotage::GrowsWithoutBound, Promise::Caps),
        (Sabotage::TakesWithoutBound, Promise::Caps),
        (Sabotage::SchedulesLie, Promise::Converges),
    ];

    #[test]
    fn every_check_of_a_week_fails_when_its_promise_is_broken() {
        let options = Options {
            story: Story::Week,
            trace_lines: 0,
            twice: false,
            ..Options::default()
        };
        for (sabotage, meant) in MEANT_OF_WEEKS {
            let mut broken = Vec::new();
            let found = WEEKS.into_iter().find(|seed| {
                let failure = run_sabotaged(*seed, &options, Some(sabotage)).err();
                let promise = failure.map(|failure| failure.promise);
                broken.extend(promise);
                promise == Some(meant)
            });
            assert!(
                found.is_some(),
                "{sabotage:?} is to break {meant:?}, and breaks {broken:?}"
            );
        }
    }

    #[test]
    fn every_promise_has_a_fault_that_breaks_it() {
        for promise in Promise::ALL {
            assert!(
                MEANT.iter().any(|(_, meant)| *meant == promise),
                "{promise:?}"
            );
        }
    }
}
