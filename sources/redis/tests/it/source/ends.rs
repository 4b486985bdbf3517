//! How jobs of a stream end, and what Redis hears of it.

use headcount_model::{Exit, JobEnd, JobId, Outcome, Reason, SourceEvent};
use headcount_ports::{CancelError, Cancelled, JobStatus, Source, SourceError};
use headcount_test_redis::{Server, skip};

use super::world::{World, add, field_of_letters, letters, pending};

fn failed(code: i32) -> JobEnd {
    JobEnd::Failed {
        reason: Reason::CommandFailed,
        outcome: Some(Outcome::Exited(Exit::Code(code))),
    }
}

#[tokio::test]
async fn what_succeeded_is_acknowledged_and_what_failed_is_a_dead_letter() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let world = World::open(&server).await;
    let taken = world.take(3).await;
    world.complete(taken[0], JobEnd::Succeeded).await;
    world.complete(taken[1], failed(7)).await;
    for _ in 0..2 {
        world
            .complete(taken[2], JobEnd::Cancelled { outcome: None })
            .await;
    }
    world.all_told().await;
    assert_eq!(pending(&server), [""; 0]);
    assert_eq!(letters(&server), ["2-1"]);
    let reason = &field_of_letters(&server, "headcount-reason")[0];
    assert!(reason.ends_with("exit code 7"), "{reason}");
    assert_eq!(field_of_letters(&server, "job"), ["2-1"]);
    let stats = world.source.stats();
    assert_eq!((stats.acknowledged, stats.buried, stats.held), (2, 1, 0));
    assert_eq!(
        world.shown().await,
        ["1-1 succeeded", "2-1 failed", "3-1 cancelled"]
    );
}

#[tokio::test]
async fn a_job_that_comes_back_waits_in_the_book_and_goes_first() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let mut world = World::open(&server).await;
    let first = world.take(1).await[0];
    world.told(1).await;
    world.source.give_back(first, 1, 0).await.unwrap();
    world.told(2).await;
    assert_eq!(pending(&server), ["1-1"], "it stays ours");
    assert_eq!(world.source.ahead_of(first), Some(0));
    let taken = world.take(2).await;
    assert_eq!(world.names(&taken).await, ["1-1", "2-1"]);
    assert_eq!(world.record(first).await.attempts, 1);
    let gone = world.source.give_back(JobId(99), 1, 0).await;
    assert_eq!(gone, Err(SourceError::Gone("job-99".to_owned())));
}

#[tokio::test]
async fn a_cancelled_job_is_acknowledged_wherever_it_is() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let mut world = World::open(&server).await;
    let taken = world.take(3).await;
    let (waits, runs, returns) = (taken[0], taken[1], taken[2]);
    world.source.give_back(waits, 0, 1).await.unwrap();
    assert_eq!(world.source.cancel(waits).await, Ok(Cancelled::Ended));
    let ended = CancelError::AlreadyEnded {
        job: waits,
        status: JobStatus::Cancelled,
    };
    assert_eq!(world.source.cancel(waits).await, Err(ended));
    for job in [runs, returns] {
        assert_eq!(world.source.cancel(job).await, Ok(Cancelled::Requested));
        let asked = SourceEvent::CancelRequested(job);
        world.posted_until(|event| *event == asked).await;
    }
    world.source.give_back(returns, 1, 0).await.unwrap();
    world
        .complete(runs, JobEnd::Cancelled { outcome: None })
        .await;
    world.all_told().await;
    let all = world.shown().await;
    assert_eq!(all, ["1-1 cancelled", "2-1 cancelled", "3-1 cancelled"]);
    assert_eq!((pending(&server), letters(&server)), (vec![], vec![]));
    let unknown = world.source.cancel(JobId(99)).await;
    assert_eq!(unknown, Err(CancelError::NotFound(JobId(99))));
}
