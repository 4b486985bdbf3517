//! Several machines in one call: who goes together, and what becomes of each when programs
//! do right, wrong, or nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use headcount_backend_program::{ProgramBackend, ProgramOptions};
use headcount_model::{AgentId, BackendEvent, Exit, InstanceState, Resources, Secret};
use headcount_ports::conformance::backend::Events;
use headcount_ports::{Backend, BackendError, DestroyRequest};
use support::{BATCH, GOOD, Place, agent, until};

const RUNNING: InstanceState = InstanceState::Running;
const STARTING: InstanceState = InstanceState::Starting;
/// For what does not wait for anything.
const SOON: Duration = Duration::from_secs(60);

/// A program that does this when it is asked for several, and right in all else; so many at
/// most in one call.
fn place(batch: u8, text: &str) -> Place {
    let mut place = Place::script(&format!(
        "{GOOD}{BATCH}\nif is_batch $1; then {text}\nfi\ngood $1"
    ));
    place.batch = batch;
    place
}

/// Over which creations wait for others until a batch is full.
fn open(place: &Place) -> (Arc<ProgramBackend>, Arc<Events>) {
    open_with(place, |_| {})
}

fn open_with(
    place: &Place,
    change: impl FnOnce(&mut ProgramOptions),
) -> (Arc<ProgramBackend>, Arc<Events>) {
    place.open_with(|options| {
        options.pace.gather = Duration::from_secs(600);
        change(options);
    })
}

/// Makes the machines of agents 1 to `last` at once.
async fn make(place: &Place, backend: &ProgramBackend, last: u32) -> Vec<Result<(), BackendError>> {
    let creations = (1..=last).map(|number| backend.create(place.request(number)));
    let made = tokio::time::timeout(SOON, join_all(creations)).await;
    made.expect("a batch that is full goes at once")
}

async fn listed(backend: &ProgramBackend) -> Vec<(AgentId, InstanceState)> {
    let listing = backend.list().await.unwrap();
    let instances = listing.instances.into_iter();
    instances.map(|it| (it.agent, it.state)).collect()
}

fn calls(place: &Place) -> String {
    fs::read_to_string(place.path("calls")).unwrap_or_default()
}

#[tokio::test]
async fn ten_at_once_are_one_call() {
    let place = place(10, "good_batch; exit");
    let (backend, _) = open(&place);
    assert_eq!(make(&place, &backend, 10).await, vec![Ok(()); 10]);
    assert_eq!(calls(&place), "create\n");
    let expected: Vec<_> = (1..=10).map(|number| (agent(number), RUNNING)).collect();
    assert_eq!(listed(&backend).await, expected);
}

#[tokio::test]
async fn each_machine_gets_its_own_start_up_data() {
    let place = place(
        3,
        "for it in $(all); do of $it .startUp.script >$here/script$(of $it .machine.agent); done; good_batch; exit",
    );
    let (backend, _) = open(&place);
    let creations = [1, 2, 3].map(|number| {
        let mut request = place.request(number);
        request.token = Some(Secret::new(format!("s3cret-{number}")));
        backend.create(request)
    });
    assert_eq!(join_all(creations).await, vec![Ok(()); 3]);
    for number in [1, 2, 3] {
        let script = fs::read_to_string(place.path(&format!("script\"{}\"", agent(number))));
        let script = script.unwrap();
        for own in [format!("'s3cret-{number}'"), format!("'{}'", agent(number))] {
            assert!(script.contains(&own), "{own}: {script}");
        }
    }
}

#[tokio::test]
async fn more_than_a_call_may_ask_for_are_several_calls() {
    let place = place(3, "good_batch; exit");
    let (backend, _) = open(&place);
    assert_eq!(make(&place, &backend, 6).await, vec![Ok(()); 6]);
    assert_eq!(calls(&place), "create\ncreate\n");
    assert_eq!(listed(&backend).await.len(), 6);
}

