//! What is accepted, and what a client is told otherwise.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Book, World, at, class, job};
use headcount_model::{Command, Selectors, SourceEvent};
use headcount_ports::{JobBook, NewJob, Source};
use headcount_source_queue::{DEFAULT_EXPIRY, MAX_BATCH, SubmitError};

#[tokio::test]
async fn an_accepted_job_waits_durably_with_the_default_expiry() {
    let world = World::new().await;
    let id = world.submit(job("linux")).await;
    let record = world.book.get(id).await.unwrap().unwrap();
    assert_eq!(record.accepted_at, at(0));
    assert_eq!(record.spec.expires_at, Some(at(0).after(DEFAULT_EXPIRY)));
    let demand = world.queue.refresh().await.unwrap();
    let (key, count) = demand.classes[0].clone();
    assert_eq!((key, count.waiting), (class("linux"), 1));
    assert_eq!(count.oldest, Some(at(0)));
    assert_eq!(count.next_expiry, Some(at(0).after(DEFAULT_EXPIRY)));
    assert!(world.queue.submit(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_burst_is_posted_once_per_class() {
    let world = World::new().await;
    let mut jobs = vec![job("linux"); 700];
    jobs.extend(vec![job("gpu"); 300]);
    world.queue.submit(jobs).await.unwrap();
    let (_, posted) = world.close().await;
    let mut counts = Vec::new();
    for event in posted {
        let SourceEvent::Demand { class, count, .. } = event else {
            panic!("only demand is expected: {event:?}");
        };
        counts.push((class.runs_on.join(","), count.waiting));
    }
    assert_eq!(
        counts,
        [("gpu".to_string(), 300), ("linux".to_string(), 700)]
    );
}

#[tokio::test]
async fn bad_jobs_are_refused_with_the_field_and_the_bound() {
    let day = Duration::from_secs(86_400);
    let many: Vec<String> = (0..65).map(|n| format!("l{n}")).collect();
    let variable = |name: &str, value: &str| [(name.to_string(), value.to_string())].into();
    let cases: Vec<(NewJob, &str)> = vec![
        (
            NewJob {
                command: Command::Argv(vec![]),
                ..job("a")
            },
            "job 1: command: the program to run is missing",
        ),
        (
            NewJob {
                command: Command::Argv(vec![String::new()]),
                ..job("a")
            },
            "job 1: command: the program to run is missing",
        ),
        (
            NewJob {
                command: Command::Argv(vec!["a\0".to_string()]),
                ..job("a")
            },
            "job 1: command: contains a null byte, which no program can be given",
        ),
        (
            NewJob {
                command: Command::Argv(vec!["a".to_string(); 10_001]),
                ..job("a")
            },
            "job 1: command: at most 10000 arguments, this one has 10001",
        ),
        (
            NewJob {
                command: Command::Script(" \n".to_string()),
                ..job("a")
            },
            "job 1: command: the script is empty",
        ),
        (
            NewJob {
                command: Command::Script("x".repeat(1 << 20)),
                ..job("a")
            },
            "job 1: command: command, environment and labels have 1048577 bytes together, at \
             most 1048576 are taken; fetch large things in the job itself",
        ),
        (
            NewJob {
                name: Some(String::new()),
                ..job("a")
            },
            "job 1: name: must have 1 to 256 bytes, has 0",
        ),
        (
            NewJob {
                key: Some("k\n".to_string()),
                ..job("a")
            },
            "job 1: key: must not contain control characters",
        ),
        (
            NewJob {
                working_dir: Some(String::new()),
                ..job("a")
            },
            "job 1: workingDir: must not be empty; leave it out for a fresh directory",
        ),
        (
            NewJob {
                env: variable("A=B", "x"),
                ..job("a")
            },
            "job 1: env: \"A=B\" cannot be the name of a variable: it must not be empty nor \
             contain = or a null byte",
        ),
        (
            NewJob {
                env: variable("A", "hunter2\0"),
                ..job("a")
            },
            "job 1: env: the value of A contains a null byte, which no program can be given",
        ),
        (
            NewJob {
                runs_on: Selectors::new(["a,b"]),
                ..job("a")
            },
            "job 1: runsOn: \"a,b\" is not a label: no commas, control characters or outer \
             spaces, and not empty",
        ),
        (
            NewJob {
                exclude: Selectors::new(many),
                ..job("a")
            },
            "job 1: exclude: at most 64 labels, this one has 65",
        ),
        (
            NewJob {
                exclude: Selectors::new(["gpu-*", "/a(/"]),
                ..job("a")
            },
            "job 1: exclude: `/a(/` is not a regular expression: unclosed group, at character 3, \
             `(/`; write one such as `/gpu-[0-9]+/`, or a simpler pattern such as `gpu-*`",
        ),
        (
            NewJob {
                retries: 101,
                ..job("a")
            },
            "job 1: retries: at most 100, not 101",
        ),
        (
            NewJob {
                timeout: Some(Duration::ZERO),
                ..job("a")
            },
            "job 1: timeout: must be above zero and at most 7 days",
        ),
        (
            NewJob {
                timeout: Some(8 * day),
                ..job("a")
            },
            "job 1: timeout: must be above zero and at most 7 days",
        ),
        (
            NewJob {
                grace: day,
                ..job("a")
            },
            "job 1: grace: at most 60 minutes",
        ),
        (
            NewJob {
                log_limit_bytes: u64::MAX,
                ..job("a")
            },
            "job 1: logLimit: at most 1024 MiB",
        ),
        (
            NewJob {
                expires_at: Some(at(0)),
                ..job("a")
            },
            "job 1: expiry: lies in the past",
        ),
    ];
    let world = World::new().await;
    for (bad, expected) in cases {
        let refused = world
            .queue
            .submit(vec![job("good"), bad])
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), expected);
        assert!(matches!(refused, SubmitError::Invalid { index: 1, .. }));
    }
    let refused = world
        .queue
        .submit(vec![job("a"); MAX_BATCH + 1])
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "job 10000: jobs: a call holds at most 10000 jobs, this one has 10001; split it"
    );
    assert!(
        world
            .book
            .queued(&headcount_model::SourceId::new("queue"))
            .await
            .unwrap()
            .is_empty(),
        "nothing was accepted"
    );
}

