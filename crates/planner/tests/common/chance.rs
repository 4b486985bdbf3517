//! What may happen to a world, valid or nonsense, drawn by chance.

use std::time::Duration;

use headcount_model::{
    AgentPhase, Answer, BackendEvent, BackendId, Exit, LinkEvent, Outcome, PoolName, SourceEvent,
    TroubleKind,
};
use headcount_planner::{Answered, JobPhase, Link, News, Operator};
use proptest::prelude::*;

use super::answers::refused;
use super::names::number;
use super::{Scenario, agent, class, digest, job, source};

/// Fleets that reloads go between. All keep within six agents and eight CPUs.
pub const FLEETS: [&str; 5] = [
    "fleet max=6 cpu=8000 jobs=3
     shared shared cpu=3000
     scaler d max=3 labels=linux,docker
       pool labels=linux,node20 slots=2 jobs=3 keep=1
     scaler g gate=gpu priority=5 machine=shared max=2 labels=linux,gpu idle=30 request-cpu=1000
     scaler w max=2 worker=/bin/w labels=work keep=1
     scaler q max=3 worker=/bin/q labels=queue queue=backlog min=1 most=2",
    "fleet max=6 cpu=8000 jobs=3
     scaler d max=2 labels=linux,docker agent=/other
       pool labels=linux,node20 slots=2 jobs=3 keep=2 idle=60
     scaler w max=2 worker=/bin/w labels=work
     scaler q max=3 worker=/bin/q labels=queue queue=list strategy=accurate most=2",
    "fleet max=6 cpu=6000
     shared shared cpu=2500
     scaler n max=6 labels=linux,node20 keep=6 request-cpu=500
     scaler g gate=gpu priority=5 machine=shared max=2 labels=linux,gpu request-cpu=1000",
    "fleet max=6 cpu=8000 jobs=3
     scaler n max=5 labels=linux,node20 slots=2 jobs=3 keep=3 idle=20 scale=0.5 scale-min=1 growth=2
     scaler d max=3 labels=linux,docker growth=1
     scaler w max=2 worker=/bin/w labels=work keep=1",
    "fleet max=6 cpu=8000 jobs=3
     scaler n max=5 labels=linux,node20 jobs=3 keep=3 idle=20 scale=0.5 growth=2 gitlab
     scaler d max=4 labels=linux,docker keep=2 idle=5 jobs=2 gitlab
     scaler g gate=gpu max=2 labels=linux,gpu idle=30 gitlab",
];

/// The pool with triggers, where a fleet has one.
pub const QUEUE: &str = "q/queue";

const CLASSES: [&str; 8] = [
    "linux",
    "linux,docker",
    "linux,gpu",
    "windows",
    "linux,cpu:2000",
    "linux,prio:3,cpu:99000",
    "node*",
    "/linux|work/,!gp?",
];

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    Plan,
    Submit(u8, u8),
    SubmitRetrying(u8),
    SubmitExpiring(u8),
    Ok(u8),
    OkAll,
    Fail(u8, u8),
    CreateLost(u8),
    Register(u8),
    RegisterBadly(u8),
    Claim(u8),
    Decline(u8),
    Finish(u8, u8),
    Disconnect(u8),
    ComeBack(u8),
    Leave(u8),
    Gone(u8),
    Running(u8),
    Missed,
    SourceSilent,
    Cancel(u8),
    Drain(u8, bool),
    Configure(u8),
    Restart(u8),
    Seconds(u16),
    Wake,
    /// Other daemons hold so many CPUs of the shared ledger.
    Peers(u8),
    Nonsense(u8, u8),
    /// A person cordons an agent, or ends that.
    Cordon(u8, bool),
    /// A backend does not remove an agent for so many tries.
    Stuck(u8, u8),
    /// A queue says this; whether its reader tells.
    Queue(u8, bool),
}

