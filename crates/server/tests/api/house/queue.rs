//! A twin of the built-in queue, over any job book.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as Plain};
use std::time::Duration;

use async_trait::async_trait;
use headcount_controller::Clock;
use headcount_model::{
    ClassCount, ClassKey, Demand, JobEnd, JobId, JobWork, SourceEvent, SourceId, Taken, TakenJob,
    Timestamp,
};
use headcount_ports::{
    JobBook, JobStatus, NewJob, QueuedJob, Source, SourceError, SourceInbox, StoreError, Submitted,
};
use headcount_server::{CancelRefused, Cancelled, JobDefaults, JobWatch, Queue, SubmitRefused};
use tokio::sync::{Mutex, watch};

pub(crate) struct TestQueue {
    book: Arc<dyn JobBook>,
    inbox: Arc<dyn SourceInbox>,
    clock: Clock,
    state: Mutex<State>,
    waiting: Plain<Vec<(JobId, ClassKey)>>,
    bell: watch::Sender<()>,
    /// What the next submission is refused for.
    pub(crate) refuse: Plain<Option<SubmitRefused>>,
    /// Whether no more jobs may be watched.
    pub(crate) blind: Plain<bool>,
}

#[derive(Default)]
struct State {
    sample: u64,
    taken: BTreeSet<JobId>,
}

impl TestQueue {
    pub(crate) fn new(book: Arc<dyn JobBook>, inbox: Arc<dyn SourceInbox>, clock: Clock) -> Self {
        Self {
            book,
            inbox,
            clock,
            state: Mutex::default(),
            waiting: Plain::default(),
            bell: watch::channel(()).0,
            refuse: Plain::default(),
            blind: Plain::default(),
        }
    }

    /// Tells everybody who watches a job to look again.
    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    async fn waiting(&self, state: &State) -> Vec<(ClassKey, QueuedJob)> {
        let queued = self.book.queued(&source()).await.unwrap();
        let waiting = queued.into_iter();
        let waiting = waiting.filter(|job| !state.taken.contains(&job.job));
        waiting.map(|job| (class(&job), job)).collect()
    }

    /// Every class that has or had jobs, as it stands now, under a new sample.
    async fn demand(&self, state: &mut State) -> Demand {
        state.sample += 1;
        let waiting = self.waiting(state).await;
        let order = waiting.iter().map(|(class, job)| (job.job, class.clone()));
        *self.waiting.lock().unwrap() = order.collect();
        let classes: BTreeSet<_> = waiting.iter().map(|(class, _)| class.clone()).collect();
        let counted = classes.into_iter();
        Demand {
            sample: state.sample,
            classes: counted
                .map(|class| (class.clone(), count(&waiting, &class)))
                .collect(),
        }
    }

    async fn post(&self, class: ClassKey) {
        let mut state = self.state.lock().await;
        let demand = self.demand(&mut state).await;
        let found = demand.classes.into_iter().find(|(key, _)| *key == class);
        let event = SourceEvent::Demand {
            sample: demand.sample,
            class,
            count: found.map(|(_, count)| count).unwrap_or_default(),
        };
        self.inbox.post(&source(), event).await;
        self.ring();
    }

    async fn end_waiting(&self, class: &ClassKey, end: &JobEnd, due: Option<Timestamp>) {
        let state = self.state.lock().await;
        let waiting = self.waiting(&state).await;
        let ends = waiting.into_iter().filter(|(key, job)| {
            key == class && due.is_none_or(|now| job.expires_at.is_some_and(|at| at <= now))
        });
        let ends = ends.map(|(_, job)| (job.job, end.clone())).collect();
        self.book.end(ends, self.clock.now()).await.unwrap();
    }
}

fn source() -> SourceId {
    SourceId::new("queue")
}

fn class(job: &QueuedJob) -> ClassKey {
    ClassKey {
        source: source(),
        runs_on: job.runs_on.clone(),
        exclude: job.exclude.clone(),
        resources: job.resources,
        priority: job.priority,
    }
}

fn count(waiting: &[(ClassKey, QueuedJob)], class: &ClassKey) -> ClassCount {
    let jobs = || waiting.iter().filter(|(key, _)| key == class).map(|w| &w.1);
    ClassCount {
        waiting: jobs().count() as u64,
        oldest: jobs().map(|job| job.accepted_at).min(),
        next_expiry: jobs().filter_map(|job| job.expires_at).min(),
    }
}

#[async_trait]
impl Queue for TestQueue {
    fn source(&self) -> SourceId {
        source()
    }

    fn defaults(&self) -> JobDefaults {
        JobDefaults {
            grace: Duration::from_secs(10),
            log_limit_bytes: 1 << 20,
        }
    }

    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, SubmitRefused> {
        if let Some(refused) = self.refuse.lock().unwrap().take() {
            return Err(refused);
        }
        if let Some(index) = jobs.iter().position(|job| job.retries > 100) {
            return Err(SubmitRefused::Invalid {
                index,
                field: "retries".to_owned(),
                message: format!("at most 100, not {}", jobs[index].retries),
            });
        }
        let classes: BTreeSet<_> = jobs.iter().map(|job| job.class()).collect();
        let submitted = self.book.submit(jobs, self.clock.now()).await;
        let submitted = submitted.map_err(|error| match error {
            StoreError::Conflict(why) => SubmitRefused::KeyConflict(why),
            error => SubmitRefused::Unavailable(error.to_string()),
        })?;
        for class in classes {
            self.post(class).await;
        }
        Ok(submitted)
    }

