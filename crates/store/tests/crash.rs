//! `kill -9` in the middle of writing loses nothing that was acknowledged.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use common::{Place, at, attempt, chunk, job};
use headcount_model::{Changes, JobId};
use headcount_ports::{JobBook, JobStatus, Ledger, LogBook};
use headcount_store::{Options, SqliteStore, StateDir};

const STATE_DIR: &str = "HEADCOUNT_TEST_STATE_DIR";
const ACKNOWLEDGED: &str = "acknowledged";
/// Enough that the kill comes in the middle of things.
const ROUNDS: usize = 40;

/// Not a test of its own: the process that is killed.
#[tokio::test]
#[ignore = "started by the test below"]
async fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(STATE_DIR) else {
        return;
    };
    let dir = StateDir::open(path).unwrap();
    let store = SqliteStore::open(&dir, Options::default()).unwrap();
    store.load().await.unwrap();
    loop {
        let submitted = store.submit(vec![job("true"); 3], at(0)).await.unwrap();
        let id = submitted[0].job;
        let changes = Changes {
            attempts: vec![attempt(id, 1, at(1))],
            ..Changes::default()
        };
        store.commit(changes, None).await.unwrap();
        store
            .append(id, 1, 100, vec![chunk(1, b"x")])
            .await
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{ACKNOWLEDGED} {}", id.0).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(STATE_DIR, place.dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let Some(id) = line.strip_prefix(ACKNOWLEDGED) {
            acknowledged.push(JobId(id.trim().parse().unwrap()));
        }
        if acknowledged.len() == ROUNDS {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        acknowledged.len() >= ROUNDS,
        "{} rounds",
        acknowledged.len()
    );

    let store = place.open();
    let found = store.load().await.unwrap();
    for id in acknowledged {
        let record = store
            .get(id)
            .await
            .unwrap()
            .expect("an accepted job is known");
        assert_eq!(record.status, JobStatus::Assigned, "{id}");
        assert!(found.attempts.iter().any(|it| it.job == id), "{id} is held");
        assert_eq!(
            store.read(id, Some(1), 0, 100).await.unwrap().chunks.len(),
            1
        );
        for further in [JobId(id.0 + 1), JobId(id.0 + 2)] {
            assert!(store.get(further).await.unwrap().is_some(), "{further}");
        }
    }
}
