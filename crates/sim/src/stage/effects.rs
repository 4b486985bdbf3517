//! Effects as they are done: at backends, at the queue, on a connection.

use std::time::Duration;

use headcount_controller::{Order, digest};
use headcount_model::{
    AgentId, AgentKind, BackendEvent, BackendId, Digest, Exit, InstanceState, Labels, OtherEnd,
    Secret, Timestamp, Trouble, TroubleKind, Unreserved,
};
use headcount_planner::{Action, Answered, CreateOrder, News};

use super::event::{Event, Tick};
use super::machines::{self, WATCH};
use super::{Birth, Stage};
use crate::fake::{Made, Program};
use crate::options::Promise;
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::scenario::Faults;

/// What dies by chance or leaves by chance does so within its first minute.
const FIRST_MINUTE: u64 = 60_000;
/// How long a backend refuses to end an instance.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

impl Stage {
    /// Does what an order says, and says how it went.
    pub(super) fn effect(&mut self, order: &Order, asked: Timestamp) -> Answered {
        match &order.action {
            Action::Create(create) => {
                if let Some(trouble) = self.refuses_create(create) {
                    return Answered::Create(create.agent, Err(trouble));
                }
                self.create(create, order.token.as_ref());
                Answered::Create(create.agent, Ok(()))
            }
            Action::Destroy { agent, .. } if self.sabotage == Some(Sabotage::AgentsStay) => {
                Answered::Destroy(*agent, Err(stays(*agent)))
            }
            Action::Destroy { agent, .. } if self.refuses_to_end(*agent) => {
                Answered::Destroy(*agent, Err(stays(*agent)))
            }
            Action::Reap { agent, backend, .. } if self.refuses_to_end(*agent) => {
                Answered::Reap(backend.clone(), *agent, Err(stays(*agent)))
            }
            Action::Destroy { agent, backend, .. } if self.has_provisioner() => {
                Answered::Destroy(*agent, self.destroy_machine(*agent, backend))
            }
            Action::Reap { agent, backend, .. } if self.has_provisioner() => {
                let gone = self.destroy_machine(*agent, backend);
                Answered::Reap(backend.clone(), *agent, gone)
            }
            Action::List { backend, .. } if self.has_provisioner() => {
                Answered::List(backend.clone(), self.list_machines(backend, asked))
            }
            Action::Destroy { agent, backend, .. } => {
                self.destroy(*agent, backend);
                Answered::Destroy(*agent, Ok(()))
            }
            Action::Reap { agent, backend, .. } => {
                self.destroy(*agent, backend);
                Answered::Reap(backend.clone(), *agent, Ok(()))
            }
            Action::List { backend, .. } => {
                let owner = self.owner().clone();
                let listing = self
                    .backends
                    .entry(backend.clone())
                    .or_default()
                    .list(&owner);
                Answered::List(backend.clone(), Ok(listing))
            }
            // Nobody else has leases here: what is foreign is to be left alone for ever.
            Action::ListOthers { backend, .. } => {
                Answered::ListOthers(backend.clone(), Ok(Vec::new()))
            }
            Action::ReapOther { seen, backend, .. } => {
                let (owner, agent) = (seen.owner.clone(), seen.agent);
                Answered::ReapOther(backend.clone(), owner, agent, Ok(OtherEnd::Spared))
            }
            Action::Reserve(create) => Answered::Reserve(create.agent, self.reserve(create)),
            Action::Release {
                agent,
                machine_pool,
                ..
            } => {
                if self.sabotage != Some(Sabotage::RoomIsNotReleased) {
                    self.pools.release(machine_pool, *agent);
                }
                Answered::Release(*agent, Ok(()))
            }
            Action::Assign { job, attempt, .. } => {
                Answered::Assign(*job, *attempt, self.assign(&order.action))
            }
            Action::Sample { pool, .. } => Answered::Sample(pool.clone(), self.sample(pool)),
            other => self.source_effect(other),
        }
    }

