//! Agents from their making to their end, on the double.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use headcount_model::{BackendEvent, Exit, HistoryLimits, InstanceState};
use headcount_ports::{Backend, BackendError};
use headcount_test_kubernetes::{Cluster, Kubelet};
use serde_json::json;
use support::{House, agent, managed, recipe, request, request_of, template, within};

const GRACE: Duration = Duration::from_secs(5);

fn gone(number: u32, exit: Exit) -> BackendEvent {
    BackendEvent::Gone(agent(number), exit)
}

async fn states(backend: &dyn Backend) -> Vec<(u32, InstanceState)> {
    let listing = within(backend.list()).await.unwrap();
    let instances = listing.instances.into_iter();
    instances.map(|it| (it.agent.number, it.state)).collect()
}

#[tokio::test]
async fn a_worker_is_followed_from_pending_to_history() {
    let (house, backend, job) = House::with_agent(Kubelet::manual()).await;
    assert_eq!(states(&*backend).await, [(1, InstanceState::Starting)]);
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
    assert_eq!(states(&*backend).await, [(1, InstanceState::Running)]);
    house.cluster.hold_terminal(true);
    house.cluster.end(&job, 0);
    assert_eq!(
        states(&*backend).await,
        [(1, InstanceState::Running)],
        "the last condition is still to come"
    );
    house.cluster.hold_terminal(false);
    house.told(gone(1, Exit::Code(0))).await;
    assert_eq!(states(&*backend).await, []);
    assert_eq!(house.jobs(), std::slice::from_ref(&job), "it is history");
    assert_eq!(house.end(&backend, agent(1), GRACE).await, Ok(()));
    assert_eq!(house.jobs(), [job], "and stays so");
}

#[tokio::test]
async fn a_managed_agents_secret_goes_with_its_job() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house.make(&backend, managed(agent(1))).await;
    let job = house.jobs().remove(0);
    assert_eq!(house.names("secrets"), std::slice::from_ref(&job));
    let text = house.cluster.get("jobs", &job).unwrap().to_string();
    assert!(!text.contains("hunter2"), "{text}");
    house.cluster.run(&job);
    assert_eq!(house.end(&backend, agent(1), GRACE).await, Ok(()));
    for resource in ["jobs", "pods", "secrets"] {
        assert_eq!(house.names(resource), Vec::<String>::new());
    }
    let told = house.events.all();
    assert!(
        !told.contains(&gone(1, Exit::Unknown)),
        "asked for, so no news: {told:?}"
    );
}

#[tokio::test]
async fn what_was_removed_by_hand_is_told_at_once() {
    let (house, _backend, job) = House::with_agent(Kubelet::manual()).await;
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
    house.cluster.delete("jobs", &job);
    house.told(gone(1, Exit::Unknown)).await;
}

#[tokio::test]
async fn what_remains_of_a_removed_job_still_counts_and_can_be_ended() {
    let (house, backend, job) = House::with_agent(Kubelet::manual()).await;
    house.cluster.run(&job);
    house.cluster.lose(&job, true);
    house.cluster.delete("jobs", &job);
    assert_eq!(house.jobs(), Vec::<String>::new());
    assert_eq!(
        states(&*backend).await,
        [(1, InstanceState::Running)],
        "its pod may still run"
    );
    let ended = house.end(&backend, agent(1), GRACE);
    let back = async {
        house.asked("delete", "pods", 1).await;
        house.cluster.lose(&job, false);
    };
    let (ended, ()) = tokio::join!(ended, back);
    assert_eq!(ended, Ok(()));
    assert_eq!(house.names("pods"), Vec::<String>::new());
}

#[tokio::test]
async fn a_pod_that_does_not_end_is_forced_after_the_grace() {
    let (house, backend, job) = House::with_agent(Kubelet::manual()).await;
    house.cluster.run(&job);
    house.cluster.make_stubborn(&job);
    house.cluster.write(&job, "one\ntwo\n");
    let ended = house
        .end(&backend, agent(1), Duration::from_millis(50))
        .await;
    assert_eq!(ended, Ok(()));
    assert_eq!(house.names("pods"), Vec::<String>::new());
    let words = backend.last_output(agent(1), 1).await;
    assert_eq!(words, ["two"], "what it said last is remembered");
    assert_eq!(house.cluster.count("delete", "pods"), 1);
}

