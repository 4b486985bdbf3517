//! Watching: what the cluster tells of our Jobs and pods, and what it could not tell while
//! it was away.
//!
//! Promise: what changes is told at once; after every gap all of ours is listed anew, and
//! the controller is asked to list as well. A version that the server has forgotten is such
//! a gap. Nothing polls while the cluster is there.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use headcount_model::{AgentId, BackendEvent};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event as Note, Pod};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::Core;
use crate::census::{Turn, Whole};
use crate::fault::Fault;
use crate::standing::{JobFacts, PodFacts, bounded};

/// What the Job controller notes where it cannot make a pod.
const REFUSALS: &str = "involvedObject.kind=Job,reason=FailedCreate";

/// Something that takes in what one watch tells.
trait Follower: Send {
    type Object: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static;

    /// Of what it tells.
    fn selection(&self, core: &Core) -> watcher::Config;

    /// Takes in one event; true once everything there is has been told.
    fn take(&mut self, core: &Core, event: Event<Self::Object>) -> (Vec<Turn>, bool);

    /// Nothing is certain any more.
    fn lost(&mut self, core: &Core);

    /// Whether a gap in it is a gap in what the controller must know.
    fn matters(&self) -> bool;
}

pub(super) async fn watch_jobs(core: Arc<Core>) {
    follow_for_ever(core, Jobs::default()).await;
}

pub(super) async fn watch_pods(core: Arc<Core>) {
    follow_for_ever(core, Pods::default()).await;
}

/// Without the right to read events reasons are missing, nothing else.
pub(super) async fn watch_refusals(core: Arc<Core>) {
    follow_for_ever(core, Refusals).await;
}

async fn follow_for_ever<F: Follower>(core: Arc<Core>, mut follower: F) {
    let pace = core.options.pace;
    let mut pause = pace.first_pause;
    // Whoever starts asks for a list anyway.
    let mut gap = false;
    loop {
        let mut connected = false;
        let fault = follow(&core, &mut follower, gap, &mut connected).await;
        follower.lost(&core);
        if follower.matters() {
            core.access.forget().await;
        }
        gap = true;
        if connected {
            pause = pace.first_pause;
        }
        if connected && follower.matters() {
            tracing::warn!(backend = %core.ours.backend, error = fault.message, "the cluster is away");
            core.tell(BackendEvent::Missed).await;
        } else {
            tracing::debug!(backend = %core.ours.backend, error = fault.message, "no watch yet");
        }
        sleep(jittered(pause).max(fault.retry_after.unwrap_or_default())).await;
        pause = (pause * 2).min(pace.longest_pause);
    }
}

/// Returns why it cannot go on.
async fn follow<F: Follower>(
    core: &Core,
    follower: &mut F,
    gap: bool,
    connected: &mut bool,
) -> Fault {
    let place = match core.access.place().await {
        Ok(place) => place,
        Err(fault) => return fault,
    };
    let api: Api<F::Object> = Api::namespaced(place.client, &place.namespace);
    let mut events = std::pin::pin!(watcher(api, follower.selection(core)));
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => return fault(error),
        };
        let (turns, complete) = follower.take(core, event);
        core.take(turns).await;
        if complete {
            *connected = true;
            if gap && follower.matters() {
                core.tell(BackendEvent::Missed).await;
            }
        }
    }
    Fault::away("the watch ended".to_owned())
}

fn fault(error: watcher::Error) -> Fault {
    let what = "go on telling changes";
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Fault::new(what, &error),
        watcher::Error::WatchError(status) => Fault::new(what, &kube::Error::Api(status)),
        watcher::Error::NoResourceVersion => Fault::away("a list has no version".to_owned()),
    }
}

