//! What a cluster refuses, loses and forgets.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{BackendEvent, Exit, InstanceState};
use headcount_ports::{Backend, BackendError};
use headcount_test_kubernetes::{Fault, Kubelet, Trouble};
use serde_json::json;
use support::{House, agent, managed, recipe, request, request_of, template, within};
use tokio::sync::Notify;

const GRACE: Duration = Duration::from_secs(5);

async fn refused(trouble: Trouble) -> BackendError {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house
        .cluster
        .inject(Fault::once(trouble).on("create", "jobs"));
    let error = house
        .try_make(&backend, request(agent(1)))
        .await
        .unwrap_err();
    assert_eq!(house.jobs(), Vec::<String>::new(), "nothing was made");
    error
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let invalid =
        |text: &str| BackendError::Invalid(format!("the cluster did not make the Job: {text}"));
    let transient =
        |text: &str| BackendError::Transient(format!("the cluster did not make the Job: {text}"));
    assert_eq!(
        refused(Trouble::Forbidden).await,
        invalid(
            "jobs.batch is forbidden: User \"system:serviceaccount:ci:headcount\" cannot create \
             resource \"jobs\" in API group \"batch\" in the namespace \"ci\"; grant it to the \
             daemon's account, as packaging/kubernetes/rbac.yaml does"
        )
    );
    assert_eq!(
        refused(Trouble::Unauthorized).await,
        invalid("Unauthorized: it does not know this daemon; renew the credentials")
    );
    assert_eq!(
        refused(Trouble::Denied("images must be signed")).await,
        invalid(
            "admission webhook \"policy.example.com\" denied the request: images must be signed"
        )
    );
    assert_eq!(
        refused(Trouble::Internal).await,
        transient("Internal error occurred: etcdserver: leader changed")
    );
    assert_eq!(
        refused(Trouble::Unavailable).await,
        transient("the server is currently unable to handle the request")
    );
}

#[tokio::test]
async fn a_cluster_without_room_says_so() {
    let full = refused(Trouble::Quota("jobs, requested: 1, used: 2, limited: 2")).await;
    let BackendError::Capacity {
        message,
        retry_after,
    } = full
    else {
        panic!("not a lack of room: {full:?}");
    };
    assert!(
        message.ends_with("is forbidden: exceeded quota: jobs, requested: 1, used: 2, limited: 2")
    );
    assert_eq!(retry_after, None);
    assert_eq!(
        refused(Trouble::TooMany(7)).await,
        BackendError::Capacity {
            message: "the cluster did not make the Job: the server has received too many requests \
                      and has asked us to try again later"
                .to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        }
    );
}

#[tokio::test]
async fn a_template_that_is_wrong_is_refused_with_the_field() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let mut nameless = template("x");
    nameless["template"]["spec"]["containers"][0]["image"] = json!("");
    assert_eq!(
        house
            .try_make(&backend, request_of(agent(1), recipe(&nameless)))
            .await,
        Err(BackendError::Invalid(
            "the cluster did not make the Job: jobTargetRef.template.spec.containers[0].image: \
             Required value"
                .to_owned()
        ))
    );
    let mut misspelled = template("x");
    misspelled["backofLimit"] = json!(1);
    assert_eq!(
        house
            .try_make(&backend, request_of(agent(1), recipe(&misspelled)))
            .await,
        Err(BackendError::Invalid(
            "the cluster did not make the Job: Job in version \"v1\" cannot be handled as a Job: \
             strict decoding error: unknown field \"spec.backofLimit\""
                .to_owned()
        ))
    );
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_not_touched() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house.make(&backend, request(agent(1))).await;
    let name = house.jobs().remove(0);
    assert_eq!(house.end(&backend, agent(1), GRACE).await, Ok(()));
    house.cluster.put(
        "jobs",
        json!({"metadata": {"name": name, "namespace": "ci"}, "spec": template("x")}),
    );
    assert_eq!(
        house.try_make(&backend, request(agent(1))).await,
        Err(BackendError::Invalid(format!(
            "a Job that is not ours has the name `{name}` in the namespace `ci`; rename or remove it"
        )))
    );
    assert_eq!(house.end(&backend, agent(1), GRACE).await, Ok(()));
    assert_eq!(house.jobs(), [name], "it is still there");
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house
        .cluster
        .inject(Fault::once(Trouble::LostAnswer).on("create", "jobs"));
    house.make(&backend, request(agent(1))).await;
    assert_eq!(house.jobs().len(), 1);
}

#[tokio::test]
async fn what_nobody_answered_and_nobody_sees_is_unknown() {
    for trouble in [Trouble::Cut, Trouble::Timeout] {
        let house = House::open(Kubelet::manual()).await;
        let backend = house.backend();
        house
            .cluster
            .inject(Fault::once(trouble).on("create", "jobs"));
        let error = house
            .try_make(&backend, request(agent(1)))
            .await
            .unwrap_err();
        assert!(matches!(error, BackendError::Unknown(_)), "{error:?}");
        house.make(&backend, request(agent(1))).await;
        assert_eq!(house.jobs().len(), 1);
    }
}

#[tokio::test]
async fn an_agent_whose_secret_is_refused_is_not_left_behind() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house
        .cluster
        .inject(Fault::always(Trouble::Denied("no secrets")).on("create", "secrets"));
    assert_eq!(
        house.try_make(&backend, managed(agent(1))).await,
        Err(BackendError::Invalid(
            "the cluster did not keep the agent's Secret: admission webhook \
             \"policy.example.com\" denied the request: no secrets"
                .to_owned()
        ))
    );
    assert_eq!(house.jobs(), Vec::<String>::new());
    assert_eq!(house.names("pods"), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_that_was_lost_is_made_by_the_next_try() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    house.make(&backend, managed(agent(1))).await;
    let name = house.names("secrets").remove(0);
    house.cluster.delete("secrets", &name);
    house.make(&backend, managed(agent(1))).await;
    assert_eq!(house.names("secrets"), [name]);
}

