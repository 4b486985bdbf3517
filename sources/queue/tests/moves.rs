//! Where jobs go: taken, given back, completed, cancelled, expired.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

mod common;

use common::{World, at, class, job};
use headcount_model::{
    AgentId, AttemptPhase, AttemptRecord, Changes, ClassCount, JobEnd, JobId, LogPressure, Reason,
    SourceEvent, SourceId,
};
use headcount_ports::{JobBook, JobStatus, Ledger, NewJob, Source, SourceError};
use headcount_source_queue::{CancelError, Cancelled};

async fn take(world: &World, n: u32) -> Vec<u64> {
    let taken = world.queue.take(&class("a"), n).await.unwrap();
    taken.jobs.iter().map(|it| it.job.0).collect()
}

async fn status(world: &World, job: JobId) -> JobStatus {
    world.book.get(job).await.unwrap().unwrap().status
}

async fn waiting(world: &World) -> u64 {
    let demand = world.queue.refresh().await.unwrap();
    demand.classes.iter().map(|(_, count)| count.waiting).sum()
}

async fn hold_by_an_agent(world: &World, job: JobId) {
    let attempt = AttemptRecord {
        job,
        attempt: 1,
        source: SourceId::new("queue"),
        agent: AgentId {
            epoch: 1,
            number: 1,
        },
        phase: AttemptPhase::Running,
        deliveries: 0,
        retries_left: 2,
        timeout: None,
        cancel_requested: false,
        assigned_at: at(0),
        claimed_at: Some(at(0)),
        ended_at: None,
        outcome: None,
    };
    let changes = Changes {
        attempts: vec![attempt],
        ..Changes::default()
    };
    world.book.memory.commit(changes, None).await.unwrap();
}

