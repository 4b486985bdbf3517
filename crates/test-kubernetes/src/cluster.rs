//! The cluster as a test holds it.
//!
//! Promise: what a test says has happened when the call returns, and watches are told of
//! it. Dropping it ends it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::faults::Fault;
use crate::kubelet::{self, Kubelet};
use crate::objects::Key;
use crate::requests::Granted;
use crate::serve::serve;
use crate::state::State;

/// Nothing a test waits for takes longer, or it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API server with an empty cluster behind it.
pub struct Cluster {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: Mutex<CancellationToken>,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) ticks: watch::Sender<Tick>,
}

/// What watches wait for.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tick {
    pub(crate) revision: u64,
    /// Requests that came in.
    pub(crate) requests: u64,
    pub(crate) cuts: u64,
    pub(crate) ends: u64,
    pub(crate) bookmarks: u64,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the cluster, lets it settle, and tells watches.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let answer = change(&mut state);
        state.settle();
        let revision = state.objects.revision();
        drop(state);
        self.ticks.send_if_modified(|tick| {
            let moved = tick.revision != revision;
            tick.revision = revision;
            moved
        });
        answer
    }
}

impl Cluster {
    /// Starts one on a port of its own.
    pub async fn start(kubelet: Kubelet) -> Self {
        let state = State {
            kubelet,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            ticks: watch::Sender::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let until = CancellationToken::new();
        tokio::spawn(serve(shared.clone(), listener, until.clone()));
        Self {
            shared,
            address,
            serving: Mutex::new(until),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig file for it.
    #[must_use]
    pub fn kubeconfig(&self, namespace: &str) -> String {
        let context = json!({"cluster": "double", "user": "tester", "namespace": namespace});
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "double",
            "clusters": [{"name": "double", "cluster": {"server": self.url()}}],
            "users": [{"name": "tester", "user": {}}],
            "contexts": [{"name": "double", "context": context}],
        })
        .to_string()
    }

    /// Nobody answers any more; what is known is kept.
    pub fn down(&self) {
        self.serving().cancel();
    }

    /// It answers again, at the same address.
    pub async fn up(&self) {
        let listener = TcpListener::bind(self.address)
            .await
            .expect("the same port");
        let until = CancellationToken::new();
        tokio::spawn(serve(self.shared.clone(), listener, until.clone()));
        *self.serving() = until;
    }

    /// Breaks something.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().faults.add(fault);
    }

    /// Mends everything.
    pub fn mend(&self) {
        self.shared.lock().faults.clear();
    }

    /// Cuts every watch in the middle of a line.
    pub fn cut_watches(&self) {
        self.shared.ticks.send_modify(|tick| tick.cuts += 1);
    }

    /// Ends every watch in good order, as the server does every few minutes.
    pub fn end_watches(&self) {
        self.shared.ticks.send_modify(|tick| tick.ends += 1);
    }

    /// Sends a bookmark to every watch that wants them.
    pub fn bookmark(&self) {
        self.shared.ticks.send_modify(|tick| tick.bookmarks += 1);
    }

    /// Forgets all versions before now: watches from there get 410.
    pub fn compact(&self) {
        self.shared.lock().objects.compact();
    }

