//! The run of a story.

use std::collections::BTreeMap;

use headcount_controller::{Core, RandomMint};
use headcount_model::{
    AgentId, BackendEvent, Exit, Instance, InstanceState, Listing, OwnerId, StreamMeasure,
    Timestamp, TriggerKind,
};
use headcount_planner::{Action, Answered, News};
use headcount_ports::Recovered;

use super::{Row, Story, Stream, Told, fleet};
use crate::scenario::START;

/// Of the daemon; workers from before it have the one before.
const EPOCH: u64 = 2;
/// Rounds of one moment, of which each does something.
const MOST_ROUNDS: usize = 100;

/// What happens, in the order of one moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrive(u32),
    Ack(AgentId),
    End(AgentId),
    Start(AgentId),
    Read(AgentId),
}

struct Stage<'s> {
    story: &'s Story,
    core: Core,
    now: u64,
    wake: Option<u64>,
    events: BTreeMap<(u64, Event), u32>,
    stream: Stream,
    /// Workers that have not ended, and whether they started.
    workers: BTreeMap<AgentId, bool>,
    reads: usize,
    finished: u64,
    told: Told,
}

/// Tells the story. Rows show how things stand at these seconds, in order.
///
/// # Panics
/// The daemon orders something that no such story has.
#[must_use]
pub fn run(story: &Story, moments: &[u64]) -> Told {
    let mut stage = Stage::new(story);
    let mut moments = moments.iter().copied().peekable();
    while let Some(next) = stage.next_moment(moments.peek().copied()) {
        stage.now = next;
        stage.happen();
        while moments.next_if(|at| *at == next).is_some() {
            let row = stage.row();
            stage.told.rows.push(row);
        }
    }
    let waits = &stage.stream.waits;
    let sum: u64 = waits.iter().sum();
    stage.told.mean_wait = (!waits.is_empty()).then(|| sum as f64 / waits.len() as f64);
    stage.told
}

impl<'s> Stage<'s> {
    fn new(story: &'s Story) -> Self {
        let initial = (1..=story.initial).map(|number| AgentId {
            epoch: EPOCH - 1,
            number,
        });
        let initial: Vec<AgentId> = initial.collect();
        let agents = initial.iter().map(|id| fleet::running(*id, START));
        let recovered = Recovered {
            owner: OwnerId::new("ours"),
            epoch: EPOCH,
            agents: agents.collect(),
            attempts: Vec::new(),
            drained_pools: Vec::new(),
        };
        // Workers are given no tokens, so nothing is ever drawn.
        let mint = Box::new(RandomMint);
        let fleet = fleet::fleet(&story.rule);
        let mut stage = Self {
            story,
            core: Core::recover(recovered, Vec::new(), fleet, mint, START),
            now: 0,
            wake: Some(0),
            events: BTreeMap::new(),
            stream: Stream::default(),
            workers: BTreeMap::new(),
            reads: 0,
            finished: 0,
            told: Told::default(),
        };
        for (at, n) in &story.arrivals {
            *stage.events.entry((*at, Event::Arrive(*n))).or_default() += 1;
        }
        for agent in initial {
            stage.workers.insert(agent, true);
            stage.told.created += 1;
            stage.stream.hold(agent);
            stage.work(agent);
        }
        stage
    }

    fn next_moment(&self, asked: Option<u64>) -> Option<u64> {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let poll = (self.now + 1).next_multiple_of(self.polling());
        let moments = [event, self.wake, asked, Some(poll)];
        let next = moments.into_iter().flatten().min();
        next.filter(|at| *at <= self.story.ends)
    }

    fn polling(&self) -> u64 {
        self.story.rule.polling.as_secs().max(1)
    }