#[tokio::test]
async fn the_oldest_are_taken_first_and_come_back_to_their_place() {
    let world = World::new().await;
    for _ in 0..4 {
        world.submit(job("a")).await;
    }
    let taken = world.queue.take(&class("a"), 2).await.unwrap();
    assert_eq!(
        taken.jobs.iter().map(|it| it.job.0).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(taken.class_after.waiting, 2);
    for _ in 0..2 {
        world.queue.give_back(JobId(2), 1, 0).await.unwrap();
    }
    assert_eq!(world.queue.position(JobId(3)).map(|it| it.ahead), Some(1));
    let taken = world.queue.take(&class("a"), 9).await.unwrap();
    let first = &taken.jobs[0];
    assert_eq!(
        (first.job, first.attempts, first.retries_left),
        (JobId(2), 1, 1)
    );
    assert_eq!(taken.jobs.len(), 3);
    assert_eq!(taken.class_after, ClassCount::default());
    assert!(take(&world, 1).await.is_empty());
    assert_eq!(
        world.queue.position(JobId(2)),
        None,
        "a taken job has no position"
    );
    assert_eq!(take(&world, 0).await.len(), 0);
}

#[tokio::test]
async fn a_job_is_given_to_an_agent_as_it_was_submitted() {
    let world = World::new().await;
    let asked = NewJob {
        name: Some("build".to_string()),
        env: [("A".to_string(), "1".to_string())].into(),
        log_pressure: Some(LogPressure::Drop),
        ..job("a")
    };
    let id = world.submit(asked.clone()).await;
    let work = world.queue.work(id).await.unwrap();
    assert_eq!(
        (work.job, work.name, work.command),
        (id, asked.name, asked.command)
    );
    assert_eq!((work.env, work.grace), (asked.env, asked.grace));
    assert_eq!(work.log_limit_bytes, asked.log_limit_bytes);
    let gone = Err(SourceError::Gone("job-9".to_string()));
    assert_eq!(world.queue.work(JobId(9)).await, gone);
    world
        .queue
        .complete(id, &JobEnd::Succeeded, at(1))
        .await
        .unwrap();
    assert!(
        world.queue.work(id).await.is_err(),
        "an ended job is not run again"
    );
}

#[tokio::test]
async fn completing_is_recorded_once() {
    let world = World::new().await;
    let id = world.submit(job("a")).await;
    take(&world, 1).await;
    world.book.fail(true);
    let refused = world.queue.complete(id, &JobEnd::Succeeded, at(1)).await;
    let full = "state disk is full: no room".to_string();
    assert_eq!(refused, Err(SourceError::Transient(full)));
    world.book.fail(false);
    for millis in 1..3 {
        world
            .queue
            .complete(id, &JobEnd::Succeeded, at(millis))
            .await
            .unwrap();
    }
    let record = world.book.get(id).await.unwrap().unwrap();
    assert_eq!(
        (record.end, record.ended_at),
        (Some(JobEnd::Succeeded), Some(at(1)))
    );
    let late = world.queue.give_back(id, 1, 0).await;
    assert_eq!(late, Err(SourceError::Gone(id.to_string())));
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn a_job_that_cannot_be_given_back_stays_taken() {
    let world = World::new().await;
    let id = world.submit(job("a")).await;
    take(&world, 1).await;
    world.book.fail(true);
    assert!(world.queue.give_back(id, 0, 1).await.is_err());
    assert_eq!(waiting(&world).await, 0);
    world.book.fail(false);
    world.queue.give_back(id, 0, 1).await.unwrap();
    let taken = world.queue.take(&class("a"), 1).await.unwrap();
    assert_eq!(taken.jobs[0].deliveries, 1);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let world = World::new().await;
    let id = world.submit(job("a")).await;
    world.book.fail(true);
    let refused = world.queue.cancel(id).await.unwrap_err();
    assert_eq!(refused.to_string(), "state disk is full: no room");
    assert_eq!(
        waiting(&world).await,
        1,
        "what cannot be recorded did not happen"
    );
    world.book.fail(false);
    assert_eq!(world.queue.cancel(id).await, Ok(Cancelled::Ended));
    assert_eq!(status(&world, id).await, JobStatus::Cancelled);
    assert_eq!(waiting(&world).await, 0);
    let again = world.queue.cancel(id).await.unwrap_err();
    assert_eq!(again.to_string(), "job-1 has ended already (cancelled)");
    let unknown = world.queue.cancel(JobId(9)).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "job-9 is not known; `headcount jobs` lists those that are"
    );
}

#[tokio::test]
async fn a_taken_job_is_asked_to_end_and_never_waits_again() {
    let mut world = World::new().await;
    let id = world.submit(job("a")).await;
    take(&world, 1).await;
    assert_eq!(world.queue.cancel(id).await, Ok(Cancelled::Requested));
    loop {
        match world.events.recv().await.unwrap() {
            SourceEvent::CancelRequested(job) => break assert_eq!(job, id),
            SourceEvent::Demand { .. } => {}
            SourceEvent::Unknown(why) => panic!("{why}"),
        }
    }
    world.book.fail(true);
    assert!(world.queue.give_back(id, 1, 0).await.is_err());
    world.book.fail(false);
    world.queue.give_back(id, 1, 0).await.unwrap();
    assert_eq!(status(&world, id).await, JobStatus::Cancelled);
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn a_job_cancelled_on_its_way_back_does_not_wait() {
    let world = World::new().await;
    let id = world.submit(job("a")).await;
    take(&world, 1).await;
    world.book.hold();
    let back = world.queue.give_back(id, 1, 0);
    let meanwhile = async {
        common::until(|| world.book.n_waiting() == 1).await;
        let twice = world.queue.give_back(id, 1, 0).await;
        let text = "job-1 is being given back by another call".to_string();
        assert_eq!(twice, Err(SourceError::Transient(text)));
        assert_eq!(world.queue.cancel(id).await, Ok(Cancelled::Requested));
        world.book.release();
    };
    let (back, ()) = tokio::join!(back, meanwhile);
    back.unwrap();
    assert_eq!(status(&world, id).await, JobStatus::Cancelled);
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn jobs_held_since_before_the_start_can_be_given_back_cancelled_and_completed() {
    let first = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = first.submit(job("a")).await;
        hold_by_an_agent(&first, id).await;
        ids.push(id);
    }
    let (book, _) = first.close().await;
    let mut world = World::over(book, 100).await;
    assert_eq!(waiting(&world).await, 0, "held jobs do not wait");

    world.queue.give_back(ids[0], 1, 0).await.unwrap();
    let taken = world.queue.take(&class("a"), 9).await.unwrap();
    let taken: Vec<_> = taken
        .jobs
        .iter()
        .map(|it| (it.job, it.attempts, it.retries_left))
        .collect();
    assert_eq!(taken, [(ids[0], 1, 1)]);

    world
        .queue
        .complete(ids[1], &JobEnd::Succeeded, at(5))
        .await
        .unwrap();
    assert_eq!(status(&world, ids[1]).await, JobStatus::Succeeded);
    let late = world.queue.cancel(ids[1]).await;
    let status = JobStatus::Succeeded;
    assert_eq!(
        late,
        Err(CancelError::AlreadyEnded {
            job: ids[1],
            status
        })
    );

    assert_eq!(world.queue.cancel(ids[2]).await, Ok(Cancelled::Requested));
    world.queue.give_back(ids[2], 1, 0).await.unwrap();
    let record = world.book.get(ids[2]).await.unwrap().unwrap();
    assert_eq!(record.end, Some(JobEnd::Cancelled { outcome: None }));

    world.book.fail(true);
    assert!(world.queue.give_back(ids[3], 1, 0).await.is_err());
    world.book.fail(false);
    world.queue.give_back(ids[3], 1, 0).await.unwrap();
    assert_eq!(waiting(&world).await, 1);
    let unknown = world.queue.give_back(JobId(99), 1, 0).await;
    assert_eq!(unknown, Err(SourceError::Gone("job-99".to_string())));
    let requested = loop {
        if let SourceEvent::CancelRequested(job) = world.events.recv().await.unwrap() {
            break job;
        }
    };
    assert_eq!(requested, ids[2]);
}

#[tokio::test]
async fn what_was_taken_but_held_by_nobody_waits_again_after_a_restart() {
    let world = World::new().await;
    for _ in 0..3 {
        world.submit(job("a")).await;
    }
    take(&world, 2).await;
    let (book, _) = world.close().await;
    let world = World::over(book, 100).await;
    assert_eq!(take(&world, 9).await, [1, 2, 3]);
}

#[tokio::test]
async fn jobs_expire_when_their_time_is_up() {
    let world = World::new().await;
    for millis in [300, 100, 200] {
        let expires_at = Some(at(millis));
        world
            .submit(NewJob {
                expires_at,
                ..job("a")
            })
            .await;
    }
    world.queue.expire(&class("a"), at(99)).await.unwrap();
    assert_eq!(waiting(&world).await, 3);
    world.book.fail(true);
    assert!(world.queue.expire(&class("a"), at(200)).await.is_err());
    let count = world.queue.refresh().await.unwrap().classes[0].1;
    assert_eq!((count.waiting, count.next_expiry), (3, Some(at(100))));
    world.book.fail(false);
    for _ in 0..2 {
        world.queue.expire(&class("a"), at(200)).await.unwrap();
    }
    let count = world.queue.refresh().await.unwrap().classes[0].1;
    assert_eq!((count.waiting, count.next_expiry), (1, Some(at(300))));
    let record = world.book.get(JobId(2)).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.ended_at),
        (JobStatus::Expired, Some(at(200)))
    );
    take(&world, 1).await;
    world.queue.expire(&class("a"), at(999)).await.unwrap();
    assert_eq!(
        status(&world, JobId(1)).await,
        JobStatus::Queued,
        "a taken job does not expire"
    );
}

#[tokio::test]
async fn a_hopeless_class_is_failed_whole_and_no_other() {
    let world = World::new().await;
    world.queue.submit(vec![job("a"); 2500]).await.unwrap();
    let other = world.submit(job("b")).await;
    let end = JobEnd::Failed {
        reason: Reason::NeverFits,
        outcome: None,
    };
    world
        .queue
        .fail_class(&class("a"), &end, at(1))
        .await
        .unwrap();
    let counts = world.book.counts().await.unwrap();
    assert_eq!(
        (counts[&JobStatus::Failed], counts[&JobStatus::Queued]),
        (2500, 1)
    );
    assert_eq!(waiting(&world).await, 1);
    assert_eq!(status(&world, other).await, JobStatus::Queued);
    world
        .queue
        .fail_class(&class("a"), &end, at(2))
        .await
        .unwrap();
}
