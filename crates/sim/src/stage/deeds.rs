//! What people and fate do.

use std::collections::BTreeSet;
use std::ops::Range;

use headcount_model::{
    AgentId, ClassKey, Exit, InstanceState, JobEnd, JobId, Labels, Name, OwnerId, PoolName,
    SourceEvent, Timestamp,
};
use headcount_planner::{News, Operator};

use super::event::{Event, Mail, Reply, Tick};
use super::{Stage, source_id};
use crate::fake::Made;
use crate::sabotage::Sabotage;
use crate::scenario::{BACKENDS, Deed, machine_pool};

/// A client whom the API does not answer tries again after this.
const CLIENT_RETRY: u64 = 1000;

impl Stage {
    /// Before anything happens: foreign instances, the script, the first start.
    pub(super) fn open(&mut self) {
        self.plant_foreign();
        let script = std::mem::take(&mut self.scenario.script);
        for (at, deed) in script {
            let at = self.on_grain(at);
            self.queue.push(at, Event::Deed(deed));
        }
        let start = self.scenario.start;
        self.queue.push(start, Event::Start);
    }

    /// Another daemon that started in the same second has instances with the very ids
    /// that ours will have.
    fn plant_foreign(&mut self) {
        let epoch = self.scenario.start.as_millis() / 1000;
        for (n, backend) in BACKENDS.iter().enumerate() {
            for number in 1..=3 {
                let agent = AgentId { epoch, number };
                let owner = OwnerId::new(&format!("theirs-{n}"));
                let place = self.backends.entry((*backend).into()).or_default();
                place.create((owner, agent), planted("s0/linux", "s0", false));
            }
        }
    }

    pub(super) fn deed(&mut self, deed: Deed) {
        if !self.trace.is_off() {
            self.trace.line(self.now, format_args!("DEED {deed:?}"));
        }
        match deed {
            Deed::Submit(n) => self.submit(n),
            Deed::SubmitBatch(jobs) => self.submit_batch(jobs),
            Deed::Cancel(n) => self.cancel(n),
            Deed::Reload(n) => self.reload(n),
            Deed::Drain(pool) => self.operate(Operator::Drain(pool)),
            Deed::Undrain(pool) => self.operate(Operator::Undrain(pool)),
            Deed::Stop => {
                self.operate(Operator::Stop);
                let at = self.within(1000, 30_000);
                self.queue.push(at, Event::Terminate(self.daemon.life));
            }
            Deed::Crash => {
                if self.daemon.core.is_some() {
                    self.crash("at some moment");
                }
            }
            Deed::DiskFull(span) => self.ledger.full_until = self.now.after(span),
            Deed::Stray => self.plant_stray(),
            Deed::KillAgent => self.some_agent(Tick::Die(Exit::Signal(9))),
            Deed::TermAgent => self.some_agent(Tick::Leave),
            Deed::Peer(wish) => self.pools.peer_wants(&machine_pool(), wish, self.now),
            Deed::Add(n) => self.add_entries(n),
            Deed::Trim(n) => self.trim_entries(n),
            Deed::Weather(backend, weather, lasts) => {
                let until = self.now.after(lasts);
                let owner = self.ledger.owner.clone();
                let place = self.backends.entry(backend.clone()).or_default();
                self.sky.worsen((&backend, place), &owner, weather, until);
            }
            Deed::Quiet => self.quiet(),
            Deed::Teardown => self.teardown(),
        }
    }

    /// A client submits, and goes on until it is accepted: its key makes that safe.
    fn submit(&mut self, n: usize) {
        let refused = self.daemon.core.is_none() || self.ledger.full_until > self.now;
        let Some(spec) = self.scenario.jobs.get(n) else {
            return;
        };
        if refused {
            let at = self.within(CLIENT_RETRY, CLIENT_RETRY);
            self.queue.push(at, Event::Deed(Deed::Submit(n)));
            return;
        }
        let (job, new) = self.jobs.submit(n, spec, self.now);
        if new {
            self.counts.jobs += 1;
            self.tell_demand_of(job);
        }
    }

    /// One call: what waits is told once per class.
    fn submit_batch(&mut self, jobs: Range<usize>) {
        let mut classes = BTreeSet::new();
        for n in jobs {
            if let Some(spec) = self.scenario.jobs.get(n) {
                self.jobs.submit(n, spec, self.now);
                self.counts.jobs += 1;
                classes.insert(&spec.class);
            }
        }
        let classes: Vec<ClassKey> = classes.into_iter().cloned().collect();
        for class in classes {
            self.tell_demand(&class);
        }
    }

