//! From the stream into the book.

use headcount_model::{JobEnd, Reason, SourceEvent};
use headcount_ports::Source;
use headcount_source_redis::RedisSource;
use headcount_test_redis::{Server, skip};

use super::world::{World, add, field_of_letters, letters, pending, settings};

#[tokio::test]
async fn entries_are_taken_by_permit_oldest_first_and_become_jobs() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let mut world = World::open(&server).await;
    world.told(3).await;
    assert_eq!(pending(&server), [""; 0], "nothing without a permit");
    let taken = world.take(2).await;
    assert_eq!(world.names(&taken).await, ["1-1", "2-1"]);
    assert_eq!(pending(&server), ["1-1", "2-1"]);
    world.told(1).await;
    let work = world.source.work(taken[0]).await.unwrap();
    let env = work
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    assert_eq!(
        env.collect::<Vec<_>>().join(" "),
        "FIXED=1 HEADCOUNT_DELIVERIES=1 HEADCOUNT_ENTRY=1-1 HEADCOUNT_FIELD_JOB=1-1 \
         HEADCOUNT_STREAM=s"
    );
    let record = world.record(taken[0]).await;
    assert_eq!(record.spec.key.as_deref(), Some("ci/s/g/1-1"));
    assert_eq!(
        (record.spec.retries, record.spec.source.as_str()),
        (2, "ci")
    );
    assert_eq!(world.waiting().await, "1");
    assert_eq!(world.take(9).await.len(), 1);
    assert_eq!(world.take(9).await, []);
    assert_eq!(world.waiting().await, "0");
}

#[tokio::test]
async fn what_is_added_is_told_at_once() {
    if skip() {
        return;
    }
    let server = Server::start();
    let mut world = World::open(&server).await;
    assert_eq!(world.waiting().await, "0", "no stream is an empty one");
    for n in 1..=3 {
        add(&server, &[&format!("{n}-1")]);
        world.told(n).await;
    }
}

#[tokio::test]
async fn entries_of_silent_consumers_come_before_new_ones() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    let read = [
        "XREADGROUP",
        "GROUP",
        "g",
        "dead",
        "COUNT",
        "2",
        "STREAMS",
        "s",
        ">",
    ];
    server.say(&read);
    let silent = [
        "XCLAIM", "s", "g", "dead", "0", "2-1", "IDLE", "3600000", "JUSTID",
    ];
    server.say(&silent);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "2", "one is in progress elsewhere");
    let taken = world.take(1).await;
    assert_eq!(world.names(&taken).await, ["2-1"]);
    let record = world.record(taken[0]).await;
    assert_eq!(record.spec.retries, 1, "the dead one's attempt counts");
    assert_eq!(record.spec.env["HEADCOUNT_DELIVERIES"], "2");
    assert_eq!(world.source.stats().claimed, 1);
    let taken = world.take(9).await;
    assert_eq!(world.names(&taken).await, ["3-1"]);
}

#[tokio::test]
async fn an_entry_that_was_tried_too_often_is_a_dead_letter_unrun() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    let read = [
        "XREADGROUP",
        "GROUP",
        "g",
        "dead",
        "COUNT",
        "2",
        "STREAMS",
        "s",
        ">",
    ];
    server.say(&read);
    let often = [
        "XCLAIM",
        "s",
        "g",
        "dead",
        "0",
        "1-1",
        "RETRYCOUNT",
        "3",
        "JUSTID",
    ];
    server.say(&often);
    let silent = [
        "XCLAIM", "s", "g", "dead", "0", "1-1", "IDLE", "3600000", "JUSTID",
    ];
    server.say(&silent);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "1");
    assert_eq!(world.take(9).await, []);
    world.all_told().await;
    assert_eq!(world.shown().await, ["1-1 failed"]);
    assert_eq!(
        field_of_letters(&server, "headcount-reason"),
        [
            "its message cannot run, or was delivered too often: the entry was delivered 4 times, \
          3 attempts are allowed"
        ]
    );
    assert_eq!(pending(&server), [""; 0]);
}

#[tokio::test]
async fn a_poisoned_entry_is_a_failed_job_and_a_dead_letter_and_the_next_one_runs() {
    if skip() {
        return;
    }
    let server = Server::start();
    server.say(&["XADD", "s", "1-1", "a-b", "1", "a_b", "2"]);
    server.say(&["XADD", "s", "2-1", "huge", &"x".repeat(10 << 20)]);
    add(&server, &["3-1"]);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "3");
    let taken = world.take(3).await;
    assert_eq!(world.names(&taken).await, ["3-1"]);
    world.all_told().await;
    assert_eq!(
        world.shown().await,
        ["1-1 failed", "2-1 failed", "3-1 queued"]
    );
    assert_eq!(letters(&server), ["1-1", "2-1"]);
    let reasons = field_of_letters(&server, "headcount-reason");
    assert_eq!(
        reasons[1],
        "its message cannot run, or was delivered too often: the fields have 10485780 bytes, at \
         most 1048576 fit; send a reference instead"
    );
    assert_eq!(field_of_letters(&server, "huge")[0].len(), 10 << 20);
    assert_eq!(pending(&server), ["3-1"]);
    let record = world.record(headcount_model::JobId(1)).await;
    assert!(matches!(
        record.end,
        Some(JobEnd::Failed {
            reason: Reason::Poisoned,
            ..
        })
    ));
    assert!(record.spec.env.is_empty());
}

#[tokio::test]
async fn a_field_that_is_left_out_does_no_harm() {
    if skip() {
        return;
    }
    let server = Server::start();
    server.say(&["XADD", "s", "1-1", "huge", &"x".repeat(10 << 20), "a", "1"]);
    let mut settings = settings(&server.address());
    settings.left_out = ["huge".to_owned()].into();
    let world = World::of(settings, super::world::book()).await;
    let taken = world.take(1).await;
    let work = world.source.work(taken[0]).await.unwrap();
    assert_eq!(work.env["HEADCOUNT_FIELD_A"], "1");
    assert!(!work.env.contains_key("HEADCOUNT_FIELD_HUGE"));
}

#[tokio::test]
async fn many_entries_are_taken_in_pages() {
    if skip() {
        return;
    }
    let server = Server::start();
    let many = "for i = 1, 2500 do redis.call('XADD', 's', i .. '-1', 'job', i) end";
    server.say(&["EVAL", many, "0"]);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "2500");
    assert_eq!(world.take(2_000).await.len(), 2_000);
    assert_eq!(world.waiting().await, "500");
    assert_eq!(world.take(2_000).await.len(), 500);
    assert!(RedisSource::keeps_hopeless(&world.source));
}

/// An entry on its way from the stream into the book is in one of them: an agent too many
/// would be made for it otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_never_counted_twice() {
    if skip() {
        return;
    }
    let server = Server::start();
    let mut world = World::open(&server).await;
    for n in 1..=50 {
        add(&server, &[&format!("{n}-1")]);
        world.told(1).await;
        assert_eq!(world.take(1).await.len(), 1);
        world
            .posted_until(|event| {
                let SourceEvent::Demand { count, .. } = event else {
                    panic!("it is known: {event:?}");
                };
                assert!(count.waiting <= 1, "{event:?}");
                count.waiting == 0
            })
            .await;
    }
}