    fn reserve(&mut self, order: &CreateOrder) -> Result<(), Unreserved> {
        let Some(pool) = &order.machine_pool else {
            self.fail(Promise::Config, "reserved in no machine pool".into());
            return Ok(());
        };
        if self.sabotage == Some(Sabotage::ReservesNothing) {
            return Ok(());
        }
        let amount = order.granted.requests.times(u64::from(order.slots));
        self.pools.reserve(pool, order.agent, amount)
    }

    /// A creation is under way until it is answered, or the daemon dies.
    pub(super) fn note_creation(&mut self, action: &Action) {
        let Action::Create(order) = action else {
            return;
        };
        let limit = self
            .scenario
            .fleets
            .get(self.daemon.fleet)
            .and_then(|fleet| {
                let mut pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
                pools.find(|pool| pool.name == order.pool)?.max_jobs
            });
        let no_jobs = self.sabotage == Some(Sabotage::AllowsNoJobs);
        let birth = self.births.entry(order.agent).or_insert_with(|| Birth {
            backend: order.backend.clone(),
            pool: order.pool.clone(),
            max_jobs: limit.filter(|_| !no_jobs).or(no_jobs.then_some(0)),
            executions: 0,
            machine_pool: order.machine_pool.clone(),
            in_flight: None,
        });
        birth.in_flight = Some(order.clone());
    }

    fn create(&mut self, order: &CreateOrder, token: Option<&Secret>) {
        if let Some(birth) = self.births.get_mut(&order.agent) {
            birth.in_flight = None;
        }
        let mark = (self.owner().clone(), order.agent);
        let made = Made {
            pool: order.pool.clone(),
            scaler: order.scaler.clone(),
            labels: Labels::new(order.labels.split(',').filter(|label| !label.is_empty())),
            granted: order.granted,
            slots: order.slots,
            state: InstanceState::Starting,
            ids: self.names(order.agent),
            stray: false,
            touched: 0,
        };
        let backend = self.backends.entry(order.backend.clone()).or_default();
        if backend.create(mark, made) {
            self.counts.instances += 1;
            self.boot(order, token);
        }
        if self.has_provisioner() {
            self.note_made(order);
        }
    }

    /// What a provisioner calls what it made for this agent.
    fn names(&mut self, agent: AgentId) -> Vec<String> {
        if !self.has_provisioner() {
            return Vec::new();
        }
        machines::names(agent, self.random.chance(self.faults.twin))
    }

    /// The process inside a new instance, and what fate has in store for it.
    fn boot(&mut self, order: &CreateOrder, token: Option<&Secret>) {
        let agent = order.agent;
        let token = token.map_or(Digest([0; 32]), digest);
        let session = self.some_digest();
        let mut program = Program::new(token, session, order.slots, self.now);
        program.deaf = self.random.chance(self.faults.deaf);
        program.stubborn =
            self.random.chance(self.faults.stubborn) || self.sabotage == Some(Sabotage::AgentsStay);
        program.worker = order.kind == AgentKind::Worker;
        let worker = program.worker;
        self.programs.insert(agent, program);
        self.agent_within(agent, 1, 50, Tick::Started);
        if order.pool == crate::scenario::queue_pool() {
            // It begins to read once it runs.
            self.entries.made += 1;
        } else if worker {
            self.worker_life(agent);
        } else if !self.random.chance(self.faults.never_registers) {
            let longest = self.scenario.boot_millis;
            self.agent_within(agent, 5, longest, Tick::Connect);
        }
        if self.random.chance(self.faults.dies) {
            self.agent_within(agent, 1, FIRST_MINUTE, Tick::Die(Exit::Signal(9)));
        }
        if self.random.chance(self.faults.leaves) {
            self.agent_within(agent, 1, FIRST_MINUTE, Tick::Leave);
        }
        if self.sabotage == Some(Sabotage::AgentsFlap) && !worker {
            self.agent_within(agent, 4000, 9000, Tick::Die(Exit::Signal(9)));
        }
    }

