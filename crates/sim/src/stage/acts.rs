//! The acts of a run: the story with its faults; the quiet, in which everything must
//! settle; a watch, in which nothing may flap; the teardown, after which nothing of ours
//! may be left.

use headcount_model::Timestamp;

use super::Stage;
use super::deeds::after;
use super::event::Event;
use crate::options::Promise;
use crate::promises::{converges, jobs, queue};
use crate::scenario::{Deed, Faults};

/// Virtual seconds for which it must stay settled.
const WATCH: u64 = 1200;
/// Virtual seconds in which a drained fleet must be gone.
const GONE_WITHIN: u64 = 3600;

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Faults, people, jobs.
    Story,
    /// Since then nothing fails, and no more instances than this may ever be made.
    Quiet(Timestamp, u64),
    /// Settled since then.
    Watch(Timestamp, u64),
    /// All pools are drained.
    Teardown,
    /// A load without story, quiet or teardown: it ends with its last job.
    Bulk,
    /// It is over.
    Over,
}

impl Stage {
    /// Faults end, and so does what operators had begun.
    pub(super) fn quiet(&mut self) {
        self.faults = Faults::default();
        self.pools.peers_leave();
        self.sky.clear();
        let allowance = converges::allowance(self);
        self.act = Act::Quiet(self.now, self.counts.instances + allowance);
        self.greet_quiet();
    }

    pub(super) fn teardown(&mut self) {
        if let Act::Watch(_, before) = self.act {
            let found = converges::flapping(self, before);
            self.found(found);
        }
        self.act = Act::Teardown;
        self.drain_all();
    }

    pub(super) fn next_act(&mut self) {
        match self.act {
            Act::Story | Act::Watch(..) | Act::Over => {}
            Act::Bulk if self.is_done() => self.act = Act::Over,
            Act::Bulk => {}
            Act::Quiet(since, before) if self.is_calm() && converges::unsettled(self).is_none() => {
                self.trace.line(self.now, format_args!("SETTLED"));
                self.act = Act::Watch(since, before);
                self.queue
                    .push(after(self.now, WATCH), Event::Deed(Deed::Teardown));
            }
            Act::Quiet(since, _) => {
                if self.now > after(since, self.scenario.settles_within) {
                    self.never_settles();
                }
            }
            Act::Teardown if self.is_calm() && converges::left_over(self).is_none() => {
                self.trace.line(self.now, format_args!("GONE"));
                self.act = Act::Over;
                let found = queue::made_for_something(self);
                self.found(found);
                if self.scenario.faults.none() && self.counts.crashes == 0 {
                    let found = jobs::as_without_faults(self);
                    self.found(found.or_else(|| queue::as_without_faults(self)));
                }
            }
            Act::Teardown => {
                let limit = after(
                    self.scenario.quiet_from,
                    self.scenario.settles_within + WATCH + GONE_WITHIN,
                );
                if self.now > limit {
                    self.never_settles();
                }
            }
        }
    }

    fn is_calm(&self) -> bool {
        self.daemon.is_at_rest()
    }

    /// Every job that will be submitted has ended, and the queue knows.
    fn is_done(&self) -> bool {
        let all = self.jobs.all.len() == self.scenario.jobs.len();
        all && self.jobs.open == 0 && self.is_calm()
    }

    fn never_settles(&mut self) {
        self.give_up("it never settles");
    }

    /// Nothing will ever happen again, and something should.
    pub(super) fn stuck(&mut self) {
        self.give_up("stuck, no event and no deadline is left");
    }

    /// A job that nobody has is lost, whatever else has not settled.
    fn give_up(&mut self, why: &str) {
        let left = self.what_is_left();
        match converges::lost(self) {
            Some(job) => self.fail(Promise::Jobs, format!("{job} is lost: {left}")),
            None => self.fail(Promise::Converges, format!("{why}: {left}")),
        }
    }

    fn what_is_left(&self) -> String {
        let left = match self.act {
            Act::Teardown => converges::left_over(self),
            _ => converges::unsettled(self),
        };
        let left = left.unwrap_or_else(|| "the daemon is busy".into());
        format!("{left}\n  {}", converges::believed(self))
    }
}
