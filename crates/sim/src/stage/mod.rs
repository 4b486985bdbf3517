//! The run itself: the real controller core among the fakes, under a virtual clock.
//!
//! Promise: time moves only to the next event or to the core's own `wake_at`, so a
//! forgotten deadline shows as a hang. What the daemon holds only in memory dies with it;
//! agents, instances, durable rows and accepted jobs live on.

mod acts;
mod agents;
mod daemon;
mod deeds;
mod effects;
mod event;
mod machines;
mod orders;
mod readers;
mod source;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{AgentId, BackendId, OwnerId, SourceId, Timestamp};

use crate::clock::Queue;
use crate::fake::{Backend, Entries, Jobs, Ledger, Pools, Program, Sky};
use crate::options::{Failure, Options, Outcome, Promise};
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::scenario::{Faults, Scenario};
use crate::trace::Trace;

pub(crate) use acts::Act;
pub(crate) use daemon::{Daemon, SeededMint};
use event::Event;
use wire::Wires;

/// Steps after which a run is given up: far more than any story needs.
const MAX_STEPS: u64 = 5_000_000;

/// Everything there is.
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) now: Timestamp,
    queue: Queue<Event>,
    random: Random,
    /// As they are now: none once it is quiet.
    faults: Faults,
    trace: Trace,
    /// The first promise that did not hold.
    broken: Option<(Promise, String)>,
    checks: bool,
    sabotage: Option<Sabotage>,
    /// Which fleet the configuration file describes.
    pub(crate) file: usize,
    pub(crate) daemon: Daemon,
    pub(crate) ledger: Ledger,
    pub(crate) jobs: Jobs,
    pub(crate) pools: Pools,
    pub(crate) entries: Entries,
    pub(crate) backends: BTreeMap<BackendId, Backend>,
    /// Until when their backend refuses to end them.
    refused: BTreeMap<AgentId, Timestamp>,
    /// The weather over provisioners.
    sky: Sky,
    /// The processes inside instances.
    programs: BTreeMap<AgentId, Program>,
    /// What was ever ordered, and with what limit of jobs.
    pub(crate) births: BTreeMap<AgentId, Birth>,
    wires: Wires,
    pub(crate) act: Act,
    pub(crate) counts: Outcome,
}