    async fn cancel(&self, job: JobId) -> Result<Cancelled, CancelRefused> {
        let record = self.book.get(job).await.unwrap();
        let record = record.ok_or(CancelRefused::NotFound(job))?;
        if record.status.is_ended() {
            return Ok(Cancelled::Ended);
        }
        let taken = self.state.lock().await.taken.contains(&job);
        if taken || record.status != JobStatus::Queued {
            let event = SourceEvent::CancelRequested(job);
            self.inbox.post(&source(), event).await;
            return Ok(Cancelled::Requested);
        }
        let end = JobEnd::Cancelled { outcome: None };
        let ends = vec![(job, end)];
        self.book.end(ends, self.clock.now()).await.unwrap();
        self.post(record.spec.class()).await;
        Ok(Cancelled::Ended)
    }

    fn ahead_of(&self, job: JobId) -> Option<u64> {
        let waiting = self.waiting.lock().unwrap();
        let (_, class) = waiting.iter().find(|(id, _)| *id == job)?;
        let before = waiting.iter().filter(|(id, key)| *id < job && key == class);
        Some(before.count() as u64)
    }

    fn watch(&self, _: JobId) -> Result<Box<dyn JobWatch>, StoreError> {
        if *self.blind.lock().unwrap() {
            return Err(StoreError::Busy("0 jobs can be watched".to_owned()));
        }
        Ok(Box::new(Watch(self.bell.subscribe())))
    }
}

struct Watch(watch::Receiver<()>);

#[async_trait]
impl JobWatch for Watch {
    async fn changed(&mut self) -> Result<(), StoreError> {
        let changed = self.0.changed().await;
        changed.map_err(|_| StoreError::Broken("closed".to_owned()))
    }
}

#[async_trait]
impl Source for TestQueue {
    fn id(&self) -> SourceId {
        source()
    }

    async fn refresh(&self) -> Result<Demand, SourceError> {
        let mut state = self.state.lock().await;
        Ok(self.demand(&mut state).await)
    }

    async fn take(&self, class: &ClassKey, n: u32) -> Result<Taken, SourceError> {
        let mut state = self.state.lock().await;
        let waiting = self.waiting(&state).await;
        let jobs = waiting.into_iter().filter(|(key, _)| key == class);
        let jobs: Vec<_> = jobs.map(|(_, job)| job).take(n as usize).collect();
        state.taken.extend(jobs.iter().map(|job| job.job));
        let demand = self.demand(&mut state).await;
        let after = demand.classes.into_iter().find(|(key, _)| key == class);
        Ok(Taken {
            jobs: jobs.iter().map(taken).collect(),
            sample: demand.sample,
            class_after: after.map(|(_, count)| count).unwrap_or_default(),
        })
    }

    async fn work(&self, job: JobId) -> Result<JobWork, SourceError> {
        let record = self.book.get(job).await.unwrap().unwrap();
        let spec = record.spec;
        Ok(JobWork {
            job,
            name: spec.name,
            command: spec.command,
            env: spec.env,
            working_dir: spec.working_dir,
            timeout: spec.timeout,
            grace: spec.grace,
            log_limit_bytes: spec.log_limit_bytes,
            log_pressure: spec.log_pressure,
        })
    }

    async fn give_back(&self, job: JobId, attempts: u32, n: u32) -> Result<(), SourceError> {
        self.book.requeue(job, attempts, n).await.unwrap();
        self.state.lock().await.taken.remove(&job);
        let record = self.book.get(job).await.unwrap().unwrap();
        self.post(record.spec.class()).await;
        Ok(())
    }

    async fn complete(&self, job: JobId, end: &JobEnd, at: Timestamp) -> Result<(), SourceError> {
        self.book.end(vec![(job, end.clone())], at).await.unwrap();
        self.state.lock().await.taken.remove(&job);
        self.ring();
        Ok(())
    }

    async fn expire(&self, class: &ClassKey, now: Timestamp) -> Result<(), SourceError> {
        self.end_waiting(class, &JobEnd::Expired, Some(now)).await;
        self.post(class.clone()).await;
        Ok(())
    }

    async fn fail_class(
        &self,
        class: &ClassKey,
        end: &JobEnd,
        _: Timestamp,
    ) -> Result<(), SourceError> {
        self.end_waiting(class, end, None).await;
        self.post(class.clone()).await;
        Ok(())
    }
}

fn taken(job: &QueuedJob) -> TakenJob {
    TakenJob {
        job: job.job,
        attempts: job.attempts,
        deliveries: job.deliveries,
        retries_left: job.retries_left,
        timeout: job.timeout,
    }
}