pub fn event() -> impl Strategy<Value = Event> {
    use Event as E;
    prop_oneof![
        12 => Just(E::Plan),
        6 => (any::<u8>(), 1..4_u8).prop_map(|(c, n)| E::Submit(c, n)),
        2 => any::<u8>().prop_map(E::SubmitRetrying),
        1 => any::<u8>().prop_map(E::SubmitExpiring),
        10 => any::<u8>().prop_map(E::Ok),
        8 => Just(E::OkAll),
        3 => any::<(u8, u8)>().prop_map(|(n, k)| E::Fail(n, k)),
        1 => any::<u8>().prop_map(E::CreateLost),
        8 => any::<u8>().prop_map(E::Register),
        1 => any::<u8>().prop_map(E::RegisterBadly),
        6 => any::<u8>().prop_map(E::Claim),
        1 => any::<u8>().prop_map(E::Decline),
        5 => any::<(u8, u8)>().prop_map(|(n, o)| E::Finish(n, o)),
        2 => any::<u8>().prop_map(E::Disconnect),
        2 => any::<u8>().prop_map(E::ComeBack),
        1 => any::<u8>().prop_map(E::Leave),
        2 => any::<u8>().prop_map(E::Gone),
        1 => any::<u8>().prop_map(E::Running),
        1 => Just(E::Missed),
        1 => Just(E::SourceSilent),
        2 => any::<u8>().prop_map(E::Cancel),
        1 => any::<(u8, bool)>().prop_map(|(p, d)| E::Drain(p, d)),
        1 => any::<(u8, bool)>().prop_map(|(n, undo)| E::Cordon(n, undo)),
        1 => (any::<u8>(), 1..14_u8).prop_map(|(n, tries)| E::Stuck(n, tries)),
        1 => any::<u8>().prop_map(E::Configure),
        1 => any::<u8>().prop_map(E::Restart),
        3 => (0..400_u16).prop_map(E::Seconds),
        3 => Just(E::Wake),
        1 => (0..5_u8).prop_map(E::Peers),
        2 => any::<(u8, u8)>().prop_map(|(a, b)| E::Nonsense(a, b)),
        4 => any::<(u8, bool)>().prop_map(|(n, told)| E::Queue(n, told)),
    ]
}

/// `n` as an index into what there is, if there is anything.
fn pick<T>(from: Vec<T>, n: u8) -> Option<T> {
    let len = from.len();
    from.into_iter().nth(usize::from(n) % len.max(1))
}

impl Scenario {
    pub fn happen(&mut self, event: Event) {
        use Event as E;
        match event {
            E::Plan => drop(self.plan()),
            E::Submit(c, n) => drop(self.jobs(class_of(c), u64::from(n))),
            E::SubmitRetrying(c) => {
                self.jobs_with(class_of(c), 1, |queued| queued.info.retries_left = 2);
            }
            E::SubmitExpiring(c) => {
                let at = self.now.after(Duration::from_secs(100));
                self.jobs_with(class_of(c), 1, |queued| queued.expires = Some(at));
            }
            E::Ok(n) => {
                if let Some(order) = pick(self.orders(), n) {
                    self.ok(&order);
                }
            }
            E::OkAll => drop(self.ok_all()),
            E::Fail(n, kind) => self.fails(n, kind),
            E::CreateLost(n) => self.create_lost(n),
            E::Seconds(n) => drop(self.wait(Duration::from_secs(n.into()))),
            E::Peers(cpus) => self.peers(3000, u64::from(cpus) * 1000),
            E::Wake => {
                if let Some(wake) = self.last.wake_at {
                    self.now = self.now.max(wake.at);
                }
            }
            other => self.happens_outside(other),
        }
    }

    fn happens_outside(&mut self, event: Event) {
        use Event as E;
        match event {
            E::Missed => drop(self.missed()),
            E::SourceSilent => {
                let silent = SourceEvent::Unknown("gone quiet".to_owned());
                self.tell(News::Source(source(), silent));
            }
            E::Cancel(n) => {
                let taken = self.outside.taken.keys().map(|id| id.0).collect();
                if let Some(id) = pick(taken, n) {
                    self.cancel(id);
                }
            }
            E::Drain(n, drain) => {
                let pools = self.world.pools().map(|pool| pool.name.clone()).collect();
                if let Some(pool) = pick(pools, n) {
                    self.operator(match drain {
                        true => Operator::Drain(pool),
                        false => Operator::Undrain(pool),
                    });
                }
            }
            E::Configure(n) => {
                self.fleet = usize::from(n) % FLEETS.len();
                self.configure(FLEETS[self.fleet]);
            }
            E::Restart(n) => {
                // Some of what was ordered last was carried out, and nobody heard.
                for action in std::mem::take(&mut self.outside.pending) {
                    if n.is_multiple_of(2) && action.to_string().starts_with("create") {
                        self.outside.carry_out(action, self.now);
                    }
                }
                *self = self.restart(FLEETS[self.fleet]);
            }
            E::Cordon(n, undo) => {
                if let Some(number) = pick(self.alive(|_| true), n) {
                    self.cordon(number, undo);
                }
            }
            E::Stuck(n, tries) => self.is_stuck(n, tries),
            E::Nonsense(a, b) => self.nonsense(a, b),
            E::Queue(n, told) => self.queue_says(n, told),
            other => self.agent_does(other),
        }
    }

