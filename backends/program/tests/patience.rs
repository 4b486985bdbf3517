//! Programs that are slow, that want to be left alone, or that refuse for long: the others go
//! on, nothing is lost, nothing is asked in vain.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::{self, File};
use std::time::Duration;

use futures_util::future::join_all;
use headcount_model::{BackendEvent, Exit, InstanceState, Price};
use headcount_ports::{Backend, BackendError, DestroyRequest};
use support::{GOOD, Place, agent, listed, until};

const HOUR: Duration = Duration::from_secs(3600);
const RUNNING: InstanceState = InstanceState::Running;

fn place(text: &str) -> Place {
    Place::script(&format!("{GOOD}{text}\ngood $1"))
}

/// What makes a verb be refused for so many seconds.
fn throttled(verb: &str, seconds: u32) -> String {
    format!(
        "[ $1 = {verb} ] && {{ echo '{{\"contract\":\"headcount/v1\",\"error\":{{\"kind\":\"throttled\",\
         \"message\":\"429\",\"retryAfterSeconds\":{seconds}}}}}'; exit 12; }}"
    )
}

fn ending(number: u32) -> DestroyRequest {
    DestroyRequest {
        agent: agent(number),
        grace: Duration::ZERO,
    }
}

/// How often it was called so.
fn calls(place: &Place, verb: &str) -> usize {
    let calls = fs::read_to_string(place.path("calls")).unwrap_or_default();
    calls.lines().filter(|it| *it == verb).count()
}

#[tokio::test]
async fn no_list_waits_for_whom_lists_do_not_show() {
    let place = place("[ $1 = status ] && exec sleep 600");
    let (backend, _) = place.open_with(|options| {
        options.pace.status = HOUR;
        let pool = || "tests/linux+x".into();
        options.known = (1..=20).map(|number| (agent(number), pool())).collect();
    });
    while calls(&place, "status") < 16 {
        assert_eq!(listed(&backend).await.len(), 20);
    }
    // All that are asked for at once hang, and lists go on.
    for _ in 0..3 {
        assert_eq!(listed(&backend).await.len(), 20);
    }
    assert_eq!(calls(&place, "status"), 16, "a few at once");
}

/// A price is told once, so whoever gives a list up must not take it along.
#[tokio::test]
async fn a_list_that_nobody_waits_for_any_more_is_told_all_the_same() {
    let place = place(
        "[ $1 = list ] && { touch $here/asked; cat $here/gate; good list | jq -c '.machines[].pricePerHour = 0.5'; exit; }",
    );
    let (backend, events) = place.open();
    backend.create(place.request(1)).await.unwrap();
    gate(&place);
    tokio::select! {
        listed = backend.list() => panic!("{listed:?}"),
        () = until("it is asked for a list", || place.path("asked").exists()) => {}
    }
    open(&place);
    let price = Price::per_hour(0.5).unwrap();
    events.wait_for(BackendEvent::Priced(agent(1), price)).await;
    assert_eq!(calls(&place, "list"), 1);
}

/// Who reads it waits until it is opened.
fn gate(place: &Place) {
    let mut make = std::process::Command::new("mkfifo");
    let made = make.arg(place.path("gate")).status();
    assert!(made.unwrap().success());
}

