//! Rows last as long as their daemon says so, and no longer than its lease.

use headcount_ports::MachinePools;

use crate::common::{TestHost, booking, words};

#[tokio::test]
async fn a_dead_daemons_room_comes_back_when_its_lease_is_over() {
    let host = TestHost::new();
    let (dead, b) = (host.daemon("dead", 4).await, host.daemon("b", 4).await);
    dead.reserve(1, 3).await.unwrap();
    host.wait(59);
    assert!(b.reserve(1, 3).await.is_err(), "it may still live");
    host.wait(1);
    assert_eq!(b.reserve(1, 3).await, Ok(()));
}

#[tokio::test]
async fn a_daemon_that_renews_keeps_its_room() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 3).await.unwrap();
    for _ in 0..5 {
        host.wait(40);
        a.renew(4).await.unwrap();
        assert!(b.reserve(1, 3).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn it_renews_by_itself_and_only_while_it_holds_something() {
    let host = TestHost::new();
    let a = host.daemon("a", 4).await;
    a.reserve(1, 3).await.unwrap();
    let before = host.text();
    host.wait(20);
    // Held up until its timer, the only one there is, has fired and its work is done.
    tokio::time::sleep(std::time::Duration::from_secs(21)).await;
    let held = a.held().await;
    assert_eq!(held, [1]);
    assert_ne!(host.text(), before, "the lease was renewed");
    a.release(1).await.unwrap();
    let before = std::fs::metadata(host.file()).unwrap().modified().unwrap();
    host.wait(20);
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    a.held().await;
    let after = std::fs::metadata(host.file()).unwrap().modified().unwrap();
    assert_eq!(before, after, "nothing held, nothing done");
}

#[tokio::test]
async fn a_daemon_that_slept_past_its_lease_says_again_what_it_holds() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 3).await.unwrap();
    host.wait(61);
    b.reserve(1, 2).await.unwrap();
    a.renew(4).await.unwrap();
    assert!(words(b.reserve(2, 1).await).contains("5 of 4 are taken"));
    assert!(
        a.reserve(2, 1).await.is_err(),
        "nobody adds before there is room"
    );
    b.release(1).await.unwrap();
    assert_eq!(a.reserve(2, 1).await, Ok(()));
}

#[tokio::test]
async fn nothing_of_an_earlier_boot_counts() {
    let host = TestHost::new();
    let a = host.daemon("a", 4).await;
    a.reserve(1, 4).await.unwrap();
    drop(a);
    let host = host.booted_anew();
    let b = host.daemon("b", 4).await;
    assert_eq!(b.reserve(1, 4).await, Ok(()));
}

#[tokio::test]
async fn a_daemon_that_starts_again_keeps_what_lives_and_drops_the_rest() {
    let host = TestHost::new();
    let first = host.daemon("a", 4).await;
    first.reserve(1, 2).await.unwrap();
    first.reserve(2, 2).await.unwrap();
    drop(first);
    let second = host.daemon("a", 4).await;
    second.ledger.adopt(vec![booking(2, 2)]).await.unwrap();
    let other = host.daemon("b", 4).await;
    assert_eq!(other.reserve(1, 2).await, Ok(()));
    assert!(other.reserve(2, 1).await.is_err());
}

#[tokio::test]
async fn what_lives_is_adopted_even_beyond_the_cap() {
    let host = TestHost::new();
    let first = host.daemon("a", 4).await;
    first.reserve(1, 3).await.unwrap();
    drop(first);
    host.wait(60);
    let other = host.daemon("b", 4).await;
    other.reserve(1, 3).await.unwrap();
    let second = host.daemon("a", 4).await;
    second.ledger.adopt(vec![booking(1, 3)]).await.unwrap();
    assert!(words(other.reserve(2, 1).await).contains("6 of 4 are taken"));
}