    /// Moves the cluster's clock.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|state| state.clock.advance(by));
    }

    /// Every kind of request that came in so far.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<Granted> {
        self.shared.lock().asked.clone()
    }

    /// How often this was asked, such as `("list", "jobs")`.
    #[must_use]
    pub fn count(&self, verb: &str, resource: &str) -> usize {
        let state = self.shared.lock();
        let counts = state.counts.iter();
        let counts = counts.filter(|(it, _)| it.verb == verb && it.resource == resource);
        counts.map(|(_, count)| count).sum()
    }

    /// Returns once the cluster is as `enough` wants it; looked at again whenever something
    /// changes or is asked.
    ///
    /// # Panics
    /// When that does not come; the message names `what`.
    pub async fn until(&self, what: &str, enough: impl Fn(&Self) -> bool) {
        let mut ticks = self.shared.ticks.subscribe();
        let waiting = async {
            while !enough(self) {
                ticks.changed().await.expect("the cluster lives");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "it never came to this: {what}");
    }

    /// All objects of a resource.
    #[must_use]
    pub fn all(&self, resource: &str) -> Vec<Value> {
        let state = self.shared.lock();
        let all = state.objects.all(resource, "");
        all.map(|(_, object)| object.clone()).collect()
    }

    /// One object.
    #[must_use]
    pub fn get(&self, resource: &str, name: &str) -> Option<Value> {
        let mut all = self.all(resource).into_iter();
        all.find(|object| object["metadata"]["name"] == *name)
    }

    /// Puts an object there, as somebody else with `kubectl` would.
    pub fn put(&self, resource: &'static str, mut object: Value) {
        self.shared.change(|state| {
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let namespace = object["metadata"]["namespace"]
                .as_str()
                .unwrap_or("default")
                .to_owned();
            object["metadata"]["namespace"] = json!(namespace);
            if object["metadata"]["uid"].is_null() {
                object["metadata"]["uid"] = json!(state.objects.new_uid());
            }
            state.objects.put((resource, namespace, name), object);
        });
    }

    /// Deletes an object, as somebody else with `kubectl` would: in the background.
    pub fn delete(&self, resource: &str, name: &str) {
        self.shared.change(|state| {
            let all = state.objects.all(resource, "");
            let named = all.map(|(key, _)| key.clone()).find(|key| key.2 == name);
            let key = named.expect("an object of this name");
            let options = json!({"propagationPolicy": "Background"});
            drop(crate::deletion::delete(state, &key, &options));
        });
    }

    /// The pods of a Job.
    #[must_use]
    pub fn pods_of(&self, job: &str) -> Vec<Value> {
        self.shared.lock().pods_of(job)
    }

    /// Its pods run and are ready.
    pub fn run(&self, job: &str) {
        self.to_pods(job, kubelet::run);
    }

    /// Its pods end with this code.
    pub fn end(&self, job: &str, code: i32) {
        self.to_pods(job, |state, pod| kubelet::end(state, pod, code));
    }

    /// Its pods have a machine, and their containers wait there.
    pub fn wait(&self, job: &str, reason: &str, message: &str) {
        self.to_pods(job, |state, pod| kubelet::wait(state, pod, reason, message));
    }

    /// No machine is found for its pods.
    pub fn unschedulable(&self, job: &str, message: &str) {
        self.to_pods(job, |state, pod| {
            kubelet::unschedulable(state, pod, message)
        });
    }

    /// Sets a condition of its pods.
    pub fn condition(&self, job: &str, name: &str, holds: bool) {
        self.to_pods(job, |state, pod| {
            kubelet::condition(state, pod, name, holds)
        });
    }

    /// Its pods have written this.
    pub fn write(&self, job: &str, text: &str) {
        self.to_pods(job, |state, (_, _, pod)| {
            state.logs.entry(pod.clone()).or_default().push_str(text);
        });
    }

    /// Its pods do not end when they are asked, only when they are forced.
    pub fn make_stubborn(&self, job: &str) {
        self.shared.lock().kubelet.stubborn.insert(job.to_owned());
    }

    /// The machine of its pods is away (or back).
    pub fn lose(&self, job: &str, away: bool) {
        self.shared.change(|state| match away {
            true => drop(state.kubelet.lost.insert(job.to_owned())),
            false => drop(state.kubelet.lost.remove(job)),
        });
    }

    /// From now on no pod can be made, for this reason; `None` lets them be made again.
    pub fn refuse_pods(&self, why: Option<&str>) {
        self.shared
            .change(|state| state.pods_refused = why.map(str::to_owned));
    }

    /// Jobs stop at the condition before the last one, until this is taken back.
    pub fn hold_terminal(&self, hold: bool) {
        self.shared.change(|state| state.hold_terminal = hold);
    }

    /// The Job controller is away (or back).
    pub fn stop_job_controller(&self, stop: bool) {
        self.shared.change(|state| state.no_job_controller = stop);
    }

    fn to_pods(&self, job: &str, deed: impl Fn(&mut State, &Key)) {
        self.shared.change(|state| {
            let pods = state.pods_of(job);
            assert!(!pods.is_empty(), "the Job {job} has no pods");
            for pod in pods {
                let text = |field: &str| {
                    pod["metadata"][field]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                deed(state, &("pods", text("namespace"), text("name")));
            }
        });
    }

    fn serving(&self) -> MutexGuard<'_, CancellationToken> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.down();
    }
}