#[tokio::test]
async fn a_full_queue_refuses_until_there_is_room() {
    let world = World::over(Arc::new(Book::default()), 2).await;
    world.submit(job("a")).await;
    let refused = world.queue.submit(vec![job("a"); 2]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "queue is full: it holds at most 2 waiting jobs; submit again later"
    );
    world.submit(job("a")).await;
    assert!(world.queue.submit(vec![job("a")]).await.is_err());
    world.queue.take(&class("a"), 1).await.unwrap();
    world.submit(job("a")).await;
}

#[tokio::test]
async fn submissions_under_way_count_toward_the_depth() {
    let world = World::over(Arc::new(Book::default()), 2).await;
    world.book.hold();
    let first = world.queue.submit(vec![job("a"); 2]);
    let second = async {
        common::until(|| world.book.n_waiting() == 1).await;
        let refused = world.queue.submit(vec![job("a")]).await;
        world.book.release();
        refused
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().len(), 2);
    assert_eq!(second, Err(SubmitError::QueueFull { max_depth: 2 }));
}

#[tokio::test]
async fn a_full_disk_accepts_nothing_and_takes_no_room() {
    let world = World::over(Arc::new(Book::default()), 1).await;
    world.book.fail(true);
    let refused = world.queue.submit(vec![job("a")]).await;
    let text = "state disk is full: no room".to_string();
    assert_eq!(refused, Err(SubmitError::Unavailable(text)));
    world.book.fail(false);
    world.submit(job("a")).await;
}

#[tokio::test]
async fn a_key_is_one_job_and_only_one() {
    let world = World::new().await;
    let keyed = NewJob {
        key: Some("deploy-7".to_string()),
        ..job("a")
    };
    let id = world.submit(keyed.clone()).await;
    let again = world.queue.submit(vec![keyed.clone()]).await.unwrap();
    assert_eq!((again[0].job, again[0].existed), (id, true));
    let other = NewJob {
        priority: 1,
        ..keyed
    };
    let refused = world.queue.submit(vec![other]).await.unwrap_err();
    let text = "key \"deploy-7\" already names job-1, whose priority differs; use another key \
                for another job";
    assert_eq!(refused, SubmitError::KeyConflict(text.to_string()));
    assert_eq!(world.queue.refresh().await.unwrap().classes[0].1.waiting, 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_lose_its_job() {
    let world = World::new().await;
    world.book.hold();
    let hangs_up = async {
        common::until(|| world.book.n_waiting() == 1).await;
    };
    tokio::select! {
        answer = world.queue.submit(vec![job("a")]) => panic!("it is held: {answer:?}"),
        () = hangs_up => {}
    }
    world.book.release();
    let queue = &world.queue;
    loop {
        let taken = queue.take(&class("a"), 1).await.unwrap();
        if !taken.jobs.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_a_default_expiry_a_job_waits_for_ever() {
    let world = World::with(|options| options.default_expiry = None).await;
    let id = world.submit(job("linux")).await;
    let record = world.book.get(id).await.unwrap().unwrap();
    assert_eq!(record.spec.expires_at, None);
    let demand = world.queue.refresh().await.unwrap();
    assert_eq!(demand.classes[0].1.next_expiry, None);
}
