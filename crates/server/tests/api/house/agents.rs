//! Twins of a backend, its instances and the agents in them.
//!
//! What a job does is its program's name: `print TEXT...`, `exit CODE`, `binary`, and
//! `hold`, which prints a line and runs until it is released or cancelled. A pool with
//! the label `slow` makes instances that never register, one with `broken` makes none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use headcount_controller::{Clock, digest};
use headcount_model::{
    AgentId, Answer, BackendEvent, BackendId, Command, Exit, Instance, InstanceState, JobId,
    LeasedInstance, LinkEvent, Listing, OtherEnd, Outcome, PoolName, Secret,
};
use headcount_ports::{
    AgentLink, AssignRequest, Backend, BackendError, BackendInbox, BackendPromises, CreateRequest,
    DestroyRequest, LinkError, LinkInbox, LogBook, LogChunk, ReapOtherRequest, Stream,
};
use tokio::sync::oneshot;

use super::TestQueue;

pub(crate) struct TestAgents(Arc<Inner>);

struct Inner {
    backend: Arc<dyn BackendInbox>,
    link: Arc<dyn LinkInbox>,
    logs: Arc<dyn LogBook>,
    queue: Arc<TestQueue>,
    clock: Clock,
    instances: Mutex<BTreeMap<AgentId, PoolName>>,
    others: Mutex<Vec<LeasedInstance>>,
    held: Mutex<BTreeMap<JobId, oneshot::Sender<Outcome>>>,
}

impl TestAgents {
    pub(crate) fn new<I>(
        inbox: Arc<I>,
        logs: Arc<dyn LogBook>,
        queue: Arc<TestQueue>,
        clock: Clock,
    ) -> Self
    where
        I: BackendInbox + LinkInbox + 'static,
    {
        Self(Arc::new(Inner {
            backend: inbox.clone(),
            link: inbox,
            logs,
            queue,
            clock,
            instances: Mutex::default(),
            others: Mutex::default(),
            held: Mutex::default(),
        }))
    }

    /// Another owner has this here.
    pub(crate) fn plant(&self, other: LeasedInstance) {
        self.0.others.lock().unwrap().push(other);
    }

    /// What other owners have here.
    pub(crate) fn others(&self) -> Vec<LeasedInstance> {
        self.0.others.lock().unwrap().clone()
    }

    /// Prints more of a job that holds.
    pub(crate) async fn print(&self, job: &str, number: u64, text: &str) {
        let job = job.parse().unwrap();
        self.0.print(job, 1, number, text.as_bytes()).await;
    }

    /// Lets a job that holds end with this code.
    pub(crate) fn release(&self, job: &str, code: i32) {
        let outcome = Outcome::Exited(Exit::Code(code));
        self.0.end_held(job.parse().unwrap(), outcome);
    }
}

impl Inner {
    async fn print(&self, job: JobId, attempt: u32, number: u64, bytes: &[u8]) {
        let chunk = LogChunk {
            number,
            at: self.clock.now(),
            stream: Stream::Out,
            bytes: bytes.to_vec(),
        };
        let appended = self.logs.append(job, attempt, 1 << 20, vec![chunk]).await;
        appended.unwrap();
        self.queue.ring();
    }

    async fn run(&self, request: AssignRequest) {
        let (agent, attempt) = (request.agent, request.attempt);
        let job = request.work.job;
        let claim = LinkEvent::Claimed {
            agent,
            job,
            attempt,
        };
        if self.link.post(claim).await != Answer::Applied {
            return;
        }
        self.queue.ring();
        let outcome = self.execute(job, attempt, &request.work.command).await;
        let finished = LinkEvent::Finished {
            agent,
            job,
            attempt,
            outcome,
        };
        self.link.post(finished).await;
    }

    async fn execute(&self, job: JobId, attempt: u32, command: &Command) -> Outcome {
        let Command::Argv(argv) = command else {
            return Outcome::NotStarted("no shell here".to_owned());
        };
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["print", texts @ ..] => {
                for (number, text) in (1..).zip(texts) {
                    self.print(job, attempt, number, text.as_bytes()).await;
                }
                Outcome::Exited(Exit::Code(0))
            }
            ["exit", code] => Outcome::Exited(Exit::Code(code.parse().unwrap())),
            ["binary"] => {
                self.print(job, attempt, 1, b"\xff\x00").await;
                Outcome::Exited(Exit::Code(0))
            }
            ["hold"] => {
                let (release, released) = oneshot::channel();
                self.held.lock().unwrap().insert(job, release);
                self.print(job, attempt, 1, b"holding\n").await;
                released.await.unwrap()
            }
            other => Outcome::NotStarted(format!("{other:?}: not found")),
        }
    }

    fn end_held(&self, job: JobId, outcome: Outcome) {
        if let Some(held) = self.held.lock().unwrap().remove(&job) {
            held.send(outcome).unwrap();
        }
    }
}

#[async_trait]
impl Backend for TestAgents {
    fn id(&self) -> BackendId {
        BackendId::new("bare-metal")
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: false,
        }
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        let labels: Vec<_> = request.labels.split(',').collect();
        if labels.contains(&"broken") {
            return Err(BackendError::Invalid("no such program".to_owned()));
        }
        let instances = &self.0.instances;
        instances
            .lock()
            .unwrap()
            .insert(request.agent, request.pool);
        if labels.contains(&"slow") {
            return Ok(());
        }
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let session = Secret::new(request.agent.to_string());
            let registered = LinkEvent::Registered {
                agent: request.agent,
                token: digest(&request.token.unwrap()),
                session: digest(&session),
            };
            inner.link.post(registered).await;
        });
        Ok(())
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        let instances = self.0.instances.lock().unwrap();
        let instances = instances.iter().map(|(agent, pool)| Instance {
            agent: *agent,
            pool: pool.clone(),
            state: InstanceState::Running,
        });
        Ok(Listing {
            instances: instances.collect(),
        })
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        self.0.instances.lock().unwrap().remove(&request.agent);
        Ok(())
    }

    async fn list_others(&self) -> Result<Vec<LeasedInstance>, BackendError> {
        Ok(self.others())
    }

    async fn reap_other(&self, request: ReapOtherRequest) -> Result<OtherEnd, BackendError> {
        let mut others = self.0.others.lock().unwrap();
        let before = others.len();
        others.retain(|other| *other != request.seen);
        match others.len() < before {
            true => Ok(OtherEnd::Gone),
            false => Ok(OtherEnd::Spared),
        }
    }

    async fn last_output(&self, agent: AgentId, _: usize) -> Vec<String> {
        vec![format!("{agent}: cannot start")]
    }
}

#[async_trait]
impl AgentLink for TestAgents {
    async fn assign(&self, request: AssignRequest) -> Result<(), LinkError> {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move { inner.run(request).await });
        Ok(())
    }

    async fn cancel(&self, _: AgentId, job: JobId, _: u32) -> Result<(), LinkError> {
        self.0.end_held(job, Outcome::Cancelled);
        Ok(())
    }

    async fn drain(&self, agent: AgentId) -> Result<(), LinkError> {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            inner.instances.lock().unwrap().remove(&agent);
            let gone = BackendEvent::Gone(agent, Exit::Code(0));
            let backend = BackendId::new("bare-metal");
            inner.backend.post(&backend, gone).await;
        });
        Ok(())
    }

    async fn forget(&self, _: AgentId) {}
}