fn open(place: &Place) {
    drop(
        File::options()
            .write(true)
            .open(place.path("gate"))
            .unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_run_beside_each_other_and_a_removal_waits_for_none() {
    let place = place("[ $1 = create ] && { echo >>$here/begun; cat $here/gate; }");
    gate(&place);
    let (backend, _) = place.open();
    let creating = (1..=40).map(|number| {
        let (backend, mut request) = (backend.clone(), place.request(number));
        request.deadline = HOUR;
        tokio::spawn(async move { backend.create(request).await })
    });
    let creating: Vec<_> = creating.collect();
    let begun = || fs::read_to_string(place.path("begun")).unwrap_or_default();
    until("all run", || begun().lines().count() == 40).await;
    assert_eq!(backend.destroy(ending(99)).await, Ok(()));
    assert!(creating.iter().all(|it| !it.is_finished()));
    open(&place);
    for made in join_all(creating).await {
        assert_eq!(made.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_by_every_verb() {
    let place = place(&throttled("destroy", 600));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    assert_eq!(
        backend.destroy(ending(1)).await,
        Err(BackendError::Throttled {
            message: "429".into(),
            retry_after: Duration::from_secs(600)
        })
    );
    let before = fs::read_to_string(place.path("calls")).unwrap();
    let left_alone = "it asked to be left alone";
    match backend.destroy(ending(1)).await {
        Err(BackendError::Throttled {
            message,
            retry_after,
        }) => {
            assert_eq!(message, left_alone);
            assert!(retry_after <= Duration::from_secs(600));
        }
        other => panic!("{other:?}"),
    }
    match backend.create(place.request(2)).await {
        Err(BackendError::Capacity { message, .. }) => {
            assert_eq!(message, format!("throttled: {left_alone}"));
        }
        other => panic!("{other:?}"),
    }
    let unlisted = BackendError::Transient(format!("throttled: {left_alone}"));
    assert_eq!(backend.list().await, Err(unlisted));
    assert_eq!(fs::read_to_string(place.path("calls")).unwrap(), before);
}

#[tokio::test]
async fn a_removal_that_cannot_be_confirmed_for_now_is_put_off() {
    let place = place(&throttled("status", 600));
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    assert_eq!(
        backend.destroy(ending(1)).await,
        Err(BackendError::Throttled {
            message: "429".into(),
            retry_after: Duration::from_secs(600)
        })
    );
    assert_eq!(calls(&place, "status"), 1);
}

#[tokio::test]
async fn who_is_left_alone_for_no_time_is_asked_again() {
    let place = place(&throttled("list", 0));
    let (backend, _) = place.open();
    for _ in 0..2 {
        let unlisted = BackendError::Transient("throttled: 429".into());
        assert_eq!(backend.list().await, Err(unlisted));
    }
}

#[tokio::test]
async fn one_that_says_it_made_a_machine_and_made_none_is_found_out() {
    let place = place("[ $1 = create ] && { good create; rm $here/m/$n; exit; }");
    let (backend, events) = place.open();
    assert_eq!(backend.create(place.request(1)).await, Ok(()));
    assert_eq!(listed(&backend).await, [(agent(1), RUNNING)], "it counts");
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    events.wait_for(gone).await;
    assert_eq!(listed(&backend).await, []);
    assert_eq!(calls(&place, "create"), 1, "nothing is doubled");
    assert!(calls(&place, "list") >= 2 && calls(&place, "status") >= 1);
}

#[tokio::test]
async fn one_that_refuses_to_end_a_machine_keeps_it_in_the_list_until_it_is_gone() {
    let place = place("[ $1 = destroy ] && [ ! -e $here/yield ] && { echo not now >&2; exit 16; }");
    let (backend, _) = place.open();
    backend.create(place.request(1)).await.unwrap();
    for _ in 0..12 {
        let refused = BackendError::Unknown("not now".into());
        assert_eq!(backend.destroy(ending(1)).await, Err(refused));
        assert_eq!(listed(&backend).await, [(agent(1), RUNNING)]);
    }
    fs::write(place.path("yield"), "").unwrap();
    assert_eq!(backend.destroy(ending(1)).await, Ok(()));
    assert_eq!(listed(&backend).await, []);
}

#[tokio::test]
async fn a_creation_has_the_time_that_its_pool_gives_it() {
    let place = place("[ $1 = create ] && ask .deadlineSeconds >>$here/deadlines");
    let (backend, _) = place.open();
    for (number, millis) in [(1, 100), (2, 1500), (3, 90_000)] {
        let mut request = place.request(number);
        request.deadline = Duration::from_millis(millis);
        // The first may be too late.
        let _ = backend.create(request).await;
    }
    let deadlines = fs::read_to_string(place.path("deadlines")).unwrap();
    assert!(deadlines.ends_with("2\n90\n"), "{deadlines}");
}
