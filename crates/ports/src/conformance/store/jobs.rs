//! What a job book must do.

use headcount_model::{
    AttemptPhase, AttemptRecord, Changes, Exit, JobEnd, JobId, Outcome, Reason, Settlement,
    SourceId,
};

use super::StoreFactory;
use super::samples::{agent_id, at, attempt, claimed, full_job, plain_job, submit};
use crate::{
    AttemptView, JobBook, JobFilter, JobRecord, JobStatus, Ledger, NewJob, OpenJob, StoreError,
};

pub(super) async fn submitted_jobs_come_back_whole<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    assert!(
        store
            .submit(Vec::new(), at(0))
            .await
            .expect("submit")
            .is_empty()
    );
    for job in [plain_job(), full_job("k")] {
        let id = submit(&store, job.clone()).await;
        let expected = JobRecord {
            job: id,
            spec: job,
            status: JobStatus::Queued,
            accepted_at: at(0),
            ended_at: None,
            end: None,
            attempts: 0,
            deliveries: 0,
            latest: None,
        };
        assert_eq!(record(&store, id).await, expected);
    }
    let store = factory.reopen(store).await;
    let waiting = store.queued(&SourceId::new("queue")).await.expect("queued");
    let job = waiting.last().expect("two jobs wait");
    let full = full_job("k");
    assert_eq!((&job.runs_on, &job.exclude), (&full.runs_on, &full.exclude));
    assert_eq!(
        (job.resources, job.priority),
        (full.resources, full.priority)
    );
    assert_eq!((job.accepted_at, job.expires_at), (at(0), full.expires_at));
    assert_eq!(
        (job.retries_left, job.timeout),
        (full.retries, full.timeout)
    );
    assert_eq!(
        store.get(JobId(u64::MAX)).await,
        Ok(None),
        "an unknown job is none"
    );
}

pub(super) async fn ids_grow_and_are_never_used_again<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let batch = vec![plain_job(); 3];
    let submitted = store.submit(batch, at(0)).await.expect("submit");
    let ids: Vec<_> = submitted.iter().map(|it| it.job).collect();
    assert!(ids.is_sorted() && submitted.iter().all(|it| !it.existed));
    let store = factory.reopen(store).await;
    assert!(Some(&submit(&store, plain_job()).await) > ids.last());
}

pub(super) async fn a_known_key_is_the_same_job<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let id = submit(&store, full_job("k")).await;
    let mut later = full_job("k");
    later.expires_at = Some(at(99_000_000));
    let batch = vec![later.clone(), full_job("new"), full_job("new")];
    let answers = store.submit(batch, at(5)).await.expect("submit");
    let answers: Vec<_> = answers.iter().map(|it| (it.job, it.existed)).collect();
    let new = answers.get(1).expect("three answers").0;
    assert_eq!(answers, [(id, true), (new, false), (new, true)]);
    assert_eq!(
        record(&store, id).await.spec,
        full_job("k"),
        "the first stays"
    );

    end(&store, id, JobEnd::Succeeded).await;
    let again = store.submit(vec![later], at(6)).await.expect("submit");
    assert_eq!(
        again.first().map(|it| (it.job, it.existed)),
        Some((id, true))
    );
}

pub(super) async fn a_conflict_accepts_none_of_the_batch<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let id = submit(&store, full_job("k")).await;
    let other = NewJob {
        retries: 9,
        ..full_job("k")
    };
    let refused = store
        .submit(vec![plain_job(), other, plain_job()], at(1))
        .await;
    let text = format!(
        "key \"k\" already names {id}, whose retries differs; use another key for another job"
    );
    assert_eq!(refused, Err(StoreError::Conflict(text)));
    assert_eq!(
        store
            .queued(&SourceId::new("queue"))
            .await
            .expect("queued")
            .len(),
        1,
        "all or none"
    );
}

pub(super) async fn status_follows_attempts_and_ends<F: StoreFactory>(factory: &mut F) {
    use AttemptPhase as P;
    use JobStatus as S;
    let store = factory.fresh().await;
    let id = submit(&store, plain_job()).await;
    let failed = JobEnd::Failed {
        reason: Reason::CommandFailed,
        outcome: Some(Outcome::Exited(Exit::Code(7))),
    };
    let complete = P::Settling(Settlement::Complete(failed.clone()));
    let steps = [
        (attempt(id, 1, P::Assigned), S::Assigned),
        (attempt(id, 1, P::Settling(Settlement::Return)), S::Assigned),
        (claimed(attempt(id, 1, P::Running)), S::Running),
        (claimed(attempt(id, 1, P::Lost)), S::Running),
        (
            claimed(attempt(id, 1, P::Settling(Settlement::Retry))),
            S::Running,
        ),
        (claimed(attempt(id, 1, complete)), S::Failed),
    ];
    for (mut step, expected) in steps {
        step.ended_at = Some(at(60));
        commit(&store, step.clone()).await;
        let job = record(&store, id).await;
        assert_eq!(job.status, expected, "{:?}", step.phase);
        assert_eq!(job.latest, Some(AttemptView::from(&step)));
        assert_eq!(job.attempts, u32::from(step.claimed_at.is_some()));
        assert_eq!(count(&store, expected).await, 1);
    }
    let shown = record(&store, id).await;
    assert_eq!(
        (shown.end, shown.ended_at),
        (Some(failed.clone()), Some(at(60)))
    );

    end(&store, id, failed.clone()).await;
    settle(&store, id, 1).await;
    let job = record(&store, id).await;
    assert_eq!((job.status, job.ended_at), (S::Failed, Some(at(100))));
    assert_eq!(job.end, Some(failed));
    assert_eq!(
        job.latest.map(|it| it.agent),
        Some(agent_id(7)),
        "kept as history"
    );
}

