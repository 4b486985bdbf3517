//! A host with instances, which can fall silent.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use headcount_model::{AgentId, BackendId, Instance, InstanceState, Listing, PoolName, Secret};
use headcount_ports::{Backend, BackendError, BackendPromises, CreateRequest, DestroyRequest};
use tokio::sync::watch;
use tokio::time::Instant;

use super::fleet::BACKEND;

pub struct TestBackend {
    answers: watch::Sender<bool>,
    host: Mutex<Host>,
}

#[derive(Default)]
struct Host {
    instances: BTreeMap<AgentId, PoolName>,
    creates: Vec<CreateRequest>,
    destroys: Vec<(AgentId, Instant)>,
    lists: usize,
    under_way: usize,
    most_under_way: usize,
}

/// Counts an effect as under way until it ends or is dropped.
struct UnderWay<'a>(&'a TestBackend);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.host.lock().unwrap().under_way -= 1;
    }
}

impl TestBackend {
    pub fn new() -> Self {
        Self {
            answers: watch::Sender::new(true),
            host: Mutex::default(),
        }
    }

    /// Every call waits until [`Self::answer`]; what is dropped before has done nothing.
    pub fn fall_silent(&self) {
        self.answers.send_replace(false);
    }

    pub fn answer(&self) {
        self.answers.send_replace(true);
    }

    /// An instance of ours that was not made in this test.
    pub fn plant(&self, agent: AgentId, pool: &str) {
        let mut host = self.host.lock().unwrap();
        host.instances.insert(agent, PoolName::new(pool));
    }

    pub fn instances(&self) -> Vec<AgentId> {
        self.host
            .lock()
            .unwrap()
            .instances
            .keys()
            .copied()
            .collect()
    }

    pub fn creates(&self) -> Vec<CreateRequest> {
        self.host.lock().unwrap().creates.clone()
    }

    /// The token an agent was made with.
    pub fn token(&self, agent: AgentId) -> Secret {
        let creates = self.creates();
        let request = creates.iter().find(|request| request.agent == agent);
        request.unwrap().token.clone().unwrap()
    }

    pub fn destroys(&self) -> Vec<(AgentId, Instant)> {
        self.host.lock().unwrap().destroys.clone()
    }

    pub fn lists(&self) -> usize {
        self.host.lock().unwrap().lists
    }

    pub fn most_under_way(&self) -> usize {
        self.host.lock().unwrap().most_under_way
    }

    async fn spoken(&self) {
        let mut answers = self.answers.subscribe();
        answers.wait_for(|answers| *answers).await.unwrap();
    }

    fn begin(&self, note: impl FnOnce(&mut Host)) -> UnderWay<'_> {
        let mut host = self.host.lock().unwrap();
        note(&mut host);
        host.under_way += 1;
        host.most_under_way = host.most_under_way.max(host.under_way);
        UnderWay(self)
    }
}

#[async_trait]
impl Backend for TestBackend {
    fn id(&self) -> BackendId {
        BackendId::new(BACKEND)
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: true,
        }
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        let (agent, pool) = (request.agent, request.pool.clone());
        let _under_way = self.begin(|host| host.creates.push(request));
        self.spoken().await;
        self.host.lock().unwrap().instances.insert(agent, pool);
        Ok(())
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        self.host.lock().unwrap().lists += 1;
        self.spoken().await;
        let host = self.host.lock().unwrap();
        let instances = host.instances.iter().map(|(agent, pool)| Instance {
            agent: *agent,
            pool: pool.clone(),
            state: InstanceState::Running,
        });
        Ok(Listing {
            instances: instances.collect(),
        })
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        let _under_way = self.begin(|host| host.destroys.push((request.agent, Instant::now())));
        self.spoken().await;
        self.host.lock().unwrap().instances.remove(&request.agent);
        Ok(())
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        vec![format!("last words of {agent}, at most {max_lines} lines")]
    }
}
