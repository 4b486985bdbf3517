//! What can be asked: the view, explanations, previews; and what can be wished for.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{House, agent, class, fleet, scaler};
use headcount_controller::{ExplainedVerdict, PoolChange, Stopped};
use headcount_model::{AgentPhase, Answer, JobId, PoolName, Reason, Refusal};

fn linux() -> PoolName {
    PoolName::new("d/linux")
}

#[tokio::test(start_paused = true)]
async fn the_view_is_made_once_until_something_changes() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    let first = house.view().await;
    house.pass(Duration::from_secs(60)).await;
    assert!(Arc::ptr_eq(&first, &house.view().await));
    house.submit("linux", 1).await;
    let second = house.view().await;
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(second.at > first.at);
}

#[tokio::test(start_paused = true)]
async fn everything_in_the_view_has_its_reason() {
    let house = House::settled(fleet([scaler("d", "linux", 2)])).await;
    house.submit("linux", 5).await;
    house.submit("windows", 2).await;
    house.register(agent(1)).await;
    house.claim(agent(1), 1).await;
    let view = house.view().await;

    let shares = |class: &headcount_controller::ClassView| {
        let shares = class.shares.iter();
        shares.map(|s| (s.jobs, s.reason)).collect::<Vec<_>>()
    };
    let classes: Vec<_> = view
        .classes
        .iter()
        .map(|class| {
            (
                class.key.runs_on.join(","),
                class.count.waiting,
                shares(class),
            )
        })
        .collect();
    let waiting = vec![(1, Reason::AgentStarting), (3, Reason::ScalerAtMaxAgents)];
    assert_eq!(
        classes,
        [
            ("linux".to_owned(), 4, waiting),
            ("windows".to_owned(), 2, vec![(2, Reason::NoMatchingPool)]),
        ]
    );
    let agents: Vec<_> = view
        .agents
        .iter()
        .map(|agent| (agent.record.id, agent.record.phase, agent.reason))
        .collect();
    assert_eq!(
        agents,
        [
            (agent(1), AgentPhase::Ready, Reason::RunningJob),
            (agent(2), AgentPhase::Starting, Reason::DemandWaiting),
        ]
    );
    assert_eq!(view.agents[0].jobs, [JobId(1)]);
    let job = &view.jobs[0];
    assert_eq!(
        (job.job, job.agent, job.reason),
        (JobId(1), agent(1), Reason::RunningJob)
    );
    let pool = &view.pools[0];
    assert_eq!((pool.counts.busy, pool.counts.starting), (1, 1));
    assert_eq!(pool.limited_by, Some(Reason::ScalerAtMaxAgents));
}

#[tokio::test(start_paused = true)]
async fn explain_says_what_one_more_job_would_wait_for() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    let free = house.handle.explain(class("linux")).await.unwrap();
    assert_eq!(free.would_wait_for, None);
    assert!(free.class.is_none(), "no such job waits");
    let nowhere = house.handle.explain(class("linus")).await.unwrap();
    assert_eq!(nowhere.would_wait_for, Some(Reason::NoMatchingPool));
    assert_eq!(nowhere.nearest, [("linus".to_owned(), "linux".to_owned())]);

    house.run_first("linux").await;
    let full = house.handle.explain(class("linux")).await.unwrap();
    assert_eq!(full.would_wait_for, Some(Reason::ScalerAtMaxAgents));
    assert!(full.class.is_none());
    let [pool] = full.pools.as_slice() else {
        panic!("{:?}", full.pools);
    };
    let ExplainedVerdict::Candidate { blocked, .. } = &pool.verdict else {
        panic!("{:?}", pool.verdict);
    };
    assert_eq!(
        blocked.map(|(reason, _)| reason),
        Some(Reason::ScalerAtMaxAgents)
    );
}

#[tokio::test(start_paused = true)]
async fn one_more_job_waits_behind_those_that_are_served() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.submit("linux", 1).await;
    let explanation = house.handle.explain(class("linux")).await.unwrap();
    let shares = explanation.class.unwrap().shares;
    assert_eq!((shares.len(), shares[0].reason), (1, Reason::AgentStarting));
    assert_eq!(explanation.would_wait_for, Some(Reason::ScalerAtMaxAgents));
}