/// An agent whose creation was ordered.
#[derive(Clone, Debug)]
pub(crate) struct Birth {
    pub(crate) backend: BackendId,
    pub(crate) pool: headcount_model::PoolName,
    /// The most jobs it may run, as its pool ever said.
    pub(crate) max_jobs: Option<u32>,
    pub(crate) executions: u32,
    /// Where it is reserved.
    pub(crate) machine_pool: Option<headcount_model::Name>,
    /// The creation that is under way, if one is.
    pub(crate) in_flight: Option<headcount_planner::CreateOrder>,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario, options: &Options, sabotage: Option<Sabotage>) -> Self {
        let owner = OwnerId::new("ours");
        let mut stage = Self {
            now: scenario.start,
            queue: Queue::new(),
            random: Random::new(scenario.seed ^ 0x00d1_ce00),
            faults: scenario.faults,
            trace: Trace::new(options.trace_lines),
            broken: None,
            checks: options.checks,
            sabotage,
            file: 0,
            daemon: Daemon::default(),
            ledger: Ledger::new(owner),
            jobs: Jobs::default(),
            pools: Pools::default(),
            entries: Entries::default(),
            backends: BTreeMap::new(),
            refused: BTreeMap::new(),
            sky: Sky::default(),
            programs: BTreeMap::new(),
            births: BTreeMap::new(),
            wires: Wires::default(),
            act: Act::Story,
            counts: Outcome {
                seed: scenario.seed,
                ..Outcome::default()
            },
            scenario,
        };
        stage.open();
        stage
    }

    /// Runs to the end, or to the first promise that does not hold.
    pub(crate) fn run(mut self) -> Result<Outcome, Failure> {
        let mut steps = 0;
        while self.act != Act::Over {
            steps += 1;
            if !self.step() {
                self.stuck();
            }
            if steps > MAX_STEPS {
                self.fail(Promise::Converges, "it goes on for ever".into());
            }
            if let Some((promise, what)) = self.broken.take() {
                return Err(self.failure(promise, what));
            }
        }
        self.counts.virtual_millis = duration_millis(self.now.since(self.scenario.start));
        self.counts.hash = self.trace.hash_with(&self.ending());
        Ok(self.counts)
    }

    /// One moment. Says whether there was one.
    fn step(&mut self) -> bool {
        let Some(next) = self.next_moment() else {
            return false;
        };
        self.now = next.max(self.now);
        while let Some(event) = self.queue.pop(self.now) {
            self.happen(event);
        }
        if self.daemon.is_due(self.now) {
            self.round();
        }
        if self.checks {
            self.check_moment();
        }
        self.next_act();
        true
    }

    fn next_moment(&self) -> Option<Timestamp> {
        if self.daemon.is_due(self.now) {
            return Some(self.now);
        }
        let wake = self.daemon.wake_at();
        let wake = wake.filter(|_| self.sabotage != Some(Sabotage::LosesWakes));
        let event = self.queue.next_at();
        match (event, wake) {
            (Some(event), Some(wake)) => Some(event.min(wake)),
            (event, wake) => event.or(wake),
        }
    }

    fn check_moment(&mut self) {
        let found = crate::promises::every_moment(self);
        self.found(found);
    }

    /// Whether this agent exists, or may come to exist.
    pub(crate) fn may_exist(&self, agent: AgentId, birth: &Birth) -> bool {
        let mark = (self.owner().clone(), agent);
        let place = self.backends.get(&birth.backend);
        let exists = place.is_some_and(|place| place.get(&mark).is_some());
        exists || (birth.in_flight.is_some() && self.ledger.agents.contains_key(&agent))
    }

    pub(crate) fn owner(&self) -> &OwnerId {
        &self.ledger.owner
    }

    fn found(&mut self, found: Option<(Promise, String)>) {
        if let Some((promise, what)) = found {
            self.fail(promise, what);
        }
    }

    /// Notes that a promise does not hold; the first one counts.
    fn fail(&mut self, promise: Promise, what: String) {
        self.broken.get_or_insert((promise, what));
    }

    fn failure(&self, promise: Promise, what: String) -> Failure {
        Failure {
            story: self.scenario.story(),
            seed: self.scenario.seed,
            promise,
            what,
            at: self.now,
            trace: self.trace.tail(),
        }
    }

    /// What is left in the end, as text, so that two runs can be compared whole.
    fn ending(&self) -> String {
        let world = self
            .daemon
            .core
            .as_ref()
            .map(headcount_controller::Core::world);
        if self.trace.is_off() {
            return String::new();
        }
        let (ledger, jobs, entries) = (&self.ledger, &self.jobs.all, &self.entries);
        format!("{world:?} {ledger:?} {jobs:?} {entries:?}")
    }

    /// A moment `low` to `high` milliseconds from now, on the grain of this story.
    fn within(&mut self, low: u64, high: u64) -> Timestamp {
        let at = self.now.after(self.random.millis(low, high));
        self.on_grain(at)
    }

    fn soon(&mut self) -> Timestamp {
        self.within(1, self.scenario.hop_millis)
    }

    fn on_grain(&self, at: Timestamp) -> Timestamp {
        let grain = self.scenario.grain.max(1);
        Timestamp::from_millis(at.as_millis().div_ceil(grain) * grain)
    }
}

/// The one source of jobs.
pub(crate) fn source_id() -> SourceId {
    SourceId::new("queue")
}

/// Milliseconds from one moment to a later one.
pub(crate) fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    duration_millis(to.since(from))
}

fn duration_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
