//! Pools with triggers: read through the port, under the right configuration, with a
//! deadline; what is read makes workers and shows in the view.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{House, agent, fleet, scaler};
use headcount_controller::Event;
use headcount_model::{
    AgentKind, BackendEvent, BackendId, Combine, Compat, CronWindow, Exit, Fleet, Level,
    ProcessProgram, QueueRule, Reason, Recipe, Strategy, Trigger, TriggerKind,
};
use headcount_ports::BackendInbox;

const POOL: &str = "w/work";

/// Workers by one trigger, at most `max`.
fn queue(max: u32) -> Fleet {
    let mut scaler = scaler("w", "work", 9);
    let pool = &mut scaler.pools[0];
    pool.kind = AgentKind::Worker;
    pool.recipe = Arc::new(Recipe::Process {
        program: ProcessProgram::Worker(vec!["/bin/w".into()]),
        env: std::collections::BTreeMap::new(),
        enforce_cgroups: false,
    });
    pool.queue = Some(Arc::new(QueueRule {
        triggers: vec![Trigger {
            name: "cron".into(),
            target: Level(1.0),
            activation: Level(0.0),
            kind: TriggerKind::Cron(CronWindow {
                timezone: "UTC".into(),
                start: "0 8 * * *".into(),
                end: "0 18 * * *".into(),
                desired: 1,
                compat: Compat::Headcount,
            }),
        }],
        strategy: Strategy::Default,
        combine: Combine::Max,
        min: 0,
        max: Some(max),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    }));
    fleet([scaler])
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_told_makes_workers_and_an_end_reads_again() {
    let house = House::settled(queue(5)).await;
    assert_eq!(
        house.signals.said(),
        ["configure [w/work]", "sample w/work"]
    );
    let now = house.clock.now();
    house.signals.push(&house.inbox, POOL, 2.0, now).await;
    house.quiet().await;
    assert_eq!(house.backend.creates().len(), 2);
    let backend = BackendId::new("bare-metal");
    for number in 1..=2 {
        let running = BackendEvent::Running(agent(number));
        BackendInbox::post(&house.inbox, &backend, running).await;
    }
    house.pass(Duration::from_secs(5)).await;
    house.signals.set(1.0);
    let gone = BackendEvent::Gone(agent(1), Exit::Code(0));
    BackendInbox::post(&house.inbox, &backend, gone).await;
    house.quiet().await;
    assert_eq!(house.signals.said().len(), 3, "its end reads again");
    assert_eq!(house.backend.creates().len(), 2);
    let view = house.view().await;
    let signal = view.pools[0].signal.as_ref().unwrap();
    assert_eq!((signal.spent, signal.desired), (true, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn how_long_the_first_plan_took_to_come_is_told_once() {
    let house = House::settled(queue(2)).await;
    let mut events = house.handle.events();
    let now = house.clock.now();
    let arrived = Some(now.before(Duration::from_millis(7)));
    let signals = &house.signals;
    signals
        .push_arrived(&house.inbox, POOL, 5.0, (now, arrived))
        .await;
    house.quiet().await;
    let mut detected = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::Detected { pool, after } = &*event {
            detected.push((pool.to_string(), *after));
        }
    }
    let seven = Duration::from_millis(7);
    assert_eq!(detected, [(POOL.to_owned(), seven)]);
    // More of the same sample is made when there is room, and is no detection.
    let backend = BackendId::new("bare-metal");
    let gone = BackendEvent::Gone(agent(1), Exit::Code(0));
    BackendInbox::post(&house.inbox, &backend, gone).await;
    house.quiet().await;
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(*event, Event::Detected { .. }), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn polling_finds_what_nobody_told() {
    let house = House::settled(queue(5)).await;
    house.signals.set(1.0);
    house.pass(Duration::from_secs(29)).await;
    assert!(house.backend.creates().is_empty());
    house.pass(Duration::from_secs(2)).await;
    assert_eq!(house.backend.creates().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_fails_or_hangs_is_unknown_and_asked_again() {
    let house = House::start(queue(5)).await;
    house.signals.fail(true);
    house.quiet().await;
    let view = house.view().await;
    assert_eq!(view.pools[0].limited_by, Some(Reason::SignalUnknown));
    let detail = view.pools[0].limited_by_detail.as_deref();
    assert_eq!(detail, Some("connection refused"));
    house.signals.fail(false);
    house.signals.silent(true);
    house.signals.set(1.0);
    house.pass(Duration::from_secs(10)).await;
    assert_eq!(
        house.view().await.pools[0].limited_by,
        Some(Reason::SignalUnknown)
    );
    house.signals.silent(false);
    house.pass(Duration::from_secs(8)).await;
    assert_eq!(house.backend.creates().len(), 1);
    assert_eq!(house.view().await.pools[0].limited_by, None);
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_told_before_anything_is_read_under_it() {
    let house = House::settled(fleet([])).await;
    assert!(house.signals.said().is_empty());
    house.signals.set(1.0);
    house.handle.configure(queue(5)).await.unwrap();
    house.quiet().await;
    assert_eq!(
        house.signals.said(),
        ["configure [w/work]", "sample w/work"]
    );
    assert_eq!(house.backend.creates().len(), 1);
    house.handle.configure(fleet([])).await.unwrap();
    house.quiet().await;
    assert_eq!(house.signals.said().last().unwrap(), "configure []");
}

#[tokio::test(start_paused = true)]
async fn the_next_daemon_reads_anew_before_it_makes_anybody() {
    let house = House::settled(queue(5)).await;
    let now = house.clock.now();
    house.signals.push(&house.inbox, POOL, 2.0, now).await;
    house.quiet().await;
    house.signals.silent(true);
    let house = house.again(queue(5)).await;
    house.quiet().await;
    assert_eq!(house.backend.creates().len(), 2);
    house.signals.silent(false);
    house.pass(Duration::from_secs(20)).await;
    assert_eq!(house.backend.creates().len(), 2, "two live and two wait");
}
