//! A full disk refuses what is new and keeps what is there.

mod common;

use std::fs;

use common::{Place, at, chunk, job, submit};
use headcount_model::JobEnd;
use headcount_ports::{JobBook, JobStatus, LogBook, StoreError};
use headcount_store::Options;

const ROOM: u64 = 256 * 1024;

fn small() -> Options {
    Options {
        max_file_bytes: Some(ROOM),
        ..Options::default()
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let place = Place::new();
    let store = place.open_with(small());
    let kept = submit(&store, job("kept")).await;
    let large = vec![job(&"x".repeat(1000)); 1000];
    let refused = store.submit(large.clone(), at(1)).await;
    let file = fs::canonicalize(place.file()).unwrap();
    let text = format!(
        "{} cannot grow; free some space there, what was accepted is kept",
        file.display()
    );
    assert_eq!(refused, Err(StoreError::Full(text.clone())));
    let output = vec![chunk(1, &[0; ROOM as usize])];
    assert_eq!(
        store.append(kept, 1, u64::MAX, output).await,
        Err(StoreError::Full(text))
    );

    let counts = store.counts().await.unwrap();
    assert_eq!(
        counts[&JobStatus::Queued],
        1,
        "none of the refused call was accepted"
    );
    let ends = vec![(kept, JobEnd::Succeeded)];
    assert_eq!(
        store.end(ends, at(2)).await,
        Ok(vec![kept]),
        "small writes go on"
    );

    drop(store);
    let store = place.open();
    assert_eq!(store.submit(large, at(3)).await.unwrap().len(), 1000);
    assert_eq!(
        store.get(kept).await.unwrap().unwrap().status,
        JobStatus::Succeeded
    );
}

#[tokio::test]
async fn writes_that_share_a_transaction_do_not_fail_for_a_large_one() {
    let place = Place::new();
    let store = place.open_with(small());
    let mut calls = Vec::new();
    for n in 0..40 {
        let store = store.clone();
        let jobs = if n % 10 == 3 {
            vec![job(&"x".repeat(1000)); 1000]
        } else {
            vec![job("small")]
        };
        calls.push(tokio::spawn(async move { store.submit(jobs, at(n)).await }));
    }
    let mut accepted = 0;
    for (n, call) in calls.into_iter().enumerate() {
        let answer = call.await.unwrap();
        assert_eq!(answer.is_err(), n % 10 == 3, "call {n}: {answer:?}");
        accepted += u64::from(answer.is_ok());
    }
    assert_eq!(store.counts().await.unwrap()[&JobStatus::Queued], accepted);
}