    /// A worker ends when it likes; in the quiet it likes to stay.
    fn worker_life(&mut self, agent: AgentId) {
        if self.random.chance(self.faults.worker_quits) {
            self.agent_within(agent, 100, 3000, Tick::Die(Exit::Code(0)));
        } else if self.faults != Faults::default() {
            self.agent_within(agent, 10_000, 240_000, Tick::Die(Exit::Code(0)));
        }
    }

    pub(super) fn agent_within(&mut self, agent: AgentId, low: u64, high: u64, tick: Tick) {
        let at = self.within(low, high);
        self.queue.push(at, Event::Agent(agent, tick));
    }

    pub(super) fn some_digest(&mut self) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.random.next().to_le_bytes());
        Digest(bytes)
    }

    /// Whether its backend does not end it now. Drawn from the agent alone, so that a seed
    /// means for all others what it meant before.
    fn refuses_to_end(&mut self, agent: AgentId) -> bool {
        if let Some(until) = self.refused.get(&agent) {
            return self.now < *until;
        }
        let seed = self.scenario.seed ^ agent.epoch ^ (u64::from(agent.number) << 40);
        let refuses = Random::new(seed).chance(self.faults.refuses_to_end);
        if refuses {
            let until = self.now.after(REFUSED_FOR);
            self.trace
                .line(self.now, format_args!("{agent} cannot be ended"));
            self.refused.insert(agent, until);
        }
        refuses
    }

    /// Ends an instance for good, with its process.
    fn destroy(&mut self, agent: AgentId, backend: &BackendId) {
        if self.sabotage == Some(Sabotage::DestroyLies) {
            return;
        }
        let mark = (self.owner().clone(), agent);
        let place = self.backends.entry(backend.clone()).or_default();
        if self.sabotage == Some(Sabotage::DestroysForeign) {
            let foreign = place.not_of(&mark.0).map(|(mark, _)| mark.clone()).next();
            if let Some(made) = foreign.and_then(|mark| place.get_mut(&mark)) {
                made.touched += 1;
            }
        }
        let made = place.destroy(&mark);
        self.end_process(agent);
        if made.is_some() {
            self.emit(backend.clone(), BackendEvent::Gone(agent, Exit::Signal(15)));
        }
    }

    /// A backend's word, as far as it arrives: late, twice, or only as "words were lost".
    /// Nobody tells of a provisioner's machines: somebody looks.
    pub(super) fn emit(&mut self, backend: BackendId, event: BackendEvent) {
        if self.has_provisioner() {
            if self.daemon.core.is_some() {
                self.look_within(&backend, WATCH);
            }
            return;
        }
        let late = self.random.chance(self.faults.event_late);
        let longest = if late {
            20_000
        } else {
            self.scenario.hop_millis
        };
        let at = self.within(1, longest);
        let event = if self.random.chance(self.faults.event_lost) {
            BackendEvent::Missed
        } else {
            event
        };
        if self.random.chance(self.faults.event_doubled) {
            let again = self.within(1, 5000);
            self.tell(again, News::Backend(backend.clone(), event.clone()));
        }
        self.tell(at, News::Backend(backend, event));
    }

    /// An instance's process ended by itself.
    pub(super) fn die(&mut self, agent: AgentId, exit: Exit) {
        if !self.programs.contains_key(&agent) {
            return;
        }
        self.trace
            .line(self.now, format_args!("{agent} dies: {exit:?}"));
        self.end_process(agent);
        let Some(backend) = self.births.get(&agent).map(|birth| birth.backend.clone()) else {
            return self.fail(
                Promise::Forgotten,
                format!("{agent} lives without an order"),
            );
        };
        let residue = self.random.chance(self.faults.residue);
        let mark = (self.owner().clone(), agent);
        let place = self.backends.entry(backend.clone()).or_default();
        place.ended(&mark, exit, residue);
        // What leaves something behind is not gone; that it ended shows in a list.
        let event = if residue {
            BackendEvent::Missed
        } else {
            BackendEvent::Gone(agent, exit)
        };
        self.emit(backend, event);
    }
}

/// What a destruction without effect is answered with.
fn stays(agent: AgentId) -> Trouble {
    Trouble {
        kind: TroubleKind::Transient,
        message: format!("{agent} does not want to go"),
    }
}