#[tokio::test(start_paused = true)]
async fn an_explanation_changes_nothing() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    let before = house.view().await;
    house.handle.explain(class("linux")).await.unwrap();
    house.quiet().await;
    assert!(Arc::ptr_eq(&before, &house.view().await));
    assert!(house.backend.creates().is_empty());
    assert_eq!(house.source.takes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_would_change_and_changes_nothing() {
    let house = House::settled(fleet([scaler("d", "linux", 1), scaler("old", "arm", 1)])).await;
    let before = house.view().await;
    let mut wider = scaler("d", "linux", 4);
    wider.pools[0].idle.keep = 2;
    let preview = house
        .handle
        .preview(fleet([wider, scaler("new", "arm", 1)]))
        .await
        .unwrap();
    assert_eq!(
        preview.pools,
        [
            PoolChange::Added(PoolName::new("new/arm")),
            PoolChange::Removed(PoolName::new("old/arm")),
            PoolChange::Changed(
                linux(),
                vec![
                    "maxAgents: 1 -> 4".to_owned(),
                    "idleCount: 0 -> 2".to_owned()
                ]
            ),
        ]
    );
    assert_eq!(
        preview.actions,
        [
            "create a-1-1 in d/linux: keep_ready",
            "create a-1-2 in d/linux: keep_ready"
        ]
    );
    house.quiet().await;
    assert!(Arc::ptr_eq(&before, &house.view().await));
    assert!(house.backend.creates().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_configuration_takes_effect_at_once_and_the_door_follows() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    let mut large = class("linux");
    large.resources.requests.cpu_millis = Some(8000);
    assert_eq!(house.handle.admission(&large), None);

    let mut capped = scaler("d", "linux", 1);
    capped.resource_cap.max_cpu_millis = Some(4000);
    let changes = house.handle.configure(fleet([capped])).await.unwrap();
    let words = vec!["resourceCap.maxCpu: no limit -> 4".to_owned()];
    assert_eq!(changes, [PoolChange::Changed(linux(), words)]);
    let (impossible, pool) = house.handle.admission(&large).unwrap();
    assert_eq!((impossible.cap, pool), (Reason::ScalerCpuCap, linux()));

    let mut ready = scaler("d", "linux", 1);
    ready.pools[0].idle.keep = 1;
    house.handle.configure(fleet([ready])).await.unwrap();
    assert_eq!(house.handle.admission(&large), None);
    house.quiet().await;
    assert_eq!(house.backend.instances(), [agent(1)]);
}

#[tokio::test(start_paused = true)]
async fn only_known_pools_are_drained() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    let windows = PoolName::new("d/windows");
    let unknown = Answer::Refused(Refusal::UnknownPool);
    assert_eq!(house.handle.drain(windows.clone(), false).await, unknown);
    assert_eq!(house.handle.drain(windows, true).await, unknown);
    assert_eq!(house.handle.drain(linux(), false).await, Answer::Applied);
    assert_eq!(house.handle.drain(linux(), false).await, Answer::Known);
    house.submit("linux", 1).await;
    assert!(house.backend.creates().is_empty());
    assert_eq!(
        house.view().await.classes[0].shares[0].reason,
        Reason::PoolDraining
    );

    assert_eq!(house.handle.drain(linux(), true).await, Answer::Applied);
    house.quiet().await;
    assert_eq!(house.backend.instances(), [agent(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_stops_takes_no_jobs() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    assert_eq!(house.handle.stop_taking().await, Answer::Applied);
    house.submit("linux", 1).await;
    let view = house.view().await;
    assert!(view.stopping);
    assert_eq!(view.classes[0].shares[0].reason, Reason::Stopping);
    assert!(house.backend.creates().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_ended_answers_nothing() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.crash().await;
    assert!(matches!(house.handle.view().await, Err(Stopped)));
    assert!(matches!(
        house.handle.explain(class("linux")).await,
        Err(Stopped)
    ));
    assert!(matches!(
        house.handle.preview(fleet([])).await,
        Err(Stopped)
    ));
    assert!(matches!(
        house.handle.configure(fleet([])).await,
        Err(Stopped)
    ));
    let stopping = Answer::Refused(Refusal::Stopping);
    assert_eq!(house.handle.drain(linux(), false).await, stopping);
    assert_eq!(house.handle.stop_taking().await, stopping);
    assert_eq!(Stopped.to_string(), "the daemon is stopping");
}
