//! The suite every backend passes, on the double, and on the cluster that
//! `HEADCOUNT_TEST_KUBECONFIG` names.
//!
//! On a real cluster each check works in the namespace of the kubeconfig's context, needs
//! the rights of `packaging/kubernetes/rbac.yaml`, and pulls `busybox:1`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use headcount_backend_kubernetes::{KubernetesBackend, KubernetesOptions, Pace};
use headcount_model::{AgentId, BackendEvent, BackendId, InstanceState, Listing, OwnerId};
use headcount_ports::agent_env::CallBack;
use headcount_ports::conformance::backend::{Life, Rig, SHORT_EXIT, check_all};
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
};
use headcount_test_kubernetes::{Cluster, Kubelet};
use support::{address, pace, recipe, request_of, template};
use tempfile::TempDir;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_double_keeps_the_ports_promises() {
    let cluster = Cluster::start(Kubelet::automatic()).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    std::fs::write(&file, cluster.kubeconfig("ci")).unwrap();
    check_all(|| Place::new(&file.display().to_string(), pace())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_cluster_keeps_the_ports_promises() {
    let Ok(file) = std::env::var("HEADCOUNT_TEST_KUBECONFIG") else {
        return skip();
    };
    check_all(|| Place::new(&file, Pace::default())).await;
}

#[expect(
    clippy::print_stderr,
    reason = "who runs the tests must see what was not tested"
)]
fn skip() {
    eprintln!("skipped: HEADCOUNT_TEST_KUBECONFIG names no cluster");
}

/// A cluster, used by owners that no other place has.
struct Place {
    kubeconfig: String,
    pace: Pace,
    tag: String,
    _dir: TempDir,
}

static PLACES: AtomicU32 = AtomicU32::new(0);

impl Place {
    fn new(kubeconfig: &str, pace: Pace) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Other runs may have left something in a real cluster.
        let run = dir
            .path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .to_lowercase();
        let run: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Self {
            kubeconfig: kubeconfig.to_owned(),
            pace,
            tag: format!("{run}-{number}"),
            _dir: dir,
        }
    }

    fn owner(&self, name: &OwnerId) -> OwnerId {
        OwnerId::new(&format!("{}-{name}", self.tag))
    }

    async fn open(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<KubernetesBackend> {
        let options = KubernetesOptions {
            cluster: address(&self.kubeconfig),
            owner: self.owner(owner),
            call_back: CallBack::default(),
            forwarded: [].into(),
            owned_by: None,
            pace: self.pace,
        };
        KubernetesBackend::new(options, inbox)
    }
}

#[async_trait]
impl Rig for Place {
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend> {
        let told = Arc::new(Told {
            inbox,
            news: watch::Sender::new(0),
        });
        let backend = self.open(owner, told.clone()).await;
        Arc::new(Patient { backend, told })
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, life: Life) -> CreateRequest {
        let script = match life {
            Life::Long => "sleep 600".to_owned(),
            Life::Short => format!("exit {SHORT_EXIT}"),
        };
        let request = request_of(agent, recipe(&template(&script)));
        CreateRequest {
            owner: self.owner(owner),
            ..request
        }
    }

    async fn running(&self, agent: AgentId) -> usize {
        let config = kube::config::Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options)
            .await
            .unwrap();
        let namespace = config.default_namespace.clone();
        let client = kube::Client::try_from(config).unwrap();
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
            kube::Api::namespaced(client, &namespace);
        let selector = format!("headcount.agent={agent}");
        let params = kube::api::ListParams::default().labels(&selector);
        let pods = pods.list(&params).await.unwrap().items.into_iter();
        let owned = pods.filter(|pod| {
            let owner = pod
                .metadata
                .annotations
                .as_ref()
                .and_then(|it| it.get("headcount.owner"));
            owner.is_some_and(|owner| owner.starts_with(&self.tag))
        });
        let phases = owned.filter_map(|pod| pod.status?.phase);
        phases
            .filter(|phase| phase == "Running" || phase == "Pending")
            .count()
    }
}

/// A backend whose creations answer once what they made executes, as the suite expects of
/// backends that start what they make: a cluster takes its time.
struct Patient {
    backend: Arc<KubernetesBackend>,
    told: Arc<Told>,
}

/// Hands on what a backend tells, and says that there was something.
struct Told {
    inbox: Arc<dyn BackendInbox>,
    news: watch::Sender<u64>,
}

#[async_trait]
impl BackendInbox for Told {
    async fn post(&self, backend: &BackendId, event: BackendEvent) {
        self.inbox.post(backend, event).await;
        self.news.send_modify(|count| *count += 1);
    }
}

#[async_trait]
impl Backend for Patient {
    fn id(&self) -> BackendId {
        self.backend.id()
    }

    fn promises(&self) -> BackendPromises {
        self.backend.promises()
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        let agent = request.agent;
        let mut news = self.told.news.subscribe();
        self.backend.create(request).await?;
        loop {
            news.mark_unchanged();
            let listing = self.backend.list().await?;
            let starting = listing
                .instances
                .iter()
                .any(|it| it.agent == agent && it.state == InstanceState::Starting);
            if !starting {
                return Ok(());
            }
            // What it waits for is told: that it runs, or that it is gone.
            news.changed().await.expect("somebody tells");
        }
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        self.backend.list().await
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        self.backend.destroy(request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        self.backend.last_output(agent, max_lines).await
    }
}