    /// A job that waits is cancelled at once; one that is taken, by its daemon.
    fn cancel(&mut self, n: usize) {
        let key = self.scenario.jobs.get(n).map(|spec| spec.key);
        let Some(job) = key.and_then(|key| self.jobs.known(key)) else {
            return;
        };
        if self.daemon.core.is_none() || self.ledger.full_until > self.now {
            return;
        }
        if let Some(truth) = self.jobs.all.get_mut(&job) {
            truth.cancel_asked = true;
        }
        if self.jobs.is_waiting(job) {
            self.end_job(job, &JobEnd::Cancelled { outcome: None });
        } else {
            self.ask_to_cancel(job);
        }
    }

    fn ask_to_cancel(&mut self, job: JobId) {
        let event = SourceEvent::CancelRequested(job);
        let at = self.soon();
        self.tell(at, News::Source(source_id(), event));
    }

    fn reload(&mut self, n: usize) {
        self.file = n;
        let Some(mut fleet) = self.scenario.fleets.get(n).cloned() else {
            return;
        };
        if self.daemon.core.is_none() {
            return;
        }
        self.pools.configure(&fleet.machine_pools);
        if let Some(sabotage) = self.sabotage {
            sabotage.conceals(&mut fleet);
        }
        if self.sabotage == Some(Sabotage::HalfConfig) {
            fleet.max_agents += 1;
        }
        self.daemon.inbox.push_back(Mail {
            news: News::Configured(Box::new(fleet)),
            reply: Reply::Reload(n),
        });
    }

    fn operate(&mut self, wish: Operator) {
        self.post_now(News::Operator(wish));
    }

    /// An instance with our mark that no record leads to, as after a restored backup.
    fn plant_stray(&mut self) {
        let number = self.random.count(1, 1000);
        let agent = AgentId { epoch: 7, number };
        let mark = (self.owner().clone(), agent);
        // Where every configuration of this story looks.
        let everywhere = BACKENDS.iter().filter(|backend| {
            let mut fleets = self.scenario.fleets.iter();
            fleets.all(|fleet| {
                fleet
                    .scalers
                    .iter()
                    .any(|s| s.backend.as_str() == **backend)
            })
        });
        let everywhere: Vec<&str> = everywhere.copied().collect();
        let Some(backend) = self.random.pick(&everywhere) else {
            return;
        };
        let place = self.backends.entry(backend.into()).or_default();
        place.create(mark, planted("s0/linux", "s0", true));
        // It appeared while nobody looked, so a restart must find it.
        if self.daemon.core.is_some() {
            self.crash("and a stray appears");
        }
    }

    fn some_agent(&mut self, tick: Tick) {
        let agents: Vec<AgentId> = self.programs.keys().copied().collect();
        if let Some(agent) = self.random.pick(&agents) {
            self.queue.push(self.now, Event::Agent(agent, tick));
        }
    }

    /// Once it is quiet, every start ends what an operator had drained.
    pub(super) fn greet_quiet(&mut self) {
        if self.now < self.scenario.quiet_from {
            return;
        }
        if self.act == super::Act::Teardown {
            return self.drain_all();
        }
        for pool in self.all_pools() {
            self.operate(Operator::Undrain(pool));
        }
    }

    pub(super) fn drain_all(&mut self) {
        for pool in self.all_pools() {
            self.operate(Operator::Drain(pool));
        }
    }

    /// Every pool that any configuration of this story has.
    fn all_pools(&self) -> Vec<PoolName> {
        let scalers = self.scenario.fleets.iter().flat_map(|fleet| &fleet.scalers);
        let mut names: Vec<PoolName> = scalers
            .flat_map(|scaler| scaler.pools.iter().map(|pool| pool.name.clone()))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

fn planted(pool: &str, scaler: &str, stray: bool) -> Made {
    Made {
        pool: PoolName::new(pool),
        scaler: Name::new(scaler),
        labels: Labels::default(),
        granted: headcount_model::Granted::default(),
        slots: 1,
        state: InstanceState::Running,
        ids: vec!["i-planted".into()],
        stray,
        touched: 0,
    }
}

/// Kept here so that a story's length reads as one sum.
pub(super) fn after(from: Timestamp, seconds: u64) -> Timestamp {
    from.after(std::time::Duration::from_secs(seconds))
}
