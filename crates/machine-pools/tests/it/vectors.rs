//! The vectors of machine pools, by number.

use headcount_machine_pools::{Host, MachineLedger, Options, Places};
use headcount_model::{Cap, MachinePool, Name, OwnerId, Resources};
use headcount_ports::{Booking, MachinePoolError, MachinePools};

use crate::common::{GIB, TestHost, agent, booking, words};

#[tokio::test]
async fn p1_what_fits_beside_the_others_is_given() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    assert_eq!(a.reserve(1, 3).await, Ok(()));
    let refused = b.reserve(1, 3).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "machine pool `host` has no room: of its CPU 3 of 4 are taken, 3 of that by other \
         daemons, and the agent asks for 3"
    );
    let MachinePoolError::Full { others, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!((others.cpu_millis, others.memory_bytes), (3000, GIB));
    assert_eq!(b.reserve(2, 1).await, Ok(()));
    assert_eq!(
        words(a.reserve(2, 1).await).split(':').next(),
        Some("machine pool `host` has no room")
    );
}

#[tokio::test]
async fn p1_memory_counts_as_cpu_does() {
    let host = TestHost::new();
    let ledger = host.daemon("a", 4).await.ledger;
    let cap = Cap {
        max_cpu_millis: None,
        max_memory_bytes: Some(3 * GIB / 2),
    };
    let name = Name::new("host");
    ledger
        .configure(vec![MachinePool { name, cap }])
        .await
        .unwrap();
    ledger.reserve(booking(1, 9)).await.unwrap();
    let answer = words(ledger.reserve(booking(2, 9)).await);
    assert_eq!(
        answer,
        "machine pool `host` has no room: of its memory 1g of 1536m are taken, 0 bytes of that \
         by other daemons, and the agent asks for 1g"
    );
    let nothing = Booking {
        amount: Resources::ZERO,
        ..booking(3, 0)
    };
    assert_eq!(
        ledger.reserve(nothing).await,
        Ok(()),
        "who asks for nothing fits"
    );
}

#[tokio::test]
async fn p2_of_ten_at_once_exactly_four_are_given() {
    let host = TestHost::new();
    let mut tasks = Vec::new();
    for n in 0..10 {
        let daemon = host.daemon(&format!("d{n}"), 4).await;
        tasks.push(tokio::spawn(
            async move { (daemon.reserve(1, 1).await, daemon) },
        ));
    }
    let mut given = 0;
    for task in tasks {
        given += u32::from(task.await.unwrap().0.is_ok());
    }
    assert_eq!(given, 4);
}

#[tokio::test]
async fn p2_of_ten_at_once_of_one_daemon_exactly_four_are_given() {
    let host = TestHost::new();
    let daemon = host.daemon("a", 4).await;
    let mut tasks = Vec::new();
    for n in 0..10 {
        let ledger = daemon.ledger.clone();
        tasks.push(tokio::spawn(
            async move { ledger.reserve(booking(n, 1)).await },
        ));
    }
    let mut given = 0;
    for task in tasks {
        given += u32::from(task.await.unwrap().is_ok());
    }
    assert_eq!(given, 4);
}

#[tokio::test]
async fn p3_a_release_touches_nothing_of_others() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 3).await.unwrap();
    assert_eq!(
        b.release(1).await,
        Ok(()),
        "nothing of it is left, so it is done"
    );
    assert!(
        b.reserve(2, 2).await.is_err(),
        "the room of a's agent is still taken"
    );
    a.release(1).await.unwrap();
    assert_eq!(b.reserve(2, 4).await, Ok(()));
}

#[tokio::test]
async fn p4_a_pool_that_is_not_configured_gives_nothing() {
    let host = TestHost::new();
    let daemon = host.daemon("a", 4).await;
    let other = Booking {
        pool: Name::new("other"),
        ..booking(1, 1)
    };
    assert_eq!(
        words(daemon.ledger.reserve(other).await),
        "machine pool `other` is not configured in this daemon; add it to `machinePools`"
    );
    daemon.ledger.configure(Vec::new()).await.unwrap();
    assert!(daemon.reserve(1, 1).await.is_err(), "a pool that left");
}

#[tokio::test]
async fn p4_daemons_that_disagree_about_the_cap_get_nothing() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 6).await);
    a.reserve(1, 1).await.unwrap();
    let pid = std::process::id();
    assert_eq!(
        words(b.reserve(1, 1).await),
        format!(
            "machine pool `host` has another cap elsewhere: maxCpu 6 and maxMemory no limit \
             here, maxCpu 4 and maxMemory no limit in daemon a (pid {pid}); give it the same \
             cap in every daemon of this host and reload them"
        )
    );
    assert_eq!(a.reserve(2, 1).await, Ok(()), "who agrees with all goes on");
    // Reloaded one after the other, they agree again while both hold something.
    b.cap(4).await.unwrap();
    b.reserve(1, 1).await.unwrap();
    a.cap(6).await.unwrap();
    assert!(b.reserve(2, 1).await.is_err(), "half-way");
    b.cap(6).await.unwrap();
    assert_eq!(b.reserve(2, 3).await, Ok(()));
}

#[tokio::test]
async fn p4_a_new_cap_is_taken_where_nobody_else_holds_anything() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 6).await);
    a.reserve(1, 4).await.unwrap();
    a.release(1).await.unwrap();
    assert_eq!(b.reserve(1, 6).await, Ok(()));
}

#[tokio::test]
async fn p5_only_the_own_rows_go() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 1).await.unwrap();
    a.reserve(2, 1).await.unwrap();
    b.reserve(1, 2).await.unwrap();
    a.ledger.adopt(Vec::new()).await.unwrap();
    assert_eq!((a.held().await, b.held().await), (vec![], vec![1]));
    assert_eq!(b.reserve(2, 2).await, Ok(()));
    assert!(b.reserve(3, 1).await.is_err());
}

#[tokio::test]
async fn an_agent_is_booked_once_with_its_last_amount() {
    let host = TestHost::new();
    let daemon = host.daemon("a", 4).await;
    daemon.reserve(1, 3).await.unwrap();
    assert_eq!(daemon.reserve(1, 3).await, Ok(()), "again");
    assert!(daemon.reserve(1, 5).await.is_err(), "too large");
    assert!(
        daemon.reserve(2, 2).await.is_err(),
        "the first amount stays"
    );
    assert_eq!(daemon.reserve(1, 2).await, Ok(()));
    assert_eq!(daemon.reserve(2, 2).await, Ok(()));
    assert_eq!(daemon.held().await, [1, 2]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_gives_nothing_and_says_so() {
    let host = TestHost::new();
    let blocked = host.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let places = Places::only(blocked.join("pools"));
    let ledger = MachineLedger::open(Options::new(
        OwnerId::new("a"),
        Host::with("boot", || 5),
        places,
    ));
    ledger
        .configure(vec![crate::common::pool(4)])
        .await
        .unwrap();
    assert!(ledger.check().await.is_err());
    let answer = words(ledger.reserve(booking(1, 1)).await);
    assert!(answer.contains("cannot be kept in"), "{answer}");
    assert_eq!(ledger.held().await, []);
    let name = Name::new("host");
    assert_eq!(
        ledger.release(&name, agent(1)).await,
        Ok(()),
        "nothing was ever written"
    );
}
