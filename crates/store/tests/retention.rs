//! What is kept, and what goes when.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

mod common;

use std::time::Duration;

use common::{Place, at, attempt, chunk, commit, job, settle, submit};
use headcount_model::{
    AgentId, Changes, JobEnd, JobId, PoolName, Price, SourceId, TimeSpent, Timestamp, Usage,
};
use headcount_ports::{
    DecisionRow, JobBook, JobFilter, Ledger, LogBook, LogPage, NewJob, TimeBook,
};
use headcount_store::{Options, Pruned, Retention, SqliteStore};

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

fn keeping(retention: Retention) -> Options {
    Options {
        retention,
        ..Options::default()
    }
}

async fn end(store: &SqliteStore, job: JobId, millis: u64) {
    let ends = vec![(job, JobEnd::Succeeded)];
    store.end(ends, at(millis)).await.unwrap();
}

async fn known(store: &SqliteStore) -> Vec<u64> {
    let filter = JobFilter {
        limit: 10_000,
        ..JobFilter::default()
    };
    let jobs = store.list(filter).await.unwrap();
    jobs.iter().map(|it| it.job.0).collect()
}

/// However old and however many: a removed job would be run again, were its entry given
/// to us once more.
#[tokio::test]
async fn a_job_whose_end_is_to_be_told_stays() {
    let place = Place::new();
    let store = place.open_with(keeping(Retention {
        ended_jobs: 0,
        ..Retention::default()
    }));
    let elsewhere = NewJob {
        source: SourceId::new("ci"),
        ..job("elsewhere")
    };
    let id = submit(&store, elsewhere).await;
    end(&store, id, 0).await;
    store.prune(at(30 * DAY_MILLIS)).await.unwrap();
    assert_eq!(known(&store).await, [id.0]);
    store.told(vec![id]).await.unwrap();
    store.prune(at(30 * DAY_MILLIS)).await.unwrap();
    assert!(known(&store).await.is_empty());
}

#[tokio::test]
async fn ended_jobs_go_after_their_time_with_all_that_is_theirs() {
    let place = Place::new();
    let store = place.open();
    let old = submit(&store, job("old")).await;
    let held = submit(&store, job("held")).await;
    let young = submit(&store, job("young")).await;
    let waiting = submit(&store, job("waiting")).await;
    let attempts = [old, held, young].map(|it| attempt(it, 1, at(1)));
    commit(&store, attempts.to_vec()).await;
    settle(&store, vec![(old, 1), (young, 1)]).await;
    for id in [old, young] {
        store
            .append(id, 1, 100, vec![chunk(1, b"output")])
            .await
            .unwrap();
    }
    end(&store, old, 0).await;
    end(&store, held, 0).await;
    end(&store, young, 1000).await;

    let pruned = store.prune(at(7 * DAY_MILLIS)).await.unwrap();
    assert_eq!(pruned, Pruned::default(), "not yet");
    let pruned = store.prune(at(7 * DAY_MILLIS + 1)).await.unwrap();
    let expected = Pruned {
        jobs: 1,
        attempts: 1,
        log_bytes: 6,
        ..Pruned::default()
    };
    assert_eq!(pruned, expected);
    let left = [waiting, young, held].map(|it| it.0);
    assert_eq!(
        known(&store).await,
        left,
        "a job with an unsettled attempt stays"
    );
    assert_eq!(store.read(old, None, 0, 100).await, Ok(LogPage::default()));
    assert_eq!(
        store.read(young, None, 0, 100).await.unwrap().chunks.len(),
        1
    );
}

#[tokio::test]
async fn only_so_many_ended_jobs_stay_and_a_key_lives_as_long_as_its_job() {
    let place = Place::new();
    let store = place.open_with(keeping(Retention {
        ended_jobs: 2,
        ..Retention::default()
    }));
    let mut keyed = job("keyed");
    keyed.key = Some("k".to_string());
    let first = submit(&store, keyed.clone()).await;
    end(&store, first, 0).await;
    for n in 1..4 {
        let id = submit(&store, job("true")).await;
        end(&store, id, n).await;
    }
    assert_eq!(submit(&store, keyed.clone()).await, first);
    let pruned = store.prune(at(9)).await.unwrap();
    assert_eq!((pruned.jobs, pruned.more), (2, false));
    assert_eq!(known(&store).await, [4, 3]);
    assert_eq!(
        submit(&store, keyed).await,
        JobId(5),
        "the key is free, the id is not"
    );
}

#[tokio::test]
async fn too_much_output_loses_the_oldest_settled_first() {
    let place = Place::new();
    let store = place.open_with(keeping(Retention {
        log_bytes: 25,
        ..Retention::default()
    }));
    let mut ids = Vec::new();
    for n in 0..4 {
        let id = submit(&store, job("true")).await;
        commit(&store, vec![attempt(id, 1, at(n))]).await;
        store
            .append(id, 1, 100, vec![chunk(1, b"0123456789")])
            .await
            .unwrap();
        ids.push(id);
    }
    // The oldest of all still runs.
    settle(&store, ids[1..].iter().map(|id| (*id, 1)).collect()).await;
    let pruned = store.prune(at(9)).await.unwrap();
    assert_eq!((pruned.log_bytes, pruned.more), (20, false));
    let mut left = Vec::new();
    for id in ids {
        let page = store.read(id, None, 0, 100).await.unwrap();
        left.push((page.chunks.len(), page.truncated));
    }
    assert_eq!(left, [(1, false), (0, true), (0, true), (1, false)]);
}

