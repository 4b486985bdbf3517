//! Agents of a machine pool: reserved before they are made, released when they are gone,
//! and adopted by the next daemon.

mod common;

use std::time::Duration;

use common::{House, agent, class, fleet, scaler};
use headcount_controller::ExplainedVerdict;
use headcount_model::{Answer, Cap, Fleet, MachinePool, Name, Partial, Reason, Resources};
use headcount_ports::{MachinePoolError, MachinePools};

/// A fleet whose only scaler is in a machine pool of two CPUs, one for each agent.
fn shared() -> Fleet {
    let mut scaler = scaler("d", "linux", 9);
    scaler.machine_pool = Some(Name::new("host"));
    scaler.pools[0].layers.label_set.requests = Partial {
        cpu_millis: Some(1000),
        memory_bytes: None,
    };
    let mut fleet = fleet([scaler]);
    fleet.machine_pools = vec![MachinePool {
        name: Name::new("host"),
        cap: Cap {
            max_cpu_millis: Some(2000),
            max_memory_bytes: None,
        },
    }];
    fleet
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_reserved_before_it_is_made_and_released_when_it_is_gone() {
    let house = House::settled(shared()).await;
    house.run_first("linux").await;
    let held = house.pools.held().await;
    assert_eq!((held.len(), held[0].amount.cpu_millis), (1, 1000));
    assert_eq!(house.succeed(agent(1), 1).await, Answer::Applied);
    house.pass(Duration::from_secs(60)).await;
    assert_eq!(
        house.pools.said(),
        ["adopt []", "reserve a-1-1 in host", "release a-1-1 in host"]
    );
    assert!(house.view().await.agents.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_numbers_and_nothing_is_made() {
    let house = House::settled(shared()).await;
    let message = "machine pool `host` has no room: of its CPU 2 of 2 are taken".to_owned();
    house.pools.refuse(Some(MachinePoolError::Full {
        message: message.clone(),
        others: Resources {
            cpu_millis: 2000,
            memory_bytes: 0,
        },
    }));
    house.submit("linux", 1).await;
    assert!(house.backend.creates().is_empty());
    let view = house.view().await;
    assert_eq!(view.pools[0].limited_by, Some(Reason::MachinePoolCpuCap));
    assert_eq!(view.pools[0].limited_by_detail, Some(message.clone()));
    assert_eq!(view.pools[0].backoff.failures, 0);
    let explained = house.handle.explain(class("linux")).await.unwrap();
    let ExplainedVerdict::Candidate { detail, .. } = &explained.pools[0].verdict else {
        panic!("{:?}", explained.pools);
    };
    assert_eq!(*detail, Some(message));
    house.pools.refuse(None);
    house.pass(Duration::from_secs(1)).await;
    assert_eq!(house.backend.creates().len(), 1, "asked again by itself");
}

#[tokio::test(start_paused = true)]
async fn what_is_our_own_part_is_told_before_anybody_refused() {
    let house = House::settled(shared()).await;
    house.submit("linux", 3).await;
    assert_eq!(
        house.view().await.pools[0].limited_by_detail.as_deref(),
        Some(
            "agents of this daemon reserve 2 of 2 CPUs and 0 bytes of memory in machine pool \
             `host`"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_daemon_adopts_what_lives_and_nothing_else() {
    let house = House::settled(shared()).await;
    house.run_first("linux").await;
    // One more is asked for, and nobody learns what came of it.
    house
        .pools
        .refuse(Some(MachinePoolError::Unknown("lost".into())));
    house.submit("linux", 1).await;
    let house = house.again(shared()).await;
    house.quiet().await;
    let said = house.pools.said();
    assert!(said.contains(&"adopt [a-1-1]".to_owned()), "{said:?}");
    let held = house.pools.held().await;
    assert_eq!(held.len(), 1, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reservation_of_unknown_outcome_is_released() {
    let house = House::settled(shared()).await;
    house
        .pools
        .refuse(Some(MachinePoolError::Unknown("lost".into())));
    house.submit("linux", 1).await;
    let said = house.pools.said();
    assert_eq!(
        said[1..3],
        ["reserve a-1-1 in host", "release a-1-1 in host"]
    );
}
