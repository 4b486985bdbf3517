//! One world and its clock, told what happens and asked for plans.

use std::time::Duration;

use headcount_model::{
    AgentId, AgentPhase, Answer, BackendEvent, BackendId, Exit, Held, InstanceState, LinkEvent,
    Outcome, Resources, SourceEvent, Timestamp, Timetable, Trouble, TroubleKind,
};
use headcount_planner::{
    Action, Answered, News, Operator, Plan, Restored, World, check_plan, check_world, observe, plan,
};

use super::answers::{refused, session_of, token_of};
use super::names::{EPOCH, OWNER, agent, class, digest, job, number, source};
use super::{Outside, Queued, Shared, fleet, lines};

/// Scenarios start here, in milliseconds.
const START: u64 = 1_000_000;

#[derive(Clone)]
pub struct Scenario {
    pub world: World,
    pub outside: Outside,
    pub now: Timestamp,
    pub last: Plan,
    /// Which of the fleets of chance is in force.
    pub fleet: usize,
    /// Of the daemon that runs.
    pub epoch: u64,
    /// As the ledger keeps it.
    pub drained: Vec<headcount_model::PoolName>,
    /// As the ledger keeps it.
    pub spent: Vec<headcount_model::TimeSpent>,
}

impl Scenario {
    /// A daemon that just started: nothing has answered yet.
    pub fn started(fleet_text: &str) -> Self {
        Self::restored(fleet_text, Vec::new(), Vec::new())
    }

    /// A daemon that just started and whose ledger kept these.
    pub fn restored(
        fleet_text: &str,
        agents: Vec<headcount_model::AgentRecord>,
        attempts: Vec<headcount_model::AttemptRecord>,
    ) -> Self {
        let mut scenario = Self {
            world: World::new(),
            outside: Outside::default(),
            now: Timestamp::from_millis(START),
            last: Plan::default(),
            fleet: 0,
            epoch: EPOCH,
            drained: Vec::new(),
            spent: Vec::new(),
        };
        let restored = Restored {
            owner: OWNER.into(),
            epoch: EPOCH,
            sources: vec![source().into()],
            agents,
            attempts,
            drained_pools: Vec::new(),
        };
        scenario.tell(News::Restored(Box::new(restored)));
        scenario.configure(fleet_text);
        scenario
    }

    /// A daemon whose source keeps the jobs that nobody could ever serve, and has answered.
    pub fn keeping_hopeless(fleet_text: &str) -> Self {
        let mut scenario = Self::started(fleet_text);
        let mut source = headcount_planner::WiredSource::from(source());
        source.keeps_hopeless = true;
        let restored = Restored {
            owner: OWNER.into(),
            epoch: EPOCH,
            sources: vec![source],
            agents: Vec::new(),
            attempts: Vec::new(),
            drained_pools: Vec::new(),
        };
        scenario.world = World::new();
        scenario.tell(News::Restored(Box::new(restored)));
        scenario.configure(fleet_text);
        scenario.plan();
        scenario
    }

    /// A daemon whose backends and sources have answered.
    pub fn new(fleet_text: &str) -> Self {
        let mut scenario = Self::started(fleet_text);
        scenario.plan();
        scenario.ok_all();
        scenario
    }

    pub fn configure(&mut self, fleet_text: &str) -> Answer {
        let fleet = fleet(fleet_text);
        self.outside.queues.configure(&fleet);
        self.tell(News::Configured(Box::new(fleet)))
    }

    /// Takes in one piece of news; the world must stay consistent.
    pub fn tell(&mut self, news: News) -> Answer {
        let words = format!("{news:?}");
        let answer = observe(&mut self.world, news, self.now);
        assert_eq!(check_world(&self.world), [], "after {words}");
        answer
    }

    /// Which schedules of a pool are in force when, by seconds of the scenario, and from
    /// when on that is not known.
    pub fn timetable(&mut self, pool: &str, turns: &[(u64, Option<usize>)], ends: u64) -> Answer {
        let at = |seconds: u64| Timestamp::from_millis(START + seconds * 1000);
        let table = Timetable {
            turns: turns.iter().map(|(from, n)| (at(*from), *n)).collect(),
            ends: at(ends),
        };
        self.tell(News::Timetable(headcount_model::PoolName::new(pool), table))
    }

    /// The reader of triggers tells what they say now.
    pub fn push(&mut self, pool: &str) -> Answer {
        let pool = headcount_model::PoolName::new(pool);
        match self.outside.queues.sample(&pool, self.now) {
            Ok(sample) => self.tell(News::Sampled(pool, sample)),
            Err(_) => Answer::Known,
        }
    }

    /// Seconds since the start of the scenario.
    pub fn at(&mut self, seconds: u64) -> &mut Self {
        let at = Timestamp::from_millis(START + seconds * 1000);
        assert!(at >= self.now, "time never goes backwards");
        self.now = at;
        self
    }

