//! Another consumer took entries over while this daemon was away: they are run once.

use headcount_model::{JobEnd, Reason};
use headcount_test_redis::{Server, Value, skip};

use super::world::{World, add, letters, pending, settings};

/// Takes these, and is away while another consumer claims them.
async fn taken_over(server: &Server, ids: &[&str]) -> World {
    add(server, ids);
    let mut world = World::open(server).await;
    world.told(ids.len() as u64).await;
    assert_eq!(world.take(9).await.len(), ids.len());
    let book = world.book.clone();
    drop(world);
    claimed(server, "0", ids);
    World::of(settings(&server.address()), book).await
}

/// The other consumer has them, and has been silent for so many milliseconds.
fn claimed(server: &Server, silent: &str, ids: &[&str]) {
    let mut claim = vec!["XCLAIM", "s", "g", "other", "0"];
    claim.extend(ids);
    claim.extend(["IDLE", silent]);
    server.say(&claim);
}

async fn again(server: &Server, world: World) -> World {
    let book = world.book.clone();
    drop(world);
    World::of(settings(&server.address()), book).await
}

#[tokio::test]
async fn what_another_has_is_not_handed_out_and_ends_when_it_ends_there() {
    if skip() {
        return;
    }
    let server = Server::start();
    let world = taken_over(&server, &["1-1", "2-1"]).await;
    server.say(&["XACK", "s", "g", "1-1"]);
    assert_eq!(world.waiting().await, "0");
    assert_eq!(world.take(9).await, []);
    assert_eq!(world.shown().await, ["1-1 failed", "2-1 queued"]);
    world.all_told().await;
    let theirs = ["XPENDING", "s", "g", "-", "+", "9", "other"];
    let Value::Array(theirs) = server.say(&theirs) else {
        panic!("rows");
    };
    assert_eq!(theirs.len(), 1, "nothing is taken back");

    server.say(&["XACK", "s", "g", "2-1"]);
    let world = again(&server, world).await;
    assert_eq!(world.waiting().await, "0");
    assert_eq!(world.shown().await, ["1-1 failed", "2-1 failed"]);
    world.all_told().await;
    let jobs = world.book_jobs().await;
    let reasons = jobs.iter().map(|job| match &job.end {
        Some(JobEnd::Failed { reason, .. }) => *reason,
        other => panic!("{other:?}"),
    });
    assert_eq!(reasons.collect::<Vec<_>>(), [Reason::TakenOver; 2]);
    assert_eq!(letters(&server), [""; 0], "it did not fail here");
}

#[tokio::test]
async fn what_the_other_left_behind_waits_here_again() {
    if skip() {
        return;
    }
    let server = Server::start();
    let world = taken_over(&server, &["1-1"]).await;
    assert_eq!(world.waiting().await, "0");
    claimed(&server, "3600000", &["1-1"]);
    assert_eq!(world.waiting().await, "1");
    let taken = world.take(9).await;
    assert_eq!(world.names(&taken).await, ["1-1"]);
    assert_eq!(world.shown().await.len(), 1, "the same job");
    world.complete(taken[0], JobEnd::Succeeded).await;
    world.all_told().await;
    assert_eq!(pending(&server), [""; 0]);
}

#[tokio::test]
async fn what_was_removed_from_the_stream_runs_here() {
    if skip() {
        return;
    }
    let server = Server::start();
    let world = taken_over(&server, &["1-1"]).await;
    assert_eq!(world.waiting().await, "0");
    server.say(&["XDEL", "s", "1-1"]);
    server.say(&["XACK", "s", "g", "1-1"]);
    let world = again(&server, world).await;
    assert_eq!(world.waiting().await, "1", "nobody says that it was run");
}

#[tokio::test]
async fn what_another_has_can_be_cancelled() {
    if skip() {
        return;
    }
    let server = Server::start();
    let world = taken_over(&server, &["1-1"]).await;
    assert_eq!(world.waiting().await, "0");
    let job = world.book_jobs().await[0].job;
    world.source.cancel(job).await.unwrap();
    world.all_told().await;
    assert_eq!(world.shown().await, ["1-1 cancelled"]);
    assert_eq!(pending(&server), [""; 0]);
}
