//! What a ledger must do.

use headcount_model::{
    AgentPhase, AttemptPhase, AttemptRecord, Changes, Exit, JobEnd, JobId, Outcome, PoolName,
    Reason, Settlement,
};

use super::StoreFactory;
use super::samples::{agent, agent_id, at, attempt, claimed};
use crate::{DecisionRow, Ledger, Recovered};

pub(super) async fn an_empty_ledger_has_an_owner_and_an_epoch<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let first = load(&store).await;
    assert_eq!(first.owner.as_str().len(), 16, "an owner is 16 hex digits");
    assert!(first.owner.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    assert!(first.epoch > 0, "an epoch is not below the clock");
    assert!(first.agents.is_empty() && first.attempts.is_empty());
    assert!(first.drained_pools.is_empty());

    let store = factory.reopen(store).await;
    let second = load(&store).await;
    assert_eq!(second.owner, first.owner, "the owner stays");
    assert!(second.epoch > first.epoch, "each load has a larger epoch");
    assert!(load(&store).await.epoch > second.epoch);
}

pub(super) async fn rounds_survive_a_restart<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let agents: Vec<_> = (1..)
        .zip(AgentPhase::ALL)
        .map(|(n, phase)| agent(n, phase))
        .collect();
    let outcomes = outcomes().into_iter().cycle();
    let attempts: Vec<_> = (1..)
        .zip(phases())
        .zip(outcomes)
        .map(|((job, phase), outcome)| AttemptRecord {
            ended_at: Some(at(50)),
            outcome: Some(outcome),
            ..claimed(attempt(JobId(job), 2, phase))
        })
        .collect();
    let changes = Changes {
        agents: agents.clone(),
        attempts: attempts.clone(),
        drained_pools: Some(vec![PoolName::new("a/x"), PoolName::new("b/y")]),
        ..Changes::default()
    };
    store.commit(changes, None).await.expect("commit");

    let store = factory.reopen(store).await;
    let found = load(&store).await;
    assert_eq!(found.agents, agents, "agents come back as they were");
    assert_eq!(found.attempts, attempts, "attempts come back as they were");
    assert_eq!(found.drained_pools, ["a/x", "b/y"].map(PoolName::new));
}

pub(super) async fn rows_are_absolute_and_can_be_repeated<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let changes = Changes {
        agents: vec![agent(1, AgentPhase::Creating)],
        attempts: vec![attempt(JobId(9), 1, AttemptPhase::Assigned)],
        drained_pools: Some(vec![PoolName::new("a/x")]),
        ..Changes::default()
    };
    for _ in 0..2 {
        store.commit(changes.clone(), None).await.expect("commit");
    }
    let next = Changes {
        agents: vec![agent(1, AgentPhase::Ready)],
        attempts: vec![claimed(attempt(JobId(9), 1, AttemptPhase::Running))],
        ..Changes::default()
    };
    store.commit(next.clone(), None).await.expect("commit");
    let found = load(&store).await;
    assert_eq!(
        found.agents, next.agents,
        "the later row replaces the earlier"
    );
    assert_eq!(found.attempts, next.attempts);
    assert_eq!(
        found.drained_pools,
        [PoolName::new("a/x")],
        "unset is unchanged"
    );

    let undrained = Changes {
        drained_pools: Some(Vec::new()),
        ..Changes::default()
    };
    store.commit(undrained, None).await.expect("commit");
    assert!(load(&store).await.drained_pools.is_empty());
}

pub(super) async fn what_is_gone_or_settled_is_not_restored<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let kept = attempt(JobId(2), 1, AttemptPhase::Assigned);
    let changes = Changes {
        agents: vec![agent(1, AgentPhase::Ready), agent(2, AgentPhase::Ready)],
        attempts: vec![attempt(JobId(1), 1, AttemptPhase::Assigned), kept.clone()],
        ..Changes::default()
    };
    store.commit(changes, None).await.expect("commit");
    let ended = Changes {
        agents_gone: vec![agent_id(1), agent_id(77)],
        attempts_settled: vec![(JobId(1), 1), (JobId(77), 1)],
        ..Changes::default()
    };
    store
        .commit(ended, None)
        .await
        .expect("unknown rows do no harm");
    let store = factory.reopen(store).await;
    let found = load(&store).await;
    assert_eq!(found.agents, [agent(2, AgentPhase::Ready)]);
    assert_eq!(found.attempts, [kept]);
}

pub(super) async fn an_attempt_settled_and_made_anew_is_unsettled<F: StoreFactory>(
    factory: &mut F,
) {
    let store = factory.fresh().await;
    let record = attempt(JobId(1), 1, AttemptPhase::Assigned);
    let changes = Changes {
        attempts: vec![record.clone()],
        ..Changes::default()
    };
    store.commit(changes.clone(), None).await.expect("commit");
    let both = Changes {
        attempts_settled: vec![(JobId(1), 1)],
        ..changes
    };
    store.commit(both, None).await.expect("commit");
    assert_eq!(load(&store).await.attempts, [record]);
}

pub(super) async fn decisions_come_newest_first<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    for n in 0..3 {
        let decision = DecisionRow {
            at: at(n),
            lines: vec![format!("create a-{n}"), "second \"line\"".to_string()],
        };
        let changes = Changes::default();
        store.commit(changes, Some(decision)).await.expect("commit");
    }
    let store = factory.reopen(store).await;
    let last = store.decisions(2).await.expect("decisions");
    assert_eq!(
        last.iter().map(|row| row.at).collect::<Vec<_>>(),
        [at(2), at(1)]
    );
    assert_eq!(last.first().map(|row| row.lines.len()), Some(2));
    assert!(store.decisions(0).await.expect("decisions").is_empty());
}

async fn load(store: &impl Ledger) -> Recovered {
    store.load().await.expect("load")
}

fn phases() -> Vec<AttemptPhase> {
    let ends = [
        JobEnd::Succeeded,
        JobEnd::Failed {
            reason: Reason::CommandFailed,
            outcome: Some(Outcome::Exited(Exit::Code(-1))),
        },
        JobEnd::Failed {
            reason: Reason::AgentLost,
            outcome: None,
        },
        JobEnd::Cancelled {
            outcome: Some(Outcome::Cancelled),
        },
        JobEnd::Expired,
    ];
    let mut phases = vec![
        AttemptPhase::Assigned,
        AttemptPhase::Running,
        AttemptPhase::Lost,
        AttemptPhase::Settling(Settlement::Return),
        AttemptPhase::Settling(Settlement::Retry),
    ];
    phases.extend(ends.map(|end| AttemptPhase::Settling(Settlement::Complete(end))));
    phases
}

fn outcomes() -> [Outcome; 6] {
    [
        Outcome::Exited(Exit::Code(7)),
        Outcome::Exited(Exit::Signal(9)),
        Outcome::Exited(Exit::Unknown),
        Outcome::TimedOut,
        Outcome::Cancelled,
        Outcome::NotStarted("no such \"file\"".to_string()),
    ]
}