    pub fn wait(&mut self, span: Duration) -> &mut Self {
        self.now = self.now.after(span);
        self
    }

    /// Goes to the moment the last plan asked to be woken at.
    pub fn wake(&mut self) -> &mut Self {
        let wake = self.last.wake_at.expect("an alarm is set");
        self.now = wake.at;
        self
    }

    /// Plans, takes the plan into effect, and returns it as text.
    pub fn plan(&mut self) -> String {
        let made = plan(&self.world, self.now);
        assert_eq!(made, plan(&self.world, self.now), "the same world twice");
        assert_eq!(check_plan(&self.world, &made), [], "in {made:#?}");
        let text = lines(&self.world, &made, self.now);
        self.outside.pending.extend(made.actions.iter().cloned());
        self.take_effect(&made);
        self.last = made;
        self.assert_settled();
        text
    }

    fn take_effect(&mut self, made: &Plan) {
        let effect = (made.actions.clone(), made.report.clone());
        self.tell(News::Planned(Box::new(effect)));
        for action in &made.actions {
            if let Action::Create(order) = action
                && order.kind == headcount_model::AgentKind::Managed
            {
                let token = digest(token_of(order.agent));
                self.tell(News::Minted(order.agent, token));
            }
        }
        let changes = self.world.take_changes();
        self.spent.extend(changes.time_spent);
        if let Some(drained) = changes.drained_pools {
            self.drained = drained;
        }
    }

    /// Without news and time there is nothing more to do.
    fn assert_settled(&mut self) {
        let next = plan(&self.world, self.now);
        assert_eq!(next.actions, [], "a second plan does something again");
        assert_eq!(check_plan(&self.world, &next), []);
    }

    /// The one pending order whose text starts so.
    pub fn take_pending(&mut self, start: &str) -> Action {
        let at = self
            .outside
            .pending
            .iter()
            .position(|action| action.to_string().starts_with(start));
        let Some(at) = at else {
            let pending = self.outside.pending.iter().map(ToString::to_string);
            panic!("no order {start:?} in {:?}", pending.collect::<Vec<_>>());
        };
        self.outside.pending.remove(at)
    }

    /// The order is carried out and answered.
    pub fn ok(&mut self, start: &str) -> &mut Self {
        let action = self.take_pending(start);
        for news in self.outside.carry_out(action, self.now) {
            self.tell(news);
        }
        self
    }

    pub fn ok_all(&mut self) -> &mut Self {
        for action in std::mem::take(&mut self.outside.pending) {
            for news in self.outside.carry_out(action, self.now) {
                self.tell(news);
            }
        }
        self
    }

    /// The order is not carried out, and answered so.
    pub fn fail(&mut self, start: &str, kind: TroubleKind) -> &mut Self {
        let action = self.take_pending(start);
        self.tell(News::Answered(refused(&action, kind)));
        self
    }

    /// Accepts jobs: see [`class`] for what `wants` may say.
    /// The shared ledger has this cap, and other daemons hold that much of it, in
    /// thousandths of a CPU.
    pub fn peers(&mut self, cap: u64, others: u64) {
        let cpu = |cpu_millis| Resources {
            cpu_millis,
            memory_bytes: 0,
        };
        self.outside.shared = Some(Shared {
            cap: cpu(cap),
            others: cpu(others),
        });
    }

    pub fn jobs(&mut self, wants: &str, n: u64) -> &mut Self {
        self.jobs_with(wants, n, |_| {})
    }

    pub fn jobs_with(&mut self, wants: &str, n: u64, mend: impl Fn(&mut Queued)) -> &mut Self {
        let news = self.outside.submit(&class(wants), n, self.now, mend);
        self.tell(news);
        self
    }

    pub fn register(&mut self, number: u32) -> Answer {
        self.tell(News::Link(LinkEvent::Registered {
            agent: agent(number),
            token: digest(token_of(agent(number))),
            session: digest(session_of(agent(number))),
        }))
    }

    pub fn resume(&mut self, number: u32, held: &[(u64, u32)]) -> Answer {
        self.resume_claiming(number, held, &[])
    }

    /// It is back, and some of its claims were not answered.
    pub fn resume_claiming(
        &mut self,
        number: u32,
        granted: &[(u64, u32)],
        claiming: &[(u64, u32)],
    ) -> Answer {
        let granted = granted.iter().map(|of| (of, true));
        let held = granted.chain(claiming.iter().map(|of| (of, false)));
        let held = held.map(|((id, attempt), granted)| Held {
            job: job(*id),
            attempt: *attempt,
            granted,
        });
        self.tell(News::Link(LinkEvent::Resumed {
            agent: agent(number),
            session: digest(session_of(agent(number))),
            held: held.collect(),
        }))
    }