#[tokio::test]
async fn who_stays_alone_is_asked_for_as_ever() {
    let mut place = Place::script(&format!("{GOOD}\ngood $1"));
    place.batch = 100;
    let (backend, _) = open_with(&place, |options| {
        options.pace.gather = Duration::from_millis(5);
    });
    assert_eq!(make(&place, &backend, 1).await, [Ok(())]);
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
}

#[tokio::test]
async fn a_batch_that_is_not_full_goes_soon() {
    let place = place(100, "good_batch; exit");
    let (backend, _) = open_with(&place, |options| {
        options.pace.gather = Duration::from_millis(200);
    });
    assert_eq!(make(&place, &backend, 3).await, vec![Ok(()); 3]);
    assert_eq!(listed(&backend).await.len(), 3);
}

#[tokio::test]
async fn only_machines_that_want_the_same_go_together() {
    let place = place(
        2,
        "good_batch; ask '.resources.limits.cpuMillis' >>$here/cpus; exit",
    );
    let (backend, _) = open(&place);
    let creations = [1, 2, 3, 4].map(|number| {
        let mut request = place.request(number);
        request.granted.limits = Resources {
            cpu_millis: u64::from(number % 2) * 500,
            memory_bytes: 0,
        };
        backend.create(request)
    });
    assert_eq!(join_all(creations).await, vec![Ok(()); 4]);
    let cpus = fs::read_to_string(place.path("cpus")).unwrap();
    let mut cpus: Vec<&str> = cpus.lines().collect();
    cpus.sort_unstable();
    assert_eq!(cpus, ["0", "500"]);
}

#[tokio::test]
async fn each_is_told_what_became_of_its_own() {
    let place = place(
        4,
        r#"set -- $(all); make $1; make $3; make $4
told $1 $4 | jq --arg n $2 '. + {errors: [{name: $n, kind: "capacity", message: "no room", retryAfterSeconds: 7}]}' | say; exit"#,
    );
    let (backend, _) = open(&place);
    let missing = "its answer has `headcount-one-a-7-3` neither in `machines` nor in `errors`";
    let full = BackendError::Capacity {
        message: "no room".into(),
        retry_after: Some(Duration::from_secs(7)),
    };
    assert_eq!(
        make(&place, &backend, 4).await,
        [
            Ok(()),
            Err(full),
            Err(BackendError::Unknown(missing.into())),
            Ok(())
        ]
    );
    // Nobody forgets the one that was left out: the list shows it.
    let made = [1, 3, 4].map(|number| (agent(number), RUNNING));
    assert_eq!(listed(&backend).await, made);
}

#[tokio::test]
async fn a_refusal_of_the_whole_is_one_of_each() {
    let place = place(2, "echo none left >&2; exit 10");
    let (backend, _) = open(&place);
    let full = BackendError::Capacity {
        message: "none left".into(),
        retry_after: None,
    };
    assert_eq!(
        make(&place, &backend, 2).await,
        [Err(full.clone()), Err(full)]
    );
    assert_eq!(listed(&backend).await, [], "nothing was made");
}

#[tokio::test]
async fn a_program_that_knows_no_batches_is_told_of() {
    let place = place(2, "echo no .machine >&2; exit 14");
    let (backend, _) = open(&place);
    let invalid = BackendError::Invalid(
        "no .machine; if it does not know `machines` in a `create`, take `createBatch` out of its \
         scaler"
            .into(),
    );
    assert_eq!(
        make(&place, &backend, 2).await,
        [Err(invalid.clone()), Err(invalid)]
    );
}

