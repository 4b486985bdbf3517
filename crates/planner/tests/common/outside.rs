//! What is outside: a queue, a host with instances, and orders that wait for an answer.

use std::collections::{BTreeMap, VecDeque};

use headcount_model::{
    AgentId, BackendId, ClassCount, ClassKey, Demand, Instance, InstanceState, JobEnd, JobId,
    Listing, OwnerId, PoolName, Resources, Settlement, SourceEvent, Taken, TakenJob, Timestamp,
    Trouble, TroubleKind, Unreserved,
};
use headcount_planner::{Action, Answered, News};

use super::names::source;
use super::others::Leased;
use super::queues::Queues;

/// A job in the queue.
#[derive(Clone, Debug)]
pub struct Queued {
    pub info: TakenJob,
    pub accepted: Timestamp,
    pub expires: Option<Timestamp>,
}

/// A shared ledger.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    pub cap: Resources,
    pub others: Resources,
}

/// The world around the planner, which always tells the truth.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    pub waiting: BTreeMap<ClassKey, VecDeque<Queued>>,
    pub taken: BTreeMap<JobId, (ClassKey, Queued)>,
    pub ended: BTreeMap<JobId, JobEnd>,
    pub instances: BTreeMap<(BackendId, AgentId), (PoolName, InstanceState)>,
    /// Orders of plans that took effect and were not answered.
    pub pending: Vec<Action>,
    /// Who truly runs what: granted, not ended, its instance alive.
    pub running: BTreeMap<JobId, AgentId>,
    /// What other daemons hold in every shared ledger, and the cap there; absent is
    /// without end.
    pub shared: Option<Shared>,
    /// What is ours in shared ledgers.
    pub booked: BTreeMap<AgentId, Resources>,
    /// What triggers would say.
    pub queues: Queues,
    pub sample: u64,
    /// Instances of other owners.
    pub others: BTreeMap<(OwnerId, AgentId), Leased>,
    next_job: u64,
}

impl Outside {
    /// Accepts `n` jobs and tells how their class stands.
    pub fn submit(
        &mut self,
        class: &ClassKey,
        n: u64,
        now: Timestamp,
        mend: impl Fn(&mut Queued),
    ) -> News {
        for _ in 0..n {
            self.next_job += 1;
            let mut queued = Queued {
                info: TakenJob {
                    job: JobId(self.next_job),
                    attempts: 0,
                    deliveries: 0,
                    retries_left: 0,
                    timeout: None,
                },
                accepted: now,
                expires: None,
            };
            mend(&mut queued);
            let line = self.waiting.entry(class.clone()).or_default();
            line.push_back(queued);
        }
        self.changed(class)
    }

    /// How the class stands, as an event.
    pub fn changed(&mut self, class: &ClassKey) -> News {
        self.sample += 1;
        let event = SourceEvent::Demand {
            sample: self.sample,
            class: class.clone(),
            count: self.count(class),
        };
        News::Source(source(), event)
    }

    pub fn count(&self, class: &ClassKey) -> ClassCount {
        let line = self.waiting.get(class);
        let line = || line.into_iter().flatten();
        ClassCount {
            waiting: line().count() as u64,
            oldest: line().map(|q| q.accepted).min(),
            next_expiry: line().filter_map(|q| q.expires).min(),
        }
    }

    pub fn demand(&self) -> Demand {
        let classes = self.waiting.iter().filter(|(_, line)| !line.is_empty());
        Demand {
            sample: self.sample,
            classes: classes
                .map(|(key, _)| (key.clone(), self.count(key)))
                .collect(),
        }
    }

    pub fn listing(&self, backend: &BackendId) -> Listing {
        let mine = self.instances.iter().filter(|((b, _), _)| b == backend);
        Listing {
            instances: mine
                .map(|((_, agent), (pool, state))| Instance {
                    agent: *agent,
                    pool: pool.clone(),
                    state: *state,
                })
                .collect(),
        }
    }

