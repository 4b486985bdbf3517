//! Writes that wait together share a transaction, and nothing else.

mod common;

use common::{Place, at, job};
use headcount_model::{Command, JobId};
use headcount_ports::{JobBook, JobStatus, NewJob, StoreError};

fn keyed(key: &str, script: &str) -> NewJob {
    NewJob {
        key: Some(key.to_string()),
        ..job(script)
    }
}

#[tokio::test]
async fn a_conflict_spoils_only_its_own_call() {
    let place = Place::new();
    let store = place.open();
    let mut calls = Vec::new();
    for n in 0..200 {
        let store = store.clone();
        let jobs = if n % 2 == 0 {
            vec![keyed("same", "one"), job("filler")]
        } else {
            vec![job("filler"), keyed("same", "other")]
        };
        calls.push(tokio::spawn(async move { store.submit(jobs, at(0)).await }));
    }
    let mut accepted = 0;
    let mut conflicts = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(submitted) => accepted += submitted.iter().filter(|it| !it.existed).count(),
            Err(StoreError::Conflict(_)) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(
        conflicts, 100,
        "whichever came first, half of the calls conflict"
    );
    let waiting = store
        .queued(&headcount_model::SourceId::new("queue"))
        .await
        .unwrap();
    assert_eq!(waiting.len(), accepted);
    assert_eq!(
        accepted, 101,
        "one with the key, and a filler of each call accepted"
    );
    assert!(waiting.is_sorted_by_key(|it| it.job));
}

#[tokio::test]
async fn a_caller_that_stops_waiting_changes_nothing() {
    let place = Place::new();
    let store = place.open();
    let mut call = Box::pin(store.submit(vec![job("true")], at(0)));
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    // Asks for the write; whether it is answered already does not matter.
    drop(call.as_mut().poll(&mut context));
    drop(call);
    // Writes are carried out in order, so this one comes after it.
    store.requeue(JobId(1), 3, 4).await.unwrap();
    let waiting = store
        .queued(&headcount_model::SourceId::new("queue"))
        .await
        .unwrap();
    let found: Vec<_> = waiting
        .iter()
        .map(|it| (it.attempts, it.deliveries))
        .collect();
    assert_eq!(found, [(3, 4)]);
}

#[tokio::test]
async fn secrets_of_an_ended_job_leave_the_file() {
    let place = Place::new();
    let store = place.open();
    let secret = "correct-horse-battery-staple ".repeat(400);
    let with_secret = NewJob {
        env: [("TOKEN".to_string(), secret)].into(),
        command: Command::Argv(vec!["deploy".to_string()]),
        ..job("")
    };
    let id = common::submit(&store, with_secret).await;
    store
        .end(vec![(id, headcount_model::JobEnd::Succeeded)], at(1))
        .await
        .unwrap();
    drop(store);
    let bytes = std::fs::read(place.file()).unwrap();
    let found = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(
        found("deploy") && !found("horse-battery"),
        "the job stays, its secret does not"
    );
}

#[tokio::test]
async fn counts_follow_every_change() {
    let place = Place::new();
    let store = place.open();
    let ids: Vec<_> = store.submit(vec![job("true"); 3], at(0)).await.unwrap();
    common::commit(&store, vec![common::attempt(ids[0].job, 1, at(1))]).await;
    store
        .end(vec![(ids[1].job, headcount_model::JobEnd::Expired)], at(2))
        .await
        .unwrap();
    let counts = store.counts().await.unwrap();
    let nonzero: Vec<_> = counts.into_iter().filter(|(_, n)| *n > 0).collect();
    let expected = [
        (JobStatus::Queued, 1),
        (JobStatus::Assigned, 1),
        (JobStatus::Expired, 1),
    ];
    assert_eq!(nonzero, expected);
}
