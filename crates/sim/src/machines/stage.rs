//! The run of a story.

use std::collections::{BTreeMap, VecDeque};

use headcount_controller::{Core, Order, digest};
use headcount_model::{
    AgentId, BackendEvent, ClassCount, Demand, Digest, Exit, Instance, InstanceState, JobId,
    LinkEvent, Listing, Outcome, OwnerId, SourceEvent, Taken, TakenJob, Timestamp,
};
use headcount_planner::{Action, Answered, News};
use headcount_ports::Recovered;

use super::{Row, Story, fleet};
use crate::random::Random;
use crate::scenario::START;
use crate::stage::SeededMint;

/// Rounds of one moment, of which each does something.
const MOST_ROUNDS: usize = 200;
/// Every agent's session; nobody else knows one.
const SESSION: Digest = Digest([7; 32]);

/// What happens, in the order of one moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finish(AgentId, JobId),
    Boot(AgentId),
    Arrive(u32),
}

/// One machine.
#[derive(Clone, Copy)]
struct Machine {
    token: Digest,
    ready: bool,
    job: Option<JobId>,
}

struct Stage<'s> {
    story: &'s Story,
    core: Core,
    now: Timestamp,
    wake: Option<Timestamp>,
    events: BTreeMap<(Timestamp, Event), u32>,
    waiting: VecDeque<(JobId, Timestamp)>,
    jobs: u64,
    sample: u64,
    machines: BTreeMap<AgentId, Machine>,
    rows: Vec<Row>,
}

/// Tells the story: one row for every moment at which something is different.
///
/// # Panics
/// The daemon orders something that no such story has, or never rests.
#[must_use]
pub fn run(story: &Story) -> Vec<Row> {
    let mut stage = Stage::new(story);
    let ends = seconds(story.ends);
    while let Some(next) = stage.next_moment().filter(|at| *at <= ends) {
        stage.now = next;
        stage.happen();
        stage.note();
    }
    stage.rows
}

fn seconds(n: u64) -> Timestamp {
    START.after(std::time::Duration::from_secs(n))
}

impl<'s> Stage<'s> {
    fn new(story: &'s Story) -> Self {
        let recovered = Recovered {
            owner: OwnerId::new("ours"),
            epoch: 1,
            agents: Vec::new(),
            attempts: Vec::new(),
            drained_pools: Vec::new(),
        };
        let mint = Box::new(SeededMint(Random::new(1)));
        let sources = vec![fleet::source().into()];
        let events = story.arrivals.iter();
        Self {
            story,
            core: Core::recover(recovered, sources, fleet::fleet(story), mint, START),
            now: START,
            wake: Some(START),
            events: events
                .map(|(at, n)| ((seconds(*at), Event::Arrive(*n)), 1))
                .collect(),
            waiting: VecDeque::new(),
            jobs: 0,
            sample: 0,
            machines: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let next = [event, self.wake].into_iter().flatten().min()?;
        Some(next.max(self.now))
    }

    fn happen(&mut self) {
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= self.now
        {
            let ((_, event), times) = entry.remove_entry();
            (0..times).for_each(|_| self.happens(event));
        }
        self.rounds();
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrive(n) => {
                for _ in 0..n {
                    self.jobs += 1;
                    self.waiting.push_back((JobId(self.jobs), self.now));
                }
                self.sample += 1;
                let told = SourceEvent::Demand {
                    sample: self.sample,
                    class: fleet::class(),
                    count: self.count(),
                };
                self.tell(News::Source(fleet::source(), told));
            }
            Event::Boot(agent) => {
                let Some(machine) = self.machines.get_mut(&agent) else {
                    return;
                };
                machine.ready = true;
                let token = machine.token;
                self.tell(News::Link(LinkEvent::Registered {
                    agent,
                    token,
                    session: SESSION,
                }));
            }
            Event::Finish(agent, job) => {
                if let Some(machine) = self.machines.get_mut(&agent) {
                    machine.job = None;
                }
                self.tell(News::Link(LinkEvent::Finished {
                    agent,
                    job,
                    attempt: 1,
                    outcome: Outcome::Exited(Exit::Code(0)),
                }));
            }
        }
    }

