//! A daemon that starts on what another one left.

mod common;

use std::time::Duration;

use common::{House, agent, fleet, scaler};
use headcount_controller::{Event, Link};
use headcount_model::{
    AgentId, AgentPhase, Answer, BackendId, Fleet, JobEnd, JobId, PoolName, Reason,
};

fn one() -> Fleet {
    fleet([scaler("d", "linux", 1)])
}

#[tokio::test(start_paused = true)]
async fn a_running_job_goes_on_and_ends_once() {
    let house = House::settled(one()).await;
    house.run_first("linux").await;
    let house = house.again(one()).await;
    house.quiet().await;
    let view = house.view().await;
    assert!(view.backends[0].fresh);
    assert_eq!(view.agents[0].record.id, agent(1));
    assert!(matches!(view.agents[0].link, Link::Down(_)));
    assert_eq!((view.jobs[0].job, view.jobs[0].agent), (JobId(1), agent(1)));

    assert_eq!(house.resume(agent(1), &[1]).await, Answer::Applied);
    assert_eq!(house.view().await.agents[0].reason, Reason::RunningJob);
    assert_eq!(house.succeed(agent(1), 1).await, Answer::Applied);
    assert_eq!(house.source.ended()[&JobId(1)], JobEnd::Succeeded);
    assert_eq!(
        house.backend.creates().len(),
        1,
        "nothing was started again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_creation_was_under_way_is_adopted_by_the_list() {
    let house = House::settled(one()).await;
    house.backend.fall_silent();
    house.submit("linux", 1).await;
    let token = house.backend.token(agent(1));
    let house = house.again(one()).await;
    // It was made, but nobody had heard of it.
    house.backend.plant(agent(1), "d/linux");
    house.backend.answer();
    house.quiet().await;
    let view = house.view().await;
    assert_eq!(view.agents[0].record.phase, AgentPhase::Starting);
    assert_eq!(view.backends[0].strangers, 0);
    assert_eq!(house.backend.token(agent(1)), token);
    house.register(agent(1)).await;
    assert_eq!(house.link.said(), ["assign job-1 attempt 1 to a-1-1"]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_died_meanwhile_ends_its_job() {
    let house = House::settled(one()).await;
    house.run_first("linux").await;
    house.crash().await;
    let empty = std::sync::Arc::new(common::TestBackend::new());
    let parts = (house.ledger, house.source, empty);
    let controller = headcount_controller::Controller::new();
    let house = House::among(one(), controller, parts).await;
    house.quiet().await;
    let lost = JobEnd::Failed {
        reason: Reason::AgentLost,
        outcome: None,
    };
    assert_eq!(house.source.ended()[&JobId(1)], lost);
    assert!(house.view().await.agents.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_written_but_not_told_is_told() {
    let house = House::settled(one()).await;
    house.run_first("linux").await;
    house.source.fall_silent();
    assert_eq!(house.succeed(agent(1), 1).await, Answer::Applied);
    assert!(house.source.ended().is_empty());
    let house = house.again(one()).await;
    house.source.answer();
    house.quiet().await;
    assert_eq!(house.source.ended()[&JobId(1)], JobEnd::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_with_our_mark_is_removed_after_a_grace() {
    let house = House::start(one()).await;
    let mut events = house.handle.events();
    let stranger = AgentId {
        epoch: 77,
        number: 1,
    };
    house.backend.plant(stranger, "d/linux");
    house.quiet().await;
    assert_eq!(house.view().await.backends[0].strangers, 1);
    house.pass(Duration::from_secs(59)).await;
    assert_eq!(house.backend.instances(), [stranger]);
    house.pass(Duration::from_secs(2)).await;
    assert_eq!(house.backend.instances(), []);
    assert_eq!(house.view().await.backends[0].strangers, 0);
    let reaped = Event::Reaped {
        agent: stranger,
        backend: BackendId::new(common::fleet::BACKEND),
    };
    assert_eq!(*events.try_recv().unwrap(), reaped);
    assert!(events.try_recv().is_err(), "it is told once");
}

#[tokio::test(start_paused = true)]
async fn drained_pools_stay_drained_and_agents_are_numbered_anew() {
    let house = House::settled(one()).await;
    house.handle.drain(PoolName::new("d/linux"), false).await;
    let house = house.again(one()).await;
    house.submit("linux", 1).await;
    assert!(house.view().await.pools[0].drained);
    assert!(house.backend.creates().is_empty());
    house.handle.drain(PoolName::new("d/linux"), true).await;
    house.quiet().await;
    let [made] = house.backend.instances()[..] else {
        panic!("{:?}", house.backend.instances());
    };
    assert!(made.epoch > agent(1).epoch, "{made}");
}