    pub fn disconnect(&mut self, number: u32) -> Answer {
        self.tell(News::Link(LinkEvent::Disconnected(agent(number))))
    }

    pub fn leaving(&mut self, number: u32) -> Answer {
        self.tell(News::Link(LinkEvent::Leaving(agent(number))))
    }

    pub fn claim(&mut self, number: u32, id: u64, attempt: u32) -> Answer {
        let answer = self.tell(News::Link(LinkEvent::Claimed {
            agent: agent(number),
            job: job(id),
            attempt,
        }));
        if !matches!(answer, Answer::Refused(_)) {
            self.outside.granted(agent(number), job(id));
        }
        answer
    }

    pub fn decline(&mut self, number: u32, id: u64, attempt: u32) -> Answer {
        self.tell(News::Link(LinkEvent::Declined {
            agent: agent(number),
            job: job(id),
            attempt,
        }))
    }

    pub fn finish(&mut self, number: u32, id: u64, attempt: u32, outcome: Outcome) -> Answer {
        self.outside.running.remove(&job(id));
        self.tell(News::Link(LinkEvent::Finished {
            agent: agent(number),
            job: job(id),
            attempt,
            outcome,
        }))
    }

    pub fn exit(&mut self, number: u32, id: u64, attempt: u32, code: i32) -> Answer {
        self.finish(number, id, attempt, Outcome::Exited(Exit::Code(code)))
    }

    pub fn cancel(&mut self, id: u64) -> Answer {
        let event = SourceEvent::CancelRequested(job(id));
        self.tell(News::Source(source(), event))
    }

    /// The instance ends and nothing of it is left.
    pub fn gone(&mut self, number: u32, exit: Exit) -> Answer {
        let id = agent(number);
        let backend = self.backend_of(id);
        self.outside.ends(&backend, id);
        self.tell(News::Backend(backend, BackendEvent::Gone(id, exit)))
    }

    pub fn running(&mut self, number: u32) -> Answer {
        let event = BackendEvent::Running(agent(number));
        self.tell(News::Backend(BackendId::new("bare-metal"), event))
    }

    pub fn missed(&mut self) -> Answer {
        let backend = BackendId::new("bare-metal");
        self.tell(News::Backend(backend, BackendEvent::Missed))
    }

    fn backend_of(&self, id: AgentId) -> BackendId {
        let known = self.world.agent(id).map(|a| a.record().backend.clone());
        known.unwrap_or_else(|| BackendId::new("bare-metal"))
    }

    pub fn operator(&mut self, wish: Operator) -> Answer {
        self.tell(News::Operator(wish))
    }

    pub fn cordon(&mut self, number: u32, undo: bool) -> Answer {
        let agent = agent(number);
        self.operator(Operator::Cordon { agent, undo })
    }

    /// The order fails again and again, until its agent is quarantined.
    pub fn quarantine(&mut self, start: &str) -> &mut Self {
        for _ in 0..9 {
            self.fail(start, TroubleKind::Unknown).plan();
            self.wake().plan();
        }
        self.fail(start, TroubleKind::Unknown)
    }

    /// An instance of ours that no ledger knows.
    pub fn stranger(&mut self, number: u32, pool: &str) -> &mut Self {
        let at = (BackendId::new("bare-metal"), agent(number));
        let what = (headcount_model::PoolName::new(pool), InstanceState::Running);
        self.outside.instances.insert(at, what);
        self
    }

    /// Brings up agents for what waits, until each is ready: plan, create, register.
    pub fn bring_up(&mut self) -> &mut Self {
        self.plan();
        self.ok_all();
        for number in self.in_phase(AgentPhase::Starting) {
            assert_eq!(self.register(number), Answer::Applied);
        }
        self
    }

    /// Hands out what waits to agents that are ready, up to the claims.
    pub fn hand_out(&mut self) -> &mut Self {
        for _ in ["take", "assign"] {
            self.plan();
            self.ok_all();
        }
        self
    }

    /// All assigned jobs are claimed.
    pub fn claim_all(&mut self) -> &mut Self {
        let offered: Vec<_> = self
            .world
            .jobs()
            .filter(|job| *job.phase() == headcount_planner::JobPhase::Assigned)
            .map(|job| (number(job.agent()), job.info().job.0, job.attempt()))
            .collect();
        for (agent, job, attempt) in offered {
            assert_eq!(self.claim(agent, job, attempt), Answer::Applied);
        }
        self
    }

    /// Everything up to jobs that run.
    pub fn run(&mut self) -> &mut Self {
        self.bring_up().hand_out().claim_all()
    }

    pub fn in_phase(&self, phase: AgentPhase) -> Vec<u32> {
        let agents = self.world.agents().filter(|agent| agent.phase() == phase);
        agents.map(|agent| number(agent.id())).collect()
    }
}