#[tokio::test]
async fn finished_jobs_stay_up_to_the_limits_of_their_pool() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let mut kept = recipe(&template("x"));
    kept.history = HistoryLimits {
        successful: 1,
        failed: 2,
    };
    for (number, code) in [(1, 0), (2, 1), (3, 0), (4, 1), (5, 1)] {
        house
            .make(&backend, request_of(agent(number), kept.clone()))
            .await;
        let job = house
            .jobs()
            .into_iter()
            .find(|it| it.ends_with(&format!("a-1-{number}")));
        house.cluster.run(&job.clone().unwrap());
        house.cluster.end(&job.unwrap(), code);
        house.told(gone(number, Exit::Code(code))).await;
        house.cluster.advance(Duration::from_secs(1));
    }
    let three = |cluster: &Cluster| cluster.all("jobs").len() == 3;
    house.cluster.until("three Jobs are left", three).await;
    let ends = |name: &String| name.rsplit('-').next().unwrap().to_owned();
    let left: Vec<String> = house.jobs().iter().map(ends).collect();
    assert_eq!(left, ["3", "4", "5"]);
}

#[tokio::test]
async fn a_finished_job_that_is_gone_already_is_as_good_as_removed() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let mut short = template("x");
    short["ttlSecondsAfterFinished"] = json!(0);
    let mut kept = recipe(&short);
    kept.history.failed = 0;
    house.make(&backend, request_of(agent(1), kept)).await;
    let job = house.jobs().remove(0);
    house.cluster.run(&job);
    house.cluster.end(&job, 4);
    house.told(gone(1, Exit::Code(4))).await;
    assert_eq!(house.jobs(), Vec::<String>::new());
    house.make(&backend, request(agent(2))).await;
    assert_eq!(states(&*backend).await, [(2, InstanceState::Starting)]);
}

#[tokio::test]
async fn a_deadline_of_the_template_is_the_clusters_business() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let mut limited = template("x");
    limited["activeDeadlineSeconds"] = json!(60);
    house
        .make(&backend, request_of(agent(1), recipe(&limited)))
        .await;
    let job = house.jobs().remove(0);
    house.cluster.run(&job);
    house.cluster.advance(Duration::from_secs(60));
    house.told(gone(1, Exit::Code(143))).await;
}

#[tokio::test]
async fn conditions_of_one_pod_decide_where_they_are_asked_for() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let mut asked = recipe(&template("x"));
    asked.pending_conditions = vec!["Ready".to_owned(), "example.com/warm".to_owned()];
    house.make(&backend, request_of(agent(1), asked)).await;
    let job = house.jobs().remove(0);
    house.cluster.run(&job);
    assert_eq!(states(&*backend).await, [(1, InstanceState::Starting)]);
    house.cluster.condition(&job, "example.com/warm", true);
    house.told(BackendEvent::Running(agent(1))).await;
    house.cluster.condition(&job, "Ready", false);
    assert_eq!(states(&*backend).await, [(1, InstanceState::Starting)]);
}

#[tokio::test]
async fn why_a_pod_waits_is_told_and_taken_back() {
    let (house, _backend, job) = House::with_agent(Kubelet::manual()).await;
    let waits = |why: Option<&str>| BackendEvent::Waiting(agent(1), why.map(str::to_owned));
    house.cluster.unschedulable(&job, "0/3 nodes are available");
    house
        .told(waits(Some("Unschedulable: 0/3 nodes are available")))
        .await;
    house
        .cluster
        .wait(&job, "ImagePullBackOff", "no such image");
    house
        .told(waits(Some(
            "container `main`: ImagePullBackOff: no such image",
        )))
        .await;
    house.cluster.wait(&job, "ContainerCreating", "");
    house.told(waits(None)).await;
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
}

#[tokio::test]
async fn why_a_pod_cannot_be_made_is_told() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house.cluster.refuse_pods(Some("exceeded quota: pods"));
    house.make(&backend, request(agent(1))).await;
    let why = format!(
        "Error creating: pods \"{}-x7x7x\" is forbidden: exceeded quota: pods",
        house.jobs()[0]
    );
    house.told(BackendEvent::Waiting(agent(1), Some(why))).await;
    let mut suspended = template("x");
    suspended["suspend"] = json!(true);
    house
        .make(&backend, request_of(agent(2), recipe(&suspended)))
        .await;
    let why = Some("its Job is suspended".to_owned());
    house.told(BackendEvent::Waiting(agent(2), why)).await;
}

#[tokio::test]
async fn jobs_are_owned_by_what_the_daemon_is_told() {
    let house = House::open(Kubelet::manual()).await;
    let mut options = house.options();
    options.owned_by = Some("headcount".to_owned());
    let backend =
        headcount_backend_kubernetes::KubernetesBackend::new(options, house.events.clone());
    assert_eq!(
        house.try_make(&backend, request(agent(1))).await,
        Err(BackendError::Invalid(
            "the ConfigMap `headcount` that is to own the Jobs is not in the namespace `ci`; make \
             it, or unset HEADCOUNT_KUBERNETES_OWNER"
                .to_owned()
        ))
    );
    let map = json!({"metadata": {"name": "headcount", "namespace": "ci"}});
    house.cluster.put("configmaps", map);
    house.make(&backend, request(agent(1))).await;
    house.cluster.delete("configmaps", "headcount");
    assert_eq!(house.jobs(), Vec::<String>::new(), "they go with it");
}