pub(super) async fn queued_leaves_out_held_and_ended_jobs<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(submit(&store, plain_job()).await);
    }
    let [free, held, over, back] = ids[..] else {
        panic!("four jobs were submitted");
    };
    commit(&store, attempt(held, 1, AttemptPhase::Assigned)).await;
    commit(&store, attempt(back, 1, AttemptPhase::Assigned)).await;
    settle(&store, back, 1).await;
    end(&store, over, JobEnd::Expired).await;
    let store = factory.reopen(store).await;
    let waiting = store.queued(&SourceId::new("queue")).await.expect("queued");
    assert_eq!(
        waiting.iter().map(|it| it.job).collect::<Vec<_>>(),
        [free, back]
    );
}

pub(super) async fn requeues_are_counted<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = NewJob {
        retries: 2,
        ..plain_job()
    };
    let id = submit(&store, job).await;
    // Attempts and deliveries as noted; then the retries left.
    for (attempts, deliveries, retries_left) in [(0, 1, 2), (0, 2, 2), (1, 0, 1), (3, 4, 0)] {
        for _ in 0..2 {
            let noted = store.requeue(id, attempts, deliveries).await;
            noted.expect("requeue");
        }
        let waiting = store.queued(&SourceId::new("queue")).await.expect("queued");
        let job = waiting.first().expect("it waits");
        assert_eq!((job.attempts, job.deliveries), (attempts, deliveries));
        assert_eq!(job.retries_left, retries_left);
        let job = record(&store, id).await;
        assert_eq!((job.attempts, job.deliveries), (attempts, deliveries));
    }
    end(&store, id, JobEnd::Succeeded).await;
    store
        .requeue(id, 9, 9)
        .await
        .expect("an ended job is left alone");
    store
        .requeue(JobId(777), 9, 9)
        .await
        .expect("so is an unknown one");
    assert_eq!(record(&store, id).await.attempts, 3);
}

pub(super) async fn an_end_is_recorded_once<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let ends = [
        (JobEnd::Succeeded, JobStatus::Succeeded),
        (JobEnd::Cancelled { outcome: None }, JobStatus::Cancelled),
        (JobEnd::Expired, JobStatus::Expired),
    ];
    for (end, status) in ends {
        let id = submit(&store, plain_job()).await;
        let twice = vec![
            (id, end.clone()),
            (id, JobEnd::Expired),
            (JobId(777), end.clone()),
        ];
        assert_eq!(store.end(twice, at(100)).await, Ok(vec![id]));
        let again = vec![(id, JobEnd::Succeeded)];
        assert_eq!(
            store.end(again, at(200)).await,
            Ok(vec![]),
            "the first end stays"
        );
        let job = record(&store, id).await;
        assert_eq!((job.end, job.status), (Some(end), status));
        assert_eq!(job.ended_at, Some(at(100)));
    }
}

pub(super) async fn the_environment_ends_with_the_job<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let id = submit(&store, full_job("k")).await;
    assert_eq!(record(&store, id).await.spec.env.len(), 1);
    end(&store, id, JobEnd::Succeeded).await;
    assert!(record(&store, id).await.spec.env.is_empty());
}

pub(super) async fn lists_are_paged_and_filtered<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(submit(&store, plain_job()).await);
    }
    let [first, second, third, fourth, fifth] = ids[..] else {
        panic!("five jobs were submitted");
    };
    end(&store, second, JobEnd::Succeeded).await;
    end(&store, fourth, JobEnd::Expired).await;
    let cases = [
        (vec![], None, 2, vec![fifth, fourth]),
        (vec![], Some(fourth), 9, vec![third, second, first]),
        (vec![JobStatus::Queued], None, 2, vec![fifth, third]),
        (vec![JobStatus::Queued], Some(third), 9, vec![first]),
        (
            vec![JobStatus::Expired, JobStatus::Succeeded],
            None,
            9,
            vec![fourth, second],
        ),
        (vec![JobStatus::Failed], None, 9, vec![]),
        (vec![], None, 0, vec![]),
    ];
    for (statuses, before, limit, expected) in cases {
        let filter = JobFilter {
            statuses,
            before,
            limit,
        };
        let listed = store.list(filter.clone()).await.expect("list");
        let listed: Vec<_> = listed.iter().map(|job| job.job).collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
    let counts = store.counts().await.expect("counts");
    let counts: Vec<_> = JobStatus::ALL
        .iter()
        .map(|it| counts.get(it).copied())
        .collect();
    assert_eq!(
        counts,
        [3, 0, 0, 1, 0, 0, 1].map(Some),
        "every status is listed"
    );
}