#[tokio::test]
async fn attempts_of_other_sources_go_by_their_age() {
    let place = Place::new();
    let store = place.open();
    let (old, held, young) = (JobId(900), JobId(901), JobId(902));
    let attempts = vec![
        attempt(old, 1, at(0)),
        attempt(held, 1, at(0)),
        attempt(held, 2, at(0)),
        attempt(young, 1, at(5000)),
    ];
    commit(&store, attempts).await;
    settle(&store, vec![(old, 1), (held, 1), (young, 1)]).await;
    store
        .append(old, 1, 100, vec![chunk(1, b"output")])
        .await
        .unwrap();
    let pruned = store.prune(at(7 * DAY_MILLIS + 1)).await.unwrap();
    assert_eq!((pruned.attempts, pruned.log_bytes), (1, 6));
    assert_eq!(store.read(old, None, 0, 100).await, Ok(LogPage::default()));
}

#[tokio::test]
async fn decisions_go_by_age_and_number() {
    let place = Place::new();
    let store = place.open_with(keeping(Retention {
        decisions: 3,
        decisions_for: Duration::from_millis(100),
        ..Retention::default()
    }));
    for n in 0..6 {
        let decision = DecisionRow {
            at: at(n),
            lines: vec![n.to_string()],
        };
        store
            .commit(Changes::default(), Some(decision))
            .await
            .unwrap();
    }
    let left = async || {
        let rows = store.decisions(10).await.unwrap();
        rows.iter()
            .map(|row| row.lines.concat())
            .collect::<Vec<_>>()
    };
    assert_eq!(store.prune(at(6)).await.unwrap().decisions, 3);
    assert_eq!(left().await, ["5", "4", "3"]);
    assert_eq!(store.prune(at(105)).await.unwrap().decisions, 2);
    assert_eq!(left().await, ["5"]);
}

#[tokio::test]
async fn a_call_removes_a_bounded_amount_and_the_file_shrinks() {
    let place = Place::new();
    let store = place.open();
    let jobs = vec![job(&"x".repeat(4000)); 2500];
    let ids: Vec<_> = store.submit(jobs, at(0)).await.unwrap();
    let ends = ids.iter().map(|it| (it.job, JobEnd::Expired)).collect();
    store.end(ends, at(1)).await.unwrap();
    let full = size_when_closed(store, &place);

    let store = place.open();
    let mut removed = Vec::new();
    loop {
        let pruned = store.prune(at(8 * DAY_MILLIS)).await.unwrap();
        removed.push(pruned.jobs);
        if !pruned.more {
            break;
        }
    }
    assert_eq!(removed, [1000, 1000, 500]);
    let empty = size_when_closed(store, &place);
    assert!(empty * 2 < full, "{empty} bytes of {full} are left");
}

fn size_when_closed(store: SqliteStore, place: &Place) -> u64 {
    drop(store);
    std::fs::metadata(place.file()).unwrap().len()
}

#[tokio::test]
async fn much_output_is_removed_in_several_calls() {
    let place = Place::new();
    let store = place.open();
    let id = submit(&store, job("loud")).await;
    let chunks = (1..=10_000).map(|n| chunk(n, b"x")).collect();
    assert_eq!(store.append(id, 1, 1 << 20, chunks).await, Ok(10_000));
    end(&store, id, 0).await;
    let mut removed = Vec::new();
    loop {
        let pruned = store.prune(at(8 * DAY_MILLIS)).await.unwrap();
        removed.push((pruned.log_bytes, pruned.jobs));
        if !pruned.more {
            break;
        }
    }
    assert_eq!(removed, [(4096, 0), (4096, 0), (1808, 1)]);
}

fn piece(number: u32, from: u64, until: u64) -> TimeSpent {
    TimeSpent {
        agent: AgentId { epoch: 1, number },
        pool: PoolName::new("s/linux"),
        usage: Usage::Idle,
        from: at(from),
        until: at(until),
        price: Price::from_micros(3_600_000),
    }
}

async fn spend(store: &SqliteStore, time_spent: Vec<TimeSpent>) {
    let changes = Changes {
        time_spent,
        ..Changes::default()
    };
    store.commit(changes, None).await.unwrap();
}

/// What is known of the time of agents: from when on, and how many milliseconds.
async fn known_time(store: &SqliteStore) -> (Timestamp, Option<u64>) {
    let spent = store.spent(Timestamp::ZERO, at(1 << 40)).await.unwrap();
    let sum = spent.sums.values().next();
    (spent.from, sum.map(|sum| sum.millis))
}

#[tokio::test]
async fn old_time_of_agents_goes_and_totals_stay() {
    let place = Place::new();
    let store = place.open_with(keeping(Retention {
        machine_time_for: Duration::from_millis(100),
        machine_time: 3,
        ..Retention::default()
    }));
    let pieces = [
        (1, 0, 10),
        (1, 10, 50),
        (2, 5, 20),
        (3, 30, 60),
        (4, 40, 70),
    ];
    let pieces = pieces.map(|(n, from, until)| piece(n, from, until));
    spend(&store, pieces.to_vec()).await;
    assert_eq!(known_time(&store).await, (at(0), Some(125)));
    let before = store.totals(at(100)).await.unwrap();

    // The oldest of more than three go first.
    assert_eq!(store.prune(at(100)).await.unwrap().machine_time, 2);
    assert_eq!(known_time(&store).await, (at(20), Some(30 + 30 + 30)));
    // Then those that ended too long ago.
    assert_eq!(store.prune(at(165)).await.unwrap().machine_time, 2);
    assert_eq!(known_time(&store).await, (at(60), Some(10)));
    assert_eq!(store.prune(at(165)).await.unwrap(), Pruned::default());

    let totals = store.totals(at(100)).await.unwrap();
    assert_eq!(totals, before, "counters do not go back");
    let sum = totals.values().next().copied().unwrap_or_default();
    assert_eq!((sum.millis, sum.money.micros()), (125, 125));
}