    /// Plans until nothing more is to be done in this moment.
    fn rounds(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let round = self.core.round(self.now);
            self.wake = round.wake_at.map(|wake| wake.at);
            if round.orders.is_empty() {
                return;
            }
            for order in round.orders {
                self.carry_out(order);
            }
        }
        panic!("the daemon never rests at {:?}", self.now);
    }

    fn carry_out(&mut self, order: Order) {
        let token = order.token.as_ref().map(digest);
        let answer = match order.action {
            Action::List { backend, .. } => Answered::List(backend, Ok(self.listing())),
            Action::Refresh { source, .. } => Answered::Refresh(source, Ok(self.demand())),
            Action::Create(order) => {
                let machine = Machine {
                    token: token.unwrap_or(SESSION),
                    ready: false,
                    job: None,
                };
                self.machines.insert(order.agent, machine);
                self.later(self.story.boots_in, Event::Boot(order.agent));
                Answered::Create(order.agent, Ok(()))
            }
            Action::Take { take, agents, .. } => Answered::Take(take, Ok(self.take(agents.len()))),
            Action::Assign {
                agent,
                job,
                attempt,
                ..
            } => {
                self.tell(News::Answered(Answered::Assign(job, attempt, Ok(()))));
                return self.claim(agent, job, attempt);
            }
            Action::Settle { job, .. } => Answered::Settle(job, Ok(())),
            Action::Drain { agent, .. } => {
                self.tell(News::Answered(Answered::Drain(agent, Ok(()))));
                return self.leave(agent);
            }
            Action::Destroy { agent, .. } => {
                self.machines.remove(&agent);
                Answered::Destroy(agent, Ok(()))
            }
            other => panic!("nobody carries out: {other}"),
        };
        self.tell(News::Answered(answer));
    }

    fn take(&mut self, n: usize) -> Taken {
        let taken = self.waiting.drain(..n.min(self.waiting.len()));
        let jobs = taken.map(|(job, _)| TakenJob {
            job,
            attempts: 0,
            deliveries: 0,
            retries_left: 0,
            timeout: None,
        });
        let jobs = jobs.collect();
        self.sample += 1;
        Taken {
            jobs,
            sample: self.sample,
            class_after: self.count(),
        }
    }

    fn claim(&mut self, agent: AgentId, job: JobId, attempt: u32) {
        if let Some(machine) = self.machines.get_mut(&agent) {
            machine.job = Some(job);
        }
        self.tell(News::Link(LinkEvent::Claimed {
            agent,
            job,
            attempt,
        }));
        self.later(self.story.takes, Event::Finish(agent, job));
    }

    fn leave(&mut self, agent: AgentId) {
        self.machines.remove(&agent);
        let gone = BackendEvent::Gone(agent, Exit::Code(0));
        self.tell(News::Backend(fleet::backend(), gone));
    }

    fn later(&mut self, span: u64, event: Event) {
        let at = self.now.after(std::time::Duration::from_secs(span));
        *self.events.entry((at, event)).or_default() += 1;
    }

    fn listing(&self) -> Listing {
        let instances = self.machines.keys().map(|agent| Instance {
            agent: *agent,
            pool: fleet::pool_name(),
            state: InstanceState::Running,
        });
        Listing {
            instances: instances.collect(),
        }
    }

    fn demand(&self) -> Demand {
        Demand {
            sample: self.sample,
            classes: vec![(fleet::class(), self.count())],
        }
    }

    fn count(&self) -> ClassCount {
        ClassCount {
            waiting: self.waiting.len() as u64,
            oldest: self.waiting.front().map(|(_, at)| *at),
            next_expiry: None,
        }
    }

    fn tell(&mut self, news: News) {
        self.core.observe(news, self.now);
    }

    fn note(&mut self) {
        let of = |test: &dyn Fn(&Machine) -> bool| {
            let found = self.machines.values().filter(|machine| test(machine));
            u32::try_from(found.count()).unwrap_or(u32::MAX)
        };
        let row = Row {
            t: self.now.since(START).as_secs(),
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            starting: of(&|machine| !machine.ready),
            idle: of(&|machine| machine.ready && machine.job.is_none()),
            used: of(&|machine| machine.job.is_some()),
        };
        let last = self.rows.last();
        if last.is_none_or(|last| Row { t: row.t, ..*last } != row) {
            self.rows.push(row);
        }
    }
}