/// The same job of another source than the built-in queue.
fn elsewhere(job: NewJob) -> NewJob {
    NewJob {
        source: SourceId::new("ci"),
        ..job
    }
}

pub(super) async fn sources_have_their_own_jobs_and_keys<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let own = submit(&store, full_job("k")).await;
    let other = submit(&store, elsewhere(full_job("k"))).await;
    assert_ne!(own, other, "the same key of another source is another job");
    let changed = NewJob {
        retries: 9,
        env: [].into(),
        ..elsewhere(full_job("k"))
    };
    let known = submit(&store, changed).await;
    assert_eq!(
        known, other,
        "what another source calls the same is the same"
    );
    let store = factory.reopen(store).await;
    for (source, expected) in [("queue", own), ("ci", other)] {
        let waiting = store.queued(&SourceId::new(source)).await.expect("queued");
        assert_eq!(
            waiting.iter().map(|it| it.job).collect::<Vec<_>>(),
            [expected]
        );
        let record = record(&store, expected).await;
        assert_eq!(record.spec.source.as_str(), source);
        assert_eq!(record.spec.class().source.as_str(), source);
    }
}

pub(super) async fn a_job_of_another_source_is_open_until_its_end_was_told<F: StoreFactory>(
    factory: &mut F,
) {
    let store = factory.fresh().await;
    let source = SourceId::new("ci");
    submit(&store, full_job("own")).await;
    let first = submit(&store, elsewhere(full_job("a"))).await;
    let second = submit(&store, elsewhere(full_job("b"))).await;
    let shown = |open: Vec<OpenJob>| -> Vec<_> {
        let rows = open.into_iter();
        rows.map(|it| (it.job.job, it.key, it.status, it.end))
            .collect()
    };
    let waits = |id, key: &str| (id, key.to_owned(), JobStatus::Queued, None);
    let open = store.open_jobs(&source).await.expect("open");
    assert_eq!(shown(open), [waits(first, "a"), waits(second, "b")]);

    store.told(vec![first]).await.expect("told");
    end(&store, first, JobEnd::Succeeded).await;
    let store = factory.reopen(store).await;
    let ended = (
        first,
        "a".to_owned(),
        JobStatus::Succeeded,
        Some(JobEnd::Succeeded),
    );
    let open = store.open_jobs(&source).await.expect("open");
    assert_eq!(
        shown(open),
        [ended, waits(second, "b")],
        "it had not ended when it was told"
    );
    let again = store
        .submit(vec![elsewhere(full_job("a"))], at(7))
        .await
        .expect("submit");
    let again: Vec<_> = again
        .iter()
        .map(|it| (it.job, it.existed, it.ended))
        .collect();
    assert_eq!(again, [(first, true, true)]);

    for _ in 0..2 {
        store.told(vec![first, JobId(777)]).await.expect("told");
    }
    let open = store.open_jobs(&source).await.expect("open");
    assert_eq!(shown(open), [waits(second, "b")]);
    let built_in = store.open_jobs(&SourceId::new("queue")).await;
    assert_eq!(built_in, Ok(vec![]), "nobody is to be told of its jobs");
}

async fn record(store: &impl JobBook, id: JobId) -> JobRecord {
    let found = store.get(id).await.expect("get");
    found.expect("the job is known")
}

async fn count(store: &impl JobBook, status: JobStatus) -> u64 {
    let counts = store.counts().await.expect("counts");
    counts.get(&status).copied().unwrap_or(0)
}

async fn end(store: &impl JobBook, id: JobId, end: JobEnd) {
    let new = store.end(vec![(id, end)], at(100)).await.expect("end");
    assert_eq!(new, [id], "its end is new");
}

async fn commit(store: &impl Ledger, attempt: AttemptRecord) {
    let changes = Changes {
        attempts: vec![attempt],
        ..Changes::default()
    };
    store.commit(changes, None).await.expect("commit");
}

async fn settle(store: &impl Ledger, id: JobId, attempt: u32) {
    let changes = Changes {
        attempts_settled: vec![(id, attempt)],
        ..Changes::default()
    };
    store.commit(changes, None).await.expect("commit");
}
