//! A backend over a cluster, double or real, and a look at that cluster from outside.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

use std::sync::Arc;
use std::time::Duration;

use headcount_backend_kubernetes::{KubernetesBackend, KubernetesOptions, Pace};
use headcount_model::{
    AgentId, AgentKind, BackendEvent, ClusterAccess, ClusterAddress, Granted, HistoryLimits,
    KubernetesRecipe, LogPressure, OwnerId, Recipe, Secret,
};
use headcount_ports::agent_env::CallBack;
use headcount_ports::conformance::backend::Events;
use headcount_ports::{BackendError, CreateRequest, DestroyRequest};
use headcount_test_kubernetes::{Cluster, Kubelet};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const NAMESPACE: &str = "ci";

/// Fast where a real cluster is treated with care.
pub fn pace() -> Pace {
    Pace {
        requests_per_second: 1000,
        at_once: 64,
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(100),
    }
}

/// A double, and one owner's backend over it.
pub struct House {
    pub cluster: Cluster,
    pub events: Arc<Events>,
    pub dir: TempDir,
}

impl House {
    pub async fn open(kubelet: Kubelet) -> Self {
        let cluster = Cluster::start(kubelet).await;
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("config"), cluster.kubeconfig(NAMESPACE)).expect("a file");
        Self {
            cluster,
            events: Arc::new(Events::default()),
            dir,
        }
    }

    pub fn options(&self) -> KubernetesOptions {
        options(&self.dir, "one")
    }

    pub fn backend(&self) -> Arc<KubernetesBackend> {
        KubernetesBackend::new(self.options(), self.events.clone())
    }

    /// A backend whose watches are up, and a worker whose pod waits for the test.
    pub async fn with_agent(kubelet: Kubelet) -> (Self, Arc<KubernetesBackend>, String) {
        let house = Self::open(kubelet).await;
        let backend = house.backend();
        house.make(&backend, request(agent(1))).await;
        let job = house.jobs().remove(0);
        (house, backend, job)
    }

    pub async fn make(&self, backend: &KubernetesBackend, request: CreateRequest) {
        self.try_make(backend, request).await.expect("it is made");
    }

    pub async fn try_make(
        &self,
        backend: &KubernetesBackend,
        request: CreateRequest,
    ) -> Result<(), BackendError> {
        use headcount_ports::Backend;
        within(backend.create(request)).await
    }

    pub async fn end(
        &self,
        backend: &KubernetesBackend,
        agent: AgentId,
        grace: Duration,
    ) -> Result<(), BackendError> {
        use headcount_ports::Backend;
        within(backend.destroy(DestroyRequest { agent, grace })).await
    }

    /// The names of all Jobs, in order.
    pub fn jobs(&self) -> Vec<String> {
        self.names("jobs")
    }

    pub fn names(&self, resource: &str) -> Vec<String> {
        let all = self.cluster.all(resource).into_iter();
        all.map(|it| it["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    pub async fn told(&self, event: BackendEvent) {
        self.events.wait_for(event).await;
    }

    /// Until the double was asked this so often.
    pub async fn asked(&self, verb: &str, resource: &str, times: usize) {
        let what = format!("asked to {verb} {resource} {times} times");
        let enough = |cluster: &Cluster| cluster.count(verb, resource) >= times;
        self.cluster.until(&what, enough).await;
    }
}

pub fn options(dir: &TempDir, owner: &str) -> KubernetesOptions {
    KubernetesOptions {
        cluster: address(&dir.path().join("config").display().to_string()),
        owner: OwnerId::new(owner),
        call_back: CallBack::new(Ok("wss://headcount:7118".to_owned())),
        forwarded: [].into(),
        owned_by: None,
        pace: pace(),
    }
}

pub fn address(kubeconfig: &str) -> ClusterAddress {
    ClusterAddress {
        access: ClusterAccess::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: None,
        },
        namespace: None,
    }
}

/// A template whose pod runs this.
pub fn template(script: &str) -> Value {
    json!({"backoffLimit": 0, "template": {"spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "main", "image": "busybox:1", "command": ["sh", "-c", script]}],
    }}})
}

pub fn recipe(template: &Value) -> KubernetesRecipe {
    KubernetesRecipe {
        cluster: ClusterAddress::default(),
        template: template.to_string(),
        container: None,
        agent_url: None,
        pending_conditions: Vec::new(),
        history: HistoryLimits::default(),
        rollout: headcount_model::Rollout::Gradual,
        labels: [].into(),
        annotations: [].into(),
    }
}

/// A worker that goes on until it is ended.
pub fn request(agent: AgentId) -> CreateRequest {
    request_of(agent, recipe(&template("sleep 600")))
}

pub fn request_of(agent: AgentId, recipe: KubernetesRecipe) -> CreateRequest {
    CreateRequest {
        agent,
        owner: OwnerId::new("one"),
        pool: "tests/linux+x".into(),
        scaler: "tests".into(),
        kind: AgentKind::Worker,
        labels: "linux,x".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::Kubernetes(recipe)),
        token: None,
    }
}

pub fn managed(agent: AgentId) -> CreateRequest {
    CreateRequest {
        kind: AgentKind::Managed,
        token: Some(Secret::new("hunter2".to_owned())),
        ..request(agent)
    }
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

pub async fn within<T>(effect: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(Duration::from_secs(30), effect).await;
    answer.expect("a backend answers in time")
}