    fn queue_says(&mut self, n: u8, told: bool) {
        let said = ["0", "1", "3+0+0", "1+2+0", "0+1+1", "?", "60"];
        self.outside
            .queues
            .says(QUEUE, said[usize::from(n) % said.len()]);
        if told {
            self.push(QUEUE);
        }
    }

    fn agent_does(&mut self, event: Event) {
        use Event as E;
        match event {
            E::Register(n) => {
                if let Some(number) = pick(self.alive(|phase| phase == AgentPhase::Starting), n) {
                    self.register(number);
                }
            }
            E::RegisterBadly(n) => {
                if let Some(number) = pick(self.alive(|_| true), n) {
                    let answer = self.tell(News::Link(LinkEvent::Registered {
                        agent: agent(number),
                        token: digest(255),
                        session: digest(255),
                    }));
                    assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
                }
            }
            E::Claim(n) => {
                if let Some((number, id, attempt)) = pick(self.offers(), n) {
                    self.claim(number, id, attempt);
                }
            }
            E::Decline(n) => {
                if let Some((number, id, attempt)) = pick(self.offers(), n) {
                    self.decline(number, id, attempt);
                }
            }
            E::Finish(n, outcome) => {
                let running = self.outside.running.clone().into_iter().collect();
                if let Some((id, by)) = pick(running, n) {
                    let attempt = self.world.job(id).map_or(1, |job| job.attempt());
                    self.finish(number(by), id.0, attempt, outcome_of(outcome));
                }
            }
            E::Disconnect(n) => {
                if let Some(number) = pick(self.linked(), n) {
                    self.disconnect(number);
                }
            }
            E::ComeBack(n) => {
                if let Some(number) = pick(self.alive(|phase| phase >= AgentPhase::Ready), n)
                    && matches!(
                        self.world.agent(agent(number)).unwrap().link(),
                        Link::Down(_)
                    )
                {
                    self.comes_back(number);
                }
            }
            E::Leave(n) => {
                if let Some(number) = pick(self.linked(), n) {
                    self.leaving(number);
                }
            }
            E::Gone(n) => {
                if let Some(number) = pick(self.alive(|_| true), n) {
                    self.gone(number, Exit::Code(i32::from(n % 2)));
                }
            }
            E::Running(n) => {
                if let Some(number) = pick(self.alive(|_| true), n) {
                    self.running(number);
                }
            }
            other => unreachable!("{other:?} is not an agent's"),
        }
    }

