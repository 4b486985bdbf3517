//! The queue: jobs from acceptance to end, and what really became of each.
//!
//! Promise: what is durable of a job survives a kill of the daemon; that it was taken
//! does not. A job that has an end keeps it. Samples grow with every change.

use std::collections::{BTreeMap, BTreeSet};

use headcount_model::{
    AgentId, ClassCount, ClassKey, Demand, JobEnd, JobId, Outcome, Taken, TakenJob, Timestamp,
};

use crate::scenario::JobSpec;

#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) all: BTreeMap<JobId, Job>,
    keys: BTreeMap<u64, JobId>,
    /// Jobs that wait and are not taken, oldest first. Gone with the daemon.
    waiting: BTreeMap<ClassKey, Line>,
    sample: u64,
    /// How many jobs have not ended.
    pub(crate) open: usize,
    /// What each agent really runs.
    running: BTreeMap<AgentId, BTreeSet<JobId>>,
}

/// Jobs of one class that wait; ids grow in order of acceptance.
#[derive(Debug, Default)]
struct Line {
    ids: BTreeSet<JobId>,
    expiries: BTreeSet<(Timestamp, JobId)>,
}

/// A job as it really is.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Index of what was submitted.
    pub(crate) spec: usize,
    pub(crate) class: ClassKey,
    pub(crate) accepted_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) deliveries: u32,
    pub(crate) end: Option<JobEnd>,
    pub(crate) executions: Vec<Execution>,
    pub(crate) cancel_asked: bool,
}

/// One time an agent really ran it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Execution {
    pub(crate) attempt: u32,
    pub(crate) agent: AgentId,
    pub(crate) ended_at: Option<Timestamp>,
    /// How it ended, unless its agent died first.
    pub(crate) outcome: Option<Outcome>,
    /// Whether the daemon said that it recorded how it ended.
    pub(crate) recorded: bool,
}

impl Jobs {
    /// Accepts a job, durably; a known key is the job it was.
    pub(crate) fn submit(&mut self, index: usize, spec: &JobSpec, now: Timestamp) -> (JobId, bool) {
        if let Some(known) = self.keys.get(&spec.key) {
            return (*known, false);
        }
        let id = JobId(self.all.len() as u64 + 1);
        self.keys.insert(spec.key, id);
        let job = Job {
            spec: index,
            class: spec.class.clone(),
            accepted_at: now,
            expires_at: spec.expires_after.map(|after| now.after(after)),
            attempts: 0,
            deliveries: 0,
            end: None,
            executions: Vec::new(),
            cancel_asked: false,
        };
        self.all.insert(id, job);
        self.open += 1;
        self.wait(id);
        (id, true)
    }

    /// An agent really begins to run it.
    pub(crate) fn run_starts(&mut self, id: JobId, attempt: u32, agent: AgentId) {
        if let Some(job) = self.all.get_mut(&id) {
            job.executions.push(Execution {
                attempt,
                agent,
                ended_at: None,
                outcome: None,
                recorded: false,
            });
            self.running.entry(agent).or_default().insert(id);
        }
    }

    /// That run ends: like this, or with the life of its agent.
    pub(crate) fn run_ends(
        &mut self,
        (id, attempt): (JobId, u32),
        agent: AgentId,
        outcome: Option<Outcome>,
        now: Timestamp,
    ) {
        let runs = self.all.get_mut(&id).map(|job| &mut job.executions);
        let mut mine = runs.into_iter().flatten().filter(|run| run.agent == agent);
        if let Some(run) = mine.find(|run| run.attempt == attempt && run.ended_at.is_none()) {
            run.ended_at = Some(now);
            run.outcome = outcome;
        }
        if let Some(ids) = self.running.get_mut(&agent) {
            ids.remove(&id);
            if ids.is_empty() {
                self.running.remove(&agent);
            }
        }
    }

    /// Jobs that this agent really runs.
    pub(crate) fn running_on(&self, agent: AgentId) -> impl Iterator<Item = JobId> {
        self.running.get(&agent).into_iter().flatten().copied()
    }

    /// Agents that really run something.
    pub(crate) fn working(&self) -> impl Iterator<Item = AgentId> {
        self.running.keys().copied()
    }

    pub(crate) fn known(&self, key: u64) -> Option<JobId> {
        self.keys.get(&key).copied()
    }

    /// The daemon starts: what has no end and is not held by an attempt waits.
    pub(crate) fn restart(&mut self, held: impl Fn(JobId) -> bool) {
        self.waiting.clear();
        let open = self.all.iter().filter(|(_, job)| job.end.is_none());
        let open: Vec<JobId> = open.map(|(id, _)| *id).collect();
        for id in open.into_iter().filter(|id| !held(*id)) {
            self.wait(id);
        }
    }