    /// Does what is asked, and answers; what follows from it is told before.
    pub fn carry_out(&mut self, action: Action, now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        let answer = match action {
            Action::List { backend, .. } => {
                let listing = self.listing(&backend);
                Answered::List(backend, Ok(listing))
            }
            Action::Refresh { source, .. } => Answered::Refresh(source, Ok(self.demand())),
            Action::Sample { pool, .. } => {
                let sample = self.queues.sample(&pool, now);
                Answered::Sample(pool, sample)
            }
            Action::Reserve(order) => {
                let amount = order.granted.requests.times(order.slots.into());
                Answered::Reserve(order.agent, self.reserve(order.agent, amount))
            }
            Action::Release { agent, .. } => {
                self.booked.remove(&agent);
                Answered::Release(agent, Ok(()))
            }
            Action::Create(order) => {
                let what = (order.pool, InstanceState::Running);
                self.instances.insert((order.backend, order.agent), what);
                Answered::Create(order.agent, Ok(()))
            }
            Action::Destroy { agent, backend, .. } => {
                self.ends(&backend, agent);
                Answered::Destroy(agent, Ok(()))
            }
            Action::Reap { agent, backend, .. } => {
                self.ends(&backend, agent);
                Answered::Reap(backend, agent, Ok(()))
            }
            Action::ListOthers { backend, .. } => {
                let listed = self.others.values().map(|other| other.instance.clone());
                Answered::ListOthers(backend, Ok(listed.collect()))
            }
            Action::ReapOther { seen, backend, .. } => {
                let end = self.reap_other(&seen);
                Answered::ReapOther(backend, seen.owner, seen.agent, Ok(end))
            }
            Action::Drain { agent, .. } => Answered::Drain(agent, Ok(())),
            Action::Assign { job, attempt, .. } => Answered::Assign(job, attempt, Ok(())),
            Action::Cancel { job, attempt, .. } => Answered::Cancel(job, attempt, Ok(())),
            Action::Take {
                take, key, agents, ..
            } => Answered::Take(take, Ok(self.take(&key, agents.len()))),
            Action::Settle {
                job,
                settlement,
                attempts,
                deliveries,
                ..
            } => {
                news.extend(self.settle(job, settlement, attempts, deliveries));
                Answered::Settle(job, Ok(()))
            }
            Action::EndWaiting { key, end, .. } => {
                self.end_waiting(&key, &end, now);
                news.push(self.changed(&key));
                Answered::EndWaiting((*key).clone(), Ok(()))
            }
        };
        news.push(News::Answered(answer));
        news
    }

    /// The instance is gone, and whatever it ran with it.
    pub fn ends(&mut self, backend: &BackendId, agent: AgentId) {
        self.instances.remove(&(backend.clone(), agent));
        self.stops(agent);
    }

    /// The agent runs nothing any more.
    pub fn stops(&mut self, agent: AgentId) {
        self.running.retain(|_, by| *by != agent);
    }

    /// The agent was granted a job: nobody else may be running it.
    pub fn granted(&mut self, agent: AgentId, job: JobId) {
        let before = self.running.insert(job, agent);
        let twice = before.is_some_and(|by| by != agent);
        assert!(!twice, "{job} runs on {before:?} and on {agent}");
    }

    pub fn held_by(&self, agent: AgentId) -> Vec<JobId> {
        let mine = self.running.iter().filter(|(_, by)| **by == agent);
        mine.map(|(job, _)| *job).collect()
    }

    fn reserve(&mut self, agent: AgentId, amount: Resources) -> Result<(), Unreserved> {
        let own = self.booked.values();
        let own = own.fold(Resources::ZERO, |sum, row| sum.plus(*row));
        match self.shared {
            Some(Shared { cap, others })
                if own.plus(others).plus(amount).cpu_millis > cap.cpu_millis =>
            {
                let trouble = Trouble {
                    kind: TroubleKind::NoCapacity(None),
                    message: "no room".to_owned(),
                };
                let others = Some(others);
                Err(Unreserved { trouble, others })
            }
            _ => {
                self.booked.insert(agent, amount);
                Ok(())
            }
        }
    }

    pub fn take(&mut self, class: &ClassKey, n: usize) -> Taken {
        let mut jobs = Vec::new();
        for _ in 0..n {
            let line = self.waiting.get_mut(class);
            let Some(queued) = line.and_then(VecDeque::pop_front) else {
                break;
            };
            jobs.push(queued.info.clone());
            let job = queued.info.job;
            self.taken.insert(job, (class.clone(), queued));
        }
        self.sample += 1;
        Taken {
            jobs,
            sample: self.sample,
            class_after: self.count(class),
        }
    }

    fn settle(
        &mut self,
        job: JobId,
        settlement: Settlement,
        attempts: u32,
        deliveries: u32,
    ) -> Option<News> {
        let (class, mut queued) = self.taken.remove(&job)?;
        match settlement {
            Settlement::Complete(end) => {
                let before = self.ended.insert(job, end);
                assert_eq!(before, None, "{job} ended twice");
                return None;
            }
            Settlement::Retry => queued.info.retries_left -= 1,
            Settlement::Return => {}
        }
        queued.info.attempts = attempts;
        queued.info.deliveries = deliveries;
        let line = self.waiting.entry(class.clone()).or_default();
        line.push_front(queued);
        Some(self.changed(&class))
    }

    fn end_waiting(&mut self, class: &ClassKey, end: &JobEnd, now: Timestamp) {
        let Some(line) = self.waiting.get_mut(class) else {
            return;
        };
        let over = |q: &Queued| *end != JobEnd::Expired || q.expires.is_some_and(|at| at <= now);
        for queued in line.iter().filter(|q| over(q)) {
            self.ended.insert(queued.info.job, end.clone());
        }
        line.retain(|q| !over(q));
    }
}
