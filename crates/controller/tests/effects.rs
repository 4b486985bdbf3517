//! Effects: each has a deadline, a bound and an answer; secrets stay secret.

mod common;

use std::time::Duration;

use common::{House, agent, class, fleet, scaler};
use headcount_controller::{Core, Mint, digest};
use headcount_model::{
    AgentKind, BackendEvent, BackendId, ClassCount, Demand, Exit, Listing, OwnerId, PoolName,
    ProcessProgram, Reason, Recipe, Secret, SourceId, Timestamp,
};
use headcount_planner::{Action, Answered, News};
use headcount_ports::{BackendInbox, Recovered};

#[tokio::test(start_paused = true)]
async fn a_creation_without_an_answer_is_doubtful_and_looked_for() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.backend.fall_silent();
    house.submit("linux", 1).await;
    house.pass(Duration::from_secs(59)).await;
    assert_eq!(house.backend.lists(), 1, "the first one, at start");
    house.pass(Duration::from_secs(1)).await;
    assert_eq!(house.backend.lists(), 2);
    house.backend.answer();
    house.quiet().await;
    let view = house.view().await;
    let (_, why) = view.pools[0].backoff.last.clone().unwrap();
    assert_eq!(why, "no answer to create within 60s");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_hears_nothing_says_so_and_asks_again() {
    let parts = (
        std::sync::Arc::new(common::TestLedger::new()),
        std::sync::Arc::new(common::TestSource::new()),
        std::sync::Arc::new(common::TestBackend::new()),
    );
    parts.1.fall_silent();
    parts.2.fall_silent();
    let controller = headcount_controller::Controller::new();
    let house = House::among(fleet([scaler("d", "linux", 1)]), controller, parts).await;
    house.pass(Duration::from_millis(30_001)).await;
    let view = house.view().await;
    let troubles = (
        view.backends[0].trouble.clone(),
        view.sources[0].trouble.clone(),
    );
    let text = |what: &str| Some(format!("no answer to {what} within 30s"));
    assert_eq!(troubles, (text("list"), text("refresh")));
    house.pass(Duration::from_secs(1)).await;
    assert_eq!((house.backend.lists(), house.source.refreshes()), (2, 2));

    house.backend.answer();
    house.source.answer();
    house.quiet().await;
    let view = house.view().await;
    assert!(view.backends[0].fresh && view.sources[0].fresh);
    assert_eq!(
        (&view.backends[0].trouble, &view.sources[0].trouble),
        (&None, &None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_hear_of_an_end_is_told_again() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.run_first("linux").await;
    house.source.fall_silent();
    house.succeed(agent(1), 1).await;
    house.pass(Duration::from_secs(31)).await;
    assert_eq!(house.source.completions(), 2);
    house.source.answer();
    house.quiet().await;
    assert_eq!(house.source.ended().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removal_waits_for_no_creation() {
    let house = House::start(fleet([scaler("d", "linux", 100)])).await;
    let stranger = agent(77);
    house.backend.plant(stranger, "d/linux");
    house.quiet().await;
    house.pass(Duration::from_secs(30)).await;
    house.backend.fall_silent();
    house.submit("linux", 100).await;
    assert_eq!(house.backend.creates().len(), 64, "no more at once");
    house.pass(Duration::from_secs(31)).await;
    let removed = house.backend.destroys();
    assert_eq!(removed.first().map(|(agent, _)| *agent), Some(stranger));
}

#[tokio::test(start_paused = true)]
async fn a_backend_is_asked_for_64_things_at_once_at_most() {
    let house = House::settled(fleet([scaler("d", "linux", 100)])).await;
    house.backend.fall_silent();
    house.submit("linux", 100).await;
    assert_eq!(house.backend.creates().len(), 64);
    house.backend.answer();
    house.quiet().await;
    assert_eq!(house.backend.instances().len(), 100);
    assert_eq!(house.backend.most_under_way(), 64);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_ones_turn_is_not_held_against_a_backend() {
    let house = House::settled(fleet([scaler("d", "linux", 65)])).await;
    house.backend.fall_silent();
    house.submit("linux", 65).await;
    house.pass(Duration::from_secs(59)).await;
    house.backend.answer();
    house.quiet().await;
    assert_eq!(house.backend.instances().len(), 65);
    assert_eq!(house.backend.creates().len(), 65, "none was made twice");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_gone_is_forgotten() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.run_first("linux").await;
    house.succeed(agent(1), 1).await;
    assert!(!house.link.said().contains(&"forget a-1-1".to_owned()));
    house.pass(Duration::from_secs(60)).await;
    assert_eq!(house.backend.instances(), []);
    assert_eq!(house.link.said().last().unwrap(), "forget a-1-1");
    assert!(house.ledger.agents().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_launch_tells_when_its_network_was_settled() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.submit("linux", 1).await;
    house.quiet().await;
    let backend = BackendId::new("bare-metal");
    let launch = || house.handle.launches().of(agent(1)).unwrap();
    assert_eq!(launch().fenced_at, None, "nobody told");
    for who in [agent(1), agent(77)] {
        BackendInbox::post(&house.inbox, &backend, BackendEvent::Fenced(who)).await;
    }
    house.quiet().await;
    assert!(launch().fenced_at >= Some(launch().decided_at));
    assert_eq!(house.handle.launches().of(agent(77)), None);
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_failed_is_remembered_with_the_agents_last_words() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.submit("linux", 1).await;
    house.quiet().await;
    let ended = BackendEvent::Gone(agent(1), Exit::Code(127));
    let backend = BackendId::new("bare-metal");
    BackendInbox::post(&house.inbox, &backend, ended).await;
    house.quiet().await;
    let launch = house.handle.launches().of(agent(1)).unwrap();
    assert_eq!(launch.made_for, Reason::DemandWaiting);
    let failure = launch.failure.clone().unwrap();
    assert_eq!(
        failure.message,
        "agent a-1-1 ended with code 127 before it was of use"
    );
    assert_eq!(failure.output, ["last words of a-1-1, at most 50 lines"]);
    let pools = house.handle.candidates(&class("linux"));
    assert_eq!(pools, [PoolName::new("d/linux")]);
    let from_then = (failure.at, house.view().await.at);
    assert_eq!(
        house.handle.launches().failed_in(&pools, from_then, 9),
        [launch]
    );
}

#[tokio::test(start_paused = true)]
async fn every_agent_has_a_token_of_its_own_and_the_ledger_only_its_digest() {
    let house = House::settled(fleet([scaler("d", "linux", 2)])).await;
    house.submit("linux", 2).await;
    let tokens = [1, 2].map(|number| house.backend.token(agent(number)));
    assert_ne!(tokens[0], tokens[1]);
    for (token, record) in tokens.iter().zip(house.ledger.agents().await) {
        assert_eq!(token.expose().len(), 64);
        assert!(
            token
                .expose()
                .bytes()
                .all(|b| b"0123456789abcdef".contains(&b))
        );
        assert_eq!(record.tokens, [digest(token)]);
        assert!(!house.ledger.text().contains(token.expose()));
        assert!(!format!("{:?}", house.backend.creates()).contains(token.expose()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_only_to_be_ready_gives_way() {
    let mut ready = scaler("d", "linux", 2);
    ready.pools[0].idle.keep = 1;
    let house = House::start(fleet([scaler("d", "linux", 2)])).await;
    house.pass(Duration::from_millis(1)).await;
    house.submit("linux", 1).await;
    house.pass(Duration::from_millis(1)).await;
    assert_eq!(house.backend.creates().len(), 1, "a job waits for it");
    house.handle.configure(fleet([ready])).await.unwrap();
    house.pass(Duration::from_millis(1)).await;
    assert_eq!(
        house.backend.creates().len(),
        1,
        "nobody waits for a second one"
    );
    house.pass(Duration::from_millis(20)).await;
    assert_eq!(house.backend.creates().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_gets_no_token() {
    let mut worker = scaler("w", "work", 1);
    let pool = &mut worker.pools[0];
    (pool.kind, pool.idle.keep, pool.max_jobs) = (AgentKind::Worker, 1, None);
    pool.recipe = std::sync::Arc::new(Recipe::Process {
        program: ProcessProgram::Worker(vec!["/bin/work".to_owned()]),
        env: std::collections::BTreeMap::new(),
        enforce_cgroups: false,
    });
    let house = House::settled(fleet([worker])).await;
    let creates = house.backend.creates();
    assert_eq!(creates.len(), 1);
    assert_eq!(creates[0].token, None);
    assert_eq!(house.ledger.agents().await[0].tokens, []);
}

struct Hunter;

impl Mint for Hunter {
    fn token(&mut self) -> Secret {
        Secret::new("hunter2".to_owned())
    }
}

#[test]
fn the_digest_is_in_the_round_that_orders_the_creation_and_nothing_prints_the_token() {
    let now = Timestamp::from_millis(1_000_000);
    let recovered = Recovered {
        owner: OwnerId::new("owner"),
        epoch: 1,
        agents: Vec::new(),
        attempts: Vec::new(),
        drained_pools: Vec::new(),
    };
    let source = SourceId::new(common::fleet::SOURCE);
    let fleet = fleet([scaler("d", "linux", 1)]);
    let mut core = Core::recover(
        recovered,
        vec![source.clone().into()],
        fleet,
        Box::new(Hunter),
        now,
    );
    core.round(now);
    let nothing = Listing {
        instances: Vec::new(),
    };
    let listed = Answered::List(BackendId::new(common::fleet::BACKEND), Ok(nothing));
    core.observe(News::Answered(listed), now);
    let count = ClassCount {
        waiting: 1,
        oldest: Some(now),
        next_expiry: None,
    };
    let demand = Demand {
        sample: 1,
        classes: vec![(class("linux"), count)],
    };
    core.observe(News::Answered(Answered::Refresh(source, Ok(demand))), now);
    let round = core.round(now);
    let creation = |order: &&headcount_controller::Order| matches!(order.action, Action::Create(_));
    let order = round.orders.iter().find(creation).unwrap();
    let token = order.token.clone().unwrap();
    assert_eq!(token.expose(), "hunter2");
    assert_eq!(round.changes.agents[0].tokens, [digest(&token)]);
    assert!(!format!("{round:?}").contains("hunter2"));
}