    fn happen(&mut self) {
        let mut arrived = false;
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 == self.now
        {
            let ((_, event), times) = entry.remove_entry();
            for _ in 0..times {
                arrived |= match event {
                    Event::Arrive(_) => true,
                    // Of a list the reader is told when somebody takes from it, too.
                    Event::Read(_) => self.is_list(),
                    _ => false,
                };
                self.happens(event);
            }
        }
        if arrived && self.story.told {
            let sample = self.sample();
            self.tell(News::Sampled(fleet::pool_name(), sample));
        }
        self.rounds();
        self.told.most = self.told.most.max(self.workers.len() as u64);
        if self.now.is_multiple_of(self.polling()) {
            self.finished = self.finished.min(self.story.history as u64);
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrive(n) => self.stream.add(self.now, n),
            Event::Ack(agent) => {
                self.stream.ack(agent);
                self.told.last_ack = Some(self.now);
                self.later(self.story.lag, Event::End(agent));
            }
            Event::End(agent) => {
                self.workers.remove(&agent);
                self.finished += 1;
                self.backend_tells(BackendEvent::Gone(agent, Exit::Code(0)));
            }
            Event::Start(agent) => {
                self.workers.insert(agent, true);
                self.backend_tells(BackendEvent::Running(agent));
                self.later(self.story.reads_in, Event::Read(agent));
            }
            Event::Read(agent) => {
                if self.stream.read(agent, self.now) {
                    self.work(agent);
                } else {
                    self.told.idle += 1;
                    self.later(self.story.looks_for, Event::End(agent));
                }
            }
        }
    }

    /// It holds a message and does what it says.
    fn work(&mut self, agent: AgentId) {
        let takes = &self.story.takes;
        let span = takes.get(self.reads).or(takes.last()).copied();
        self.reads += 1;
        self.later(span.unwrap_or(0), Event::Ack(agent));
    }

    fn later(&mut self, span: u64, event: Event) {
        *self.events.entry((self.now + span, event)).or_default() += 1;
    }

    /// Plans until nothing more is to be done in this moment.
    fn rounds(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let round = self.core.round(self.at());
            self.wake = round.wake_at.map(|wake| {
                let millis = wake.at.as_millis() - START.as_millis();
                millis.div_ceil(1000)
            });
            if round.orders.is_empty() {
                return;
            }
            for order in round.orders {
                let answer = self.carry_out(&order.action);
                self.tell(News::Answered(answer));
            }
        }
        panic!("the daemon never rests at {} s", self.now);
    }

    fn carry_out(&mut self, action: &Action) -> Answered {
        match action {
            Action::List { backend, .. } => Answered::List(backend.clone(), Ok(self.listing())),
            Action::Sample { pool, .. } => Answered::Sample(pool.clone(), Ok(self.sample())),
            Action::Create(order) => {
                let starts = &self.story.starts_in;
                let made = usize::try_from(self.told.created).unwrap_or(0);
                let span = starts.get(made % starts.len().max(1)).copied();
                self.workers.insert(order.agent, false);
                self.told.created += 1;
                self.later(span.unwrap_or(0), Event::Start(order.agent));
                Answered::Create(order.agent, Ok(()))
            }
            other => panic!("nobody carries out: {other}"),
        }
    }

    fn listing(&self) -> Listing {
        let instances = self.workers.iter().map(|(agent, started)| Instance {
            agent: *agent,
            pool: fleet::pool_name(),
            state: match started {
                true => InstanceState::Running,
                false => InstanceState::Starting,
            },
        });
        Listing {
            instances: instances.collect(),
        }
    }

    fn is_list(&self) -> bool {
        let mut kinds = self.story.rule.triggers.iter().map(|it| &it.kind);
        kinds.any(|kind| matches!(kind, TriggerKind::RedisKey { .. }))
    }

    fn sample(&mut self) -> headcount_model::Sample {
        if self.is_list() {
            return self.stream.sample_of_list(self.at());
        }
        let kinds = self.story.rule.triggers.iter().map(|it| &it.kind);
        let measure = kinds.clone().find_map(|kind| match kind {
            TriggerKind::RedisStream { measure, .. } => Some(measure),
            _ => None,
        });
        let measure = measure.unwrap_or(&StreamMeasure::Length);
        self.stream
            .sample(measure, self.story.rule.compat, self.at())
    }

    fn backend_tells(&mut self, event: BackendEvent) {
        self.tell(News::Backend(fleet::backend(), event));
    }

    fn tell(&mut self, news: News) {
        let now = self.at();
        self.core.observe(news, now);
    }

    fn at(&self) -> Timestamp {
        START.after(std::time::Duration::from_secs(self.now))
    }

    fn row(&self) -> Row {
        let (waiting, in_flight) = (self.stream.waiting(), self.stream.in_flight());
        let unfinished = self.workers.len() as u64;
        Row {
            t: self.now,
            unacked: waiting + in_flight,
            waiting,
            in_flight,
            unfinished,
            objects: unfinished + self.finished,
            running: self.workers.values().filter(|started| **started).count() as u64,
            created: self.told.created,
        }
    }
}