#[tokio::test]
async fn whatever_is_not_clear_is_unknown_of_each_and_counts_as_present() {
    for (text, why) in [
        ("echo hello; exit", "it begins with `hello`"),
        ("exit", "the answer to `create` is empty"),
        (
            "make $(all | head -1); kill -9 $$",
            "`create` was ended by a signal",
        ),
        ("good_batch; exit 1", "`create` ended with code 1"),
        (
            "good_batch | sed s/running/RUNNING/; exit",
            "unknown variant `RUNNING`",
        ),
        (
            "make $(all | head -1); good_batch >/dev/null; sleep 600",
            "did not answer within 2 s and was ended",
        ),
    ] {
        let mut place = place(2, text);
        if text.contains("sleep") {
            place.deadline = Duration::from_secs(2);
        }
        let (backend, events) = open_with(&place, |_| {});
        for answer in make(&place, &backend, 2).await {
            match answer {
                Err(BackendError::Unknown(said)) => assert!(said.contains(why), "{text}: {said}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let seen = listed(&backend).await;
        let agents: Vec<AgentId> = seen.iter().map(|(agent, _)| *agent).collect();
        assert_eq!(agents, [agent(1), agent(2)], "{text}");
        // Whom nobody made is gone once that is confirmed; who was made stays.
        for (agent, state) in seen {
            if state == STARTING {
                let gone = BackendEvent::Gone(agent, Exit::Unknown);
                events.wait_for(gone).await;
            }
        }
        let rest = listed(&backend).await;
        assert!(rest.iter().all(|(_, state)| *state == RUNNING), "{rest:?}");
    }
}

#[tokio::test]
async fn who_gives_up_takes_nobody_along() {
    let place = place(
        3,
        "touch $here/asked; until [ -e $here/go ]; do sleep 0.01; done; good_batch; exit",
    );
    let (backend, _) = open(&place);
    let creations = [1, 2, 3].map(|number| {
        let (backend, request) = (backend.clone(), place.request(number));
        tokio::spawn(async move { backend.create(request).await })
    });
    until("it is asked", || place.path("asked").exists()).await;
    let [first, second, third] = creations;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    fs::write(place.path("go"), "").unwrap();
    assert_eq!(
        (second.await.unwrap(), third.await.unwrap()),
        (Ok(()), Ok(()))
    );
    let all = [1, 2, 3].map(|number| (agent(number), RUNNING));
    assert_eq!(listed(&backend).await, all, "the first is there as well");
}

#[tokio::test]
async fn no_other_call_for_a_machine_of_a_batch_overlaps_with_it() {
    let place = place(
        2,
        "touch $here/asked; until [ -e $here/go ]; do sleep 0.01; done; good_batch; echo made >>$here/calls; exit",
    );
    let (backend, _) = open(&place);
    let creating = tokio::spawn({
        let (backend, requests) = (backend.clone(), [1, 2].map(|number| place.request(number)));
        async move { join_all(requests.map(|request| backend.create(request))).await }
    });
    until("it is asked", || place.path("asked").exists()).await;
    let mut ending = end(backend.clone(), 2);
    assert!(
        tokio::time::timeout(Duration::ZERO, &mut ending)
            .await
            .is_err(),
        "it waits"
    );
    fs::write(place.path("go"), "").unwrap();
    assert_eq!(creating.await.unwrap(), [Ok(()), Ok(())]);
    assert_eq!(ending.await.unwrap(), Ok(()));
    assert_eq!(calls(&place), "create\nmade\ndestroy\nstatus\nstatus\n");
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
}

/// Ends the machine of this agent, meanwhile.
fn end(
    backend: Arc<ProgramBackend>,
    number: u32,
) -> tokio::task::JoinHandle<Result<(), BackendError>> {
    tokio::spawn(async move {
        let request = DestroyRequest {
            agent: agent(number),
            grace: Duration::ZERO,
        };
        backend.destroy(request).await
    })
}

#[tokio::test]
async fn asked_for_again_no_second_machine_is_made() {
    let place = place(3, "good_batch; exit");
    let (backend, _) = open(&place);
    assert_eq!(make(&place, &backend, 3).await, vec![Ok(()); 3]);
    assert_eq!(make(&place, &backend, 3).await, vec![Ok(()); 3]);
    assert_eq!(fs::read_dir(place.path("m")).unwrap().count(), 3);
}
