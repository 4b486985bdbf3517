//! A daemon that was killed while its programs were making machines: what they make counts
//! from the first moment of the next daemon on, and nothing is believed to be gone too early.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use headcount_backend_program::ProgramBackend;
use headcount_model::{BackendEvent, Exit, InstanceState};
use headcount_ports::conformance::backend::Events;
use headcount_ports::{Backend, BackendError, DestroyRequest};
use support::{GOOD, Place, agent, listed, until};

const STARTING: InstanceState = InstanceState::Starting;
const RUNNING: InstanceState = InstanceState::Running;

/// A program whose creations say who they are and wait for a word.
fn slow(then: &str) -> Place {
    Place::script(&format!(
        "{GOOD}if [ $1 = create ]; then mkfifo $here/gate; echo $$ >$here/new; mv $here/new $here/pid
         read word <$here/gate; [ \"$word\" = make ] || exit 1; fi\n{then}\ngood $1"
    ))
}

/// What is left when a daemon is killed that has begun to create: its program, which goes on.
/// The daemon is one that is never heard of again.
async fn begun(place: &Place) {
    let (killed, _) = place.open();
    let request = place.request(1);
    tokio::spawn(async move { killed.create(request).await });
    until("its program runs", || place.path("pid").exists()).await;
    let note = place.path("state/provisioner-calls/a-7-1");
    until("it is noted", || {
        fs::read_to_string(&note).is_ok_and(|text| !text.contains("\"maker\":null"))
    })
    .await;
}

fn next(place: &Place) -> (Arc<ProgramBackend>, Arc<Events>) {
    place.open_with(|options| options.known = vec![(agent(1), "tests/linux+x".into())])
}

/// Lists until an absence would long be believed: it was missed twice, far enough apart, and
/// a list begun after that would have asked for it.
async fn list_long(backend: &ProgramBackend, place: &Place) {
    let calls = || fs::read_to_string(place.path("calls")).unwrap_or_default();
    while calls().matches("list").count() < 6 {
        assert_eq!(listed(backend).await, [(agent(1), STARTING)]);
        // As far apart as absences are confirmed here.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn say(place: &Place, word: &str) {
    fs::write(place.path("gate"), format!("{word}\n")).unwrap();
}

#[tokio::test]
async fn a_machine_that_a_program_makes_after_its_daemon_was_killed_is_awaited() {
    let place = slow("");
    begun(&place).await;
    let (backend, events) = next(&place);
    list_long(&backend, &place).await;
    say(&place, "make");
    events.wait_for(BackendEvent::Running(agent(1))).await;
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
}

#[tokio::test]
async fn one_that_makes_nothing_is_gone_once_its_program_has_ended() {
    let place = slow("");
    begun(&place).await;
    let (backend, events) = next(&place);
    list_long(&backend, &place).await;
    say(&place, "no");
    events
        .wait_for(BackendEvent::Gone(agent(1), Exit::Unknown))
        .await;
    assert_eq!(listed(&backend).await, []);
    assert!(!place.path("state/provisioner-calls/a-7-1").exists());
}

#[tokio::test]
async fn who_would_end_it_waits_for_its_program() {
    let place = slow("");
    begun(&place).await;
    let (backend, _) = next(&place);
    let request = DestroyRequest {
        agent: agent(1),
        grace: Duration::ZERO,
    };
    let ending = {
        let backend = backend.clone();
        tokio::spawn(async move { backend.destroy(request).await })
    };
    list_long(&backend, &place).await;
    let calls = fs::read_to_string(place.path("calls")).unwrap();
    assert!(!calls.contains("destroy"), "{calls}");
    say(&place, "make");
    assert_eq!(ending.await.unwrap(), Ok(()));
    assert!(!place.path("m/headcount-one-a-7-1").exists());
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_when_its_time_is_over() {
    let place = slow("");
    begun(&place).await;
    // As if it had begun an hour ago.
    let note = place.path("state/provisioner-calls/a-7-1");
    let mut text: serde_json::Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    text["noted"] = (text["noted"].as_i64().unwrap() - 3_600_000).into();
    fs::write(&note, text.to_string()).unwrap();
    let (backend, events) = next(&place);
    events
        .wait_for(BackendEvent::Gone(agent(1), Exit::Unknown))
        .await;
    assert_eq!(listed(&backend).await, []);
    let pid = fs::read_to_string(place.path("pid")).unwrap();
    until("its process is gone", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}

/// Whether it was begun nobody knows: it may be for as long as it was given.
#[tokio::test]
async fn a_note_without_a_process_is_waited_out() {
    let place = slow("");
    fs::create_dir_all(place.path("state/provisioner-calls")).unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let note = serde_json::json!({
        "backend": place.address().backend_id().as_str(), "pool": "tests/linux+x",
        "maker": null, "noted": now, "deadline": 3_600_000,
    });
    let path = place.path("state/provisioner-calls/a-7-1");
    fs::write(&path, note.to_string()).unwrap();
    let (backend, _) = next(&place);
    list_long(&backend, &place).await;
    drop(backend);
    let mut over = note;
    over["deadline"] = 0.into();
    fs::write(&path, over.to_string()).unwrap();
    let (backend, events) = next(&place);
    events
        .wait_for(BackendEvent::Gone(agent(1), Exit::Unknown))
        .await;
    assert_eq!(listed(&backend).await, []);
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_begun() {
    let place = slow("");
    fs::write(place.path("state"), "no folder").unwrap();
    let (backend, _) = place.open();
    match backend.create(place.request(1)).await {
        Err(BackendError::Transient(said)) => assert_eq!(
            said,
            "it cannot be noted in the state directory: Not a directory (os error 20)"
        ),
        other => panic!("{other:?}"),
    }
    assert!(!place.path("pid").exists());
    assert_eq!(listed(&backend).await, []);
}