/// Between half and all of a pause, so that many daemons do not come at once.
fn jittered(pause: Duration) -> Duration {
    let part = getrandom::u32().unwrap_or(u32::MAX);
    let half = pause / 2;
    half + half.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

/// What a whole list has told so far.
type Gathered<T> = Vec<(AgentId, T)>;

#[derive(Default)]
struct Jobs {
    gathered: Gathered<JobFacts>,
}

impl Follower for Jobs {
    type Object = Job;

    fn selection(&self, core: &Core) -> watcher::Config {
        watcher::Config::default().labels(&core.ours.selector())
    }

    fn take(&mut self, core: &Core, event: Event<Job>) -> (Vec<Turn>, bool) {
        let facts = |job: &Job| {
            let mark = core.ours.read(&job.metadata)?;
            Some((mark.agent, JobFacts::of(job, mark.pool)))
        };
        let mut census = core.census();
        let turns = match event {
            Event::Init => {
                self.gathered.clear();
                Vec::new()
            }
            Event::InitApply(job) => {
                self.gathered.extend(facts(&job));
                Vec::new()
            }
            Event::InitDone => {
                let all: Whole<JobFacts> = std::mem::take(&mut self.gathered);
                return (census.jobs(all), true);
            }
            Event::Apply(job) => match facts(&job) {
                Some((agent, facts)) => census.job(agent, facts),
                None => Vec::new(),
            },
            Event::Delete(job) => match facts(&job) {
                Some((agent, facts)) => census.job_gone(agent, &facts.uid),
                None => Vec::new(),
            },
        };
        (turns, false)
    }

    fn lost(&mut self, core: &Core) {
        self.gathered.clear();
        core.census().jobs_unknown();
    }

    fn matters(&self) -> bool {
        true
    }
}

#[derive(Default)]
struct Pods {
    gathered: Gathered<PodFacts>,
}

impl Follower for Pods {
    type Object = Pod;

    fn selection(&self, core: &Core) -> watcher::Config {
        watcher::Config::default().labels(&core.ours.selector())
    }

    fn take(&mut self, core: &Core, event: Event<Pod>) -> (Vec<Turn>, bool) {
        let facts = |pod: &Pod| {
            let mark = core.ours.read(&pod.metadata)?;
            Some((mark.agent, PodFacts::of(pod)))
        };
        let mut census = core.census();
        let turns = match event {
            Event::Init => {
                self.gathered.clear();
                Vec::new()
            }
            Event::InitApply(pod) => {
                self.gathered.extend(facts(&pod));
                Vec::new()
            }
            Event::InitDone => {
                let all: Whole<PodFacts> = std::mem::take(&mut self.gathered);
                return (census.pods(all), true);
            }
            Event::Apply(pod) => match facts(&pod) {
                Some((agent, facts)) => census.pod(agent, facts),
                None => Vec::new(),
            },
            Event::Delete(pod) => match facts(&pod) {
                Some((agent, facts)) => census.pod_gone(agent, &facts.uid),
                None => Vec::new(),
            },
        };
        (turns, false)
    }

    fn lost(&mut self, core: &Core) {
        self.gathered.clear();
        core.census().pods_unknown();
    }

    fn matters(&self) -> bool {
        true
    }
}

struct Refusals;

impl Follower for Refusals {
    type Object = Note;

    fn selection(&self, _core: &Core) -> watcher::Config {
        watcher::Config::default().fields(REFUSALS)
    }

    fn take(&mut self, core: &Core, event: Event<Note>) -> (Vec<Turn>, bool) {
        match event {
            Event::InitApply(note) | Event::Apply(note) => {
                let uid = note.involved_object.uid.unwrap_or_default();
                let why = bounded(&note.message.unwrap_or_default());
                (core.census().pod_refused(&uid, why), false)
            }
            Event::InitDone => (Vec::new(), true),
            Event::Init | Event::Delete(_) => (Vec::new(), false),
        }
    }

    fn lost(&mut self, _core: &Core) {}

    fn matters(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_between_half_and_all() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(8));
            assert!((4.0..=8.0).contains(&pause.as_secs_f64()), "{pause:?}");
        }
    }
}