    fn orders(&self) -> Vec<String> {
        self.outside
            .pending
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn fails(&mut self, n: u8, kind: u8) {
        use TroubleKind as K;
        let kinds = [
            K::Transient,
            K::NoCapacity(Some(Duration::from_secs(20))),
            K::Invalid,
            K::Transient,
        ];
        if let Some(order) = pick(self.orders(), n) {
            self.fail(&order, kinds[usize::from(kind) % kinds.len()]);
        }
    }

    /// A destruction fails so many times, as soon as it is tried again.
    fn is_stuck(&mut self, n: u8, tries: u8) {
        let orders = self.orders().into_iter();
        let ends = orders.filter(|order| order.starts_with("destroy"));
        let Some(order) = pick(ends.collect(), n) else {
            return;
        };
        let agent = order.split([' ', ':']).nth(1).unwrap().to_owned();
        for _ in 0..tries {
            let again = self.orders().into_iter();
            let start = format!("destroy {agent}:");
            let Some(order) = again.into_iter().find(|order| order.starts_with(&start)) else {
                return;
            };
            self.fail(&order, TroubleKind::Unknown);
            self.wait(Duration::from_secs(61));
            self.plan();
        }
    }

    /// A creation of which nobody knows whether it worked; every second one did.
    fn create_lost(&mut self, n: u8) {
        let orders = self.orders().into_iter();
        let creations = orders.filter(|order| order.starts_with("create")).collect();
        let Some(order) = pick(creations, n) else {
            return;
        };
        let action = self.take_pending(&order);
        if n.is_multiple_of(2) {
            self.outside.carry_out(action.clone(), self.now);
        }
        self.tell(News::Answered(refused(&action, TroubleKind::Unknown)));
    }

    /// Agents whose instance exists, in such a phase.
    fn alive(&self, phase: impl Fn(AgentPhase) -> bool) -> Vec<u32> {
        let exists = |agent: &&headcount_planner::Agent| {
            let at = (agent.record().backend.clone(), agent.id());
            self.outside.instances.contains_key(&at)
        };
        let agents = self.world.agents().filter(exists);
        agents
            .filter(|agent| phase(agent.phase()))
            .map(|agent| number(agent.id()))
            .collect()
    }

    fn linked(&self) -> Vec<u32> {
        let agents = self.world.agents().filter(|agent| agent.link() == Link::Up);
        agents.map(|agent| number(agent.id())).collect()
    }

    /// Jobs that connected agents have heard of and not claimed.
    fn offers(&self) -> Vec<(u32, u64, u32)> {
        let jobs = self.world.jobs().filter(|job| {
            let agent = self.world.agent(job.agent());
            let up = agent.is_some_and(|agent| agent.link() == Link::Up);
            up && *job.phase() == JobPhase::Assigned
        });
        jobs.map(|job| (number(job.agent()), job.info().job.0, job.attempt()))
            .collect()
    }

    /// News that nobody honest would tell. None of it may do harm.
    fn nonsense(&mut self, a: u8, b: u8) {
        let (number, id) = (u32::from(a % 12), u64::from(b % 12));
        let news = match a % 10 {
            0 => News::Answered(Answered::Take(id + 500, Ok(self.outside_take()))),
            1 => News::Answered(Answered::Settle(job(id + 500), Ok(()))),
            2 => News::Answered(Answered::Release(agent(number + 500), Ok(()))),
            3 => News::Answered(Answered::EndWaiting(class("nobody"), Ok(()))),
            4 => News::Link(LinkEvent::Claimed {
                agent: agent(number + 500),
                job: job(id),
                attempt: 1,
            }),
            5 => News::Link(LinkEvent::Finished {
                agent: agent(number + 500),
                job: job(id),
                attempt: 9,
                outcome: Outcome::TimedOut,
            }),
            6 => News::Backend(
                BackendId::new("elsewhere"),
                BackendEvent::Gone(agent(number + 500), Exit::Unknown),
            ),
            7 => News::Operator(Operator::Drain(PoolName::new("no/such"))),
            8 => News::Minted(agent(number + 500), digest(a)),
            _ => News::Source(source(), SourceEvent::CancelRequested(job(id + 500))),
        };
        self.tell(news);
    }

    /// A taking that nobody asked for; its number is made up too.
    fn outside_take(&self) -> headcount_model::Taken {
        headcount_model::Taken {
            jobs: Vec::new(),
            sample: 0,
            class_after: headcount_model::ClassCount::default(),
        }
    }

    pub fn uncordon_all(&mut self) {
        for number in self.alive(|_| true) {
            self.cordon(number, true);
        }
    }

    /// Work that waits although it has room waits for something.
    pub fn assert_awaited(&self) {
        use headcount_model::Reason as R;
        let hopeless = |reason| matches!(reason, R::NoMatchingPool | R::PoolDraining | R::Stopping);
        let shares = self.last.report.classes.iter().flat_map(|c| &c.shares);
        let waits = shares.clone().any(|share| !hopeless(share.reason));
        let runs = self
            .world
            .jobs()
            .any(|job| *job.phase() == JobPhase::Running);
        let awaited = !self.outside.pending.is_empty() || self.last.wake_at.is_some() || runs;
        assert!(
            awaited || !waits,
            "jobs wait for nothing: {:?}\n{}",
            self.last.report.classes,
            self.agents()
        );
    }
}

fn class_of(n: u8) -> &'static str {
    CLASSES[usize::from(n) % CLASSES.len()]
}

fn outcome_of(n: u8) -> Outcome {
    match n % 5 {
        0 => Outcome::Exited(Exit::Code(1)),
        1 => Outcome::TimedOut,
        2 => Outcome::NotStarted("no such program".to_owned()),
        _ => Outcome::Exited(Exit::Code(0)),
    }
}