#[tokio::test]
async fn a_failed_list_is_an_error_and_never_empty() {
    let (house, backend, _job) = House::with_agent(Kubelet::manual()).await;
    for (resource, what) in [("jobs", "list Jobs"), ("pods", "list pods")] {
        house
            .cluster
            .inject(Fault::once(Trouble::Internal).on("list", resource));
        assert_eq!(
            within(backend.list()).await,
            Err(BackendError::Transient(format!(
                "the cluster did not {what}: Internal error occurred: etcdserver: leader changed"
            )))
        );
    }
    house.cluster.down();
    assert!(matches!(
        within(backend.list()).await,
        Err(BackendError::Transient(_))
    ));
    house.cluster.up().await;
    assert_eq!(within(backend.list()).await.unwrap().instances.len(), 1);
}

#[tokio::test]
async fn what_happened_while_the_cluster_was_away_is_found() {
    let (house, backend, job) = House::with_agent(Kubelet::manual()).await;
    house.make(&backend, request(agent(2))).await;
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
    house.cluster.down();
    house.told(BackendEvent::Missed).await;
    let other = house.jobs().into_iter().find(|it| *it != job).unwrap();
    house.cluster.end(&job, 3);
    house.cluster.delete("jobs", &other);
    house.cluster.compact();
    house.cluster.up().await;
    house
        .told(BackendEvent::Gone(agent(1), Exit::Code(3)))
        .await;
    house
        .told(BackendEvent::Gone(agent(2), Exit::Unknown))
        .await;
}

#[tokio::test]
async fn a_version_that_is_forgotten_is_listed_anew() {
    let (house, _backend, job) = House::with_agent(Kubelet::manual()).await;
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
    // Cut, and before the watch is back all it knows is forgotten.
    house
        .cluster
        .inject(Fault::always(Trouble::Unavailable).on("watch", "jobs"));
    house.cluster.cut_watches();
    house.told(BackendEvent::Missed).await;
    house.cluster.end(&job, 0);
    house.cluster.compact();
    house.cluster.mend();
    house
        .told(BackendEvent::Gone(agent(1), Exit::Code(0)))
        .await;
}

#[tokio::test]
async fn watches_that_end_in_good_order_go_on() {
    let (house, _backend, job) = House::with_agent(Kubelet::manual()).await;
    let watches = house.cluster.count("watch", "jobs");
    house.cluster.bookmark();
    house.cluster.end_watches();
    house.asked("watch", "jobs", watches + 1).await;
    house.cluster.run(&job);
    house.told(BackendEvent::Running(agent(1))).await;
    assert_eq!(
        house.events.all(),
        [BackendEvent::Running(agent(1))],
        "nothing was missed"
    );
}

#[tokio::test]
async fn an_end_that_cannot_be_confirmed_is_unknown() {
    let (house, backend, job) = House::with_agent(Kubelet::manual()).await;
    house.cluster.run(&job);
    house
        .cluster
        .inject(Fault::once(Trouble::Internal).on("delete", "jobs"));
    assert_eq!(
        house.end(&backend, agent(1), GRACE).await,
        Err(BackendError::Unknown(
            "the cluster did not remove the Job: Internal error occurred: etcdserver: leader \
             changed"
                .to_owned()
        ))
    );
    assert_eq!(house.end(&backend, agent(1), GRACE).await, Ok(()));
}

#[tokio::test]
async fn a_destroy_waits_for_the_create_that_nobody_waits_for() {
    let house = House::open(Kubelet::manual()).await;
    let backend = house.backend();
    let gate = Arc::new(Notify::new());
    house
        .cluster
        .inject(Fault::once(Trouble::Held(gate.clone())).on("create", "jobs"));
    let creating = backend.create(request(agent(1)));
    tokio::select! {
        _ = creating => panic!("it is held"),
        () = house.asked("create", "jobs", 1) => {}
    }
    let ended = house.end(&backend, agent(1), GRACE);
    let (ended, ()) = tokio::join!(ended, async { gate.notify_one() });
    assert_eq!(ended, Ok(()));
    assert_eq!(house.jobs(), Vec::<String>::new());
}

#[tokio::test]
async fn many_are_listed_in_pages_of_one_moment() {
    let house = House::open(Kubelet::automatic()).await;
    let backend = house.backend();
    for number in 1..=3 {
        house.make(&backend, request(agent(number))).await;
    }
    // As many others of ours as make a second page.
    let job = house.cluster.get("jobs", &house.jobs()[0]).unwrap();
    house.cluster.stop_job_controller(true);
    for number in 4..=600 {
        let mut copy = job.clone();
        let meta = &mut copy["metadata"];
        meta["name"] = json!(format!("copy-{number}"));
        meta["uid"] = json!(null);
        for part in ["labels", "annotations"] {
            meta[part]["headcount.agent"] = json!(format!("a-1-{number}"));
        }
        house.cluster.put("jobs", copy);
    }
    let before = house.cluster.count("list", "jobs");
    let listing = within(backend.list()).await.unwrap();
    assert_eq!(listing.instances.len(), 600);
    assert_eq!(house.cluster.count("list", "jobs"), before + 2);
    assert!(listing.instances.is_sorted_by_key(|it| it.agent));
    let running = listing
        .instances
        .iter()
        .filter(|it| it.state == InstanceState::Running);
    assert_eq!(running.count(), 3);
}