    fn wait(&mut self, id: JobId) {
        self.sample += 1;
        if let Some(job) = self.all.get(&id) {
            let line = self.waiting.entry(job.class.clone()).or_default();
            line.ids.insert(id);
            line.expiries.extend(job.expires_at.map(|at| (at, id)));
        }
    }

    pub(crate) fn is_waiting(&self, id: JobId) -> bool {
        let class = self
            .all
            .get(&id)
            .and_then(|job| self.waiting.get(&job.class));
        class.is_some_and(|line| line.ids.contains(&id))
    }

    /// How a class stands, and the sample that says so.
    pub(crate) fn count(&self, class: &ClassKey) -> (ClassCount, u64) {
        let Some(line) = self.waiting.get(class) else {
            return (ClassCount::default(), self.sample);
        };
        let oldest = line.ids.first().and_then(|id| self.all.get(id));
        let count = ClassCount {
            waiting: line.ids.len() as u64,
            oldest: oldest.map(|job| job.accepted_at),
            next_expiry: line.expiries.first().map(|(at, _)| *at),
        };
        (count, self.sample)
    }

    pub(crate) fn demand(&self) -> Demand {
        let classes = self.waiting.keys();
        Demand {
            sample: self.sample,
            classes: classes
                .map(|class| (class.clone(), self.count(class).0))
                .collect(),
        }
    }

    /// Hands out the oldest. `retries` says how many further attempts a job asks for.
    pub(crate) fn take(&mut self, class: &ClassKey, n: usize, specs: &[JobSpec]) -> Taken {
        let mut jobs = Vec::new();
        while jobs.len() < n
            && let Some(id) = self.oldest(class)
        {
            self.leave_line(id);
            jobs.extend(self.all.get(&id).map(|job| hand_out(id, job, specs)));
        }
        let (class_after, sample) = self.count(class);
        Taken {
            jobs,
            sample,
            class_after,
        }
    }

    /// Sabotage: what has ended is handed out once more.
    pub(crate) fn repeat_ended(&self, taken: &mut Taken, n: usize, specs: &[JobSpec]) {
        let ended = self.all.iter().filter(|(_, job)| job.end.is_some());
        let again = ended.map(|(id, job)| hand_out(*id, job, specs));
        let room = n.saturating_sub(taken.jobs.len());
        taken.jobs.extend(again.take(room));
    }

    fn oldest(&self, class: &ClassKey) -> Option<JobId> {
        self.waiting.get(class)?.ids.first().copied()
    }

    /// It no longer waits. Says whether it did.
    fn leave_line(&mut self, id: JobId) -> bool {
        let Some(job) = self.all.get(&id) else {
            return false;
        };
        let Some(line) = self.waiting.get_mut(&job.class) else {
            return false;
        };
        let waited = line.ids.remove(&id);
        if let Some(at) = job.expires_at {
            line.expiries.remove(&(at, id));
        }
        if line.ids.is_empty() {
            self.waiting.remove(&job.class);
        }
        self.sample += u64::from(waited);
        waited
    }

    /// Puts a taken job back to its place. Says whether that is new.
    pub(crate) fn give_back(&mut self, id: JobId, attempts: u32, deliveries: u32) -> bool {
        let Some(job) = self.all.get_mut(&id).filter(|job| job.end.is_none()) else {
            return false;
        };
        job.attempts = attempts;
        job.deliveries = deliveries;
        if self.is_waiting(id) {
            return false;
        }
        self.wait(id);
        true
    }

    /// Records an end. The end it had before, if it had one, stays.
    pub(crate) fn end(&mut self, id: JobId, end: &JobEnd) -> Option<JobEnd> {
        let job = self.all.get_mut(&id)?;
        if job.end.is_some() {
            return job.end.clone();
        }
        job.end = Some(end.clone());
        self.open -= 1;
        self.leave_line(id);
        None
    }

    /// Ends waiting jobs of a class that `ends` says should. Says which.
    pub(crate) fn end_waiting(
        &mut self,
        class: &ClassKey,
        end: &JobEnd,
        ends: impl Fn(&Job) -> bool,
    ) -> Vec<JobId> {
        let line = self.waiting.get(class);
        let waiting = line.into_iter().flat_map(|line| &line.ids).copied();
        let ending = waiting.filter(|id| self.all.get(id).is_some_and(&ends));
        let ending: Vec<JobId> = ending.collect();
        for id in &ending {
            self.end(*id, end);
        }
        ending
    }
}

fn hand_out(id: JobId, job: &Job, specs: &[JobSpec]) -> TakenJob {
    let spec = specs.get(job.spec);
    let retries = spec.map_or(0, |spec| spec.retries);
    TakenJob {
        job: id,
        attempts: job.attempts,
        deliveries: job.deliveries,
        retries_left: retries.saturating_sub(job.attempts),
        timeout: spec.and_then(|spec| spec.timeout),
    }
}
