//! A queue that tells the truth, and can fall silent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use headcount_controller::Inbox;
use headcount_model::{
    ClassCount, ClassKey, Command, Demand, JobEnd, JobId, JobWork, SourceEvent, SourceId, Taken,
    TakenJob, Timestamp,
};
use headcount_ports::{Source, SourceError, SourceInbox};
use tokio::sync::watch;

use super::fleet::SOURCE;

pub struct TestSource {
    answers: watch::Sender<bool>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    sample: u64,
    last_job: u64,
    waiting: BTreeMap<ClassKey, VecDeque<JobId>>,
    taken: BTreeMap<JobId, ClassKey>,
    ended: BTreeMap<JobId, JobEnd>,
    refreshes: usize,
    takes: usize,
    completions: usize,
}

impl Queue {
    fn count(&self, class: &ClassKey) -> ClassCount {
        let waiting = self.waiting.get(class).map_or(0, VecDeque::len);
        ClassCount {
            waiting: waiting as u64,
            oldest: (waiting > 0).then_some(Timestamp::ZERO),
            next_expiry: None,
        }
    }
}

impl TestSource {
    pub fn new() -> Self {
        Self {
            answers: watch::Sender::new(true),
            queue: Mutex::default(),
        }
    }

    /// Every call waits until [`Self::answer`]; what is dropped before has done nothing.
    pub fn fall_silent(&self) {
        self.answers.send_replace(false);
    }

    pub fn answer(&self) {
        self.answers.send_replace(true);
    }

    /// Accepts `n` jobs and tells how their class stands.
    pub async fn submit(&self, inbox: &Inbox, class: &ClassKey, n: u64) {
        let event = {
            let mut queue = self.queue.lock().unwrap();
            for _ in 0..n {
                queue.last_job += 1;
                let job = JobId(queue.last_job);
                queue
                    .waiting
                    .entry(class.clone())
                    .or_default()
                    .push_back(job);
            }
            queue.sample += 1;
            SourceEvent::Demand {
                sample: queue.sample,
                class: class.clone(),
                count: queue.count(class),
            }
        };
        SourceInbox::post(inbox, &self.id(), event).await;
    }

    pub fn refreshes(&self) -> usize {
        self.queue.lock().unwrap().refreshes
    }

    pub fn takes(&self) -> usize {
        self.queue.lock().unwrap().takes
    }

    /// How often it was told of an end.
    pub fn completions(&self) -> usize {
        self.queue.lock().unwrap().completions
    }

    pub fn ended(&self) -> BTreeMap<JobId, JobEnd> {
        self.queue.lock().unwrap().ended.clone()
    }

    async fn spoken(&self) {
        let mut answers = self.answers.subscribe();
        answers.wait_for(|answers| *answers).await.unwrap();
    }
}

#[async_trait]
impl Source for TestSource {
    fn id(&self) -> SourceId {
        SourceId::new(SOURCE)
    }

    async fn refresh(&self) -> Result<Demand, SourceError> {
        self.queue.lock().unwrap().refreshes += 1;
        self.spoken().await;
        let queue = self.queue.lock().unwrap();
        let classes = queue.waiting.iter().filter(|(_, line)| !line.is_empty());
        Ok(Demand {
            sample: queue.sample,
            classes: classes
                .map(|(class, _)| (class.clone(), queue.count(class)))
                .collect(),
        })
    }

    async fn take(&self, class: &ClassKey, n: u32) -> Result<Taken, SourceError> {
        self.queue.lock().unwrap().takes += 1;
        self.spoken().await;
        let mut queue = self.queue.lock().unwrap();
        let line = queue.waiting.entry(class.clone()).or_default();
        let n = line.len().min(n as usize);
        let jobs: Vec<JobId> = line.drain(..n).collect();
        queue
            .taken
            .extend(jobs.iter().map(|job| (*job, class.clone())));
        queue.sample += 1;
        let taken = jobs.into_iter().map(|job| TakenJob {
            job,
            attempts: 0,
            deliveries: 0,
            retries_left: 0,
            timeout: None,
        });
        Ok(Taken {
            jobs: taken.collect(),
            sample: queue.sample,
            class_after: queue.count(class),
        })
    }

    async fn work(&self, job: JobId) -> Result<JobWork, SourceError> {
        self.spoken().await;
        Ok(JobWork {
            job,
            name: None,
            command: Command::Argv(vec!["true".to_owned()]),
            env: BTreeMap::new(),
            working_dir: None,
            timeout: None,
            grace: Duration::from_secs(1),
            log_limit_bytes: 1024,
            log_pressure: None,
        })
    }

    async fn give_back(&self, job: JobId, _: u32, _: u32) -> Result<(), SourceError> {
        self.spoken().await;
        let mut queue = self.queue.lock().unwrap();
        if let Some(class) = queue.taken.remove(&job) {
            queue.waiting.entry(class).or_default().push_front(job);
        }
        Ok(())
    }

    async fn complete(&self, job: JobId, end: &JobEnd, _: Timestamp) -> Result<(), SourceError> {
        self.queue.lock().unwrap().completions += 1;
        self.spoken().await;
        let mut queue = self.queue.lock().unwrap();
        queue.taken.remove(&job);
        let before = queue.ended.insert(job, end.clone());
        assert!(
            before.is_none_or(|before| before == *end),
            "{job} ended twice"
        );
        Ok(())
    }

    async fn expire(&self, _: &ClassKey, _: Timestamp) -> Result<(), SourceError> {
        Ok(())
    }

    async fn fail_class(
        &self,
        class: &ClassKey,
        end: &JobEnd,
        _: Timestamp,
    ) -> Result<(), SourceError> {
        let mut queue = self.queue.lock().unwrap();
        for job in queue.waiting.remove(class).unwrap_or_default() {
            queue.ended.insert(job, end.clone());
        }
        Ok(())
    }
}
