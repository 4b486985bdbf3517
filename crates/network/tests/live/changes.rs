//! Admitting, replacing, withdrawing, opening again; several owners.

use std::collections::BTreeSet;

use headcount_model::OwnerId;
use headcount_network::{NetworkError, Table};

use crate::world::{BRIDGE, PRIVATE, PUBLIC, PUBLIC_6, World, agent};

#[tokio::test]
async fn what_is_admitted_is_read_back_from_the_kernel() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    assert!(table.admitted().await.unwrap().is_empty());
    let (first, second) = (world.agent(2), world.agent(3));
    let mut only_v4 = second.with(&[], true);
    only_v4.addresses.v6 = None;
    table
        .admit(first.id, &first.with(&[], false))
        .await
        .unwrap();
    table.admit(second.id, &only_v4).await.unwrap();
    assert_eq!(
        format!("{:?}", table.admitted().await.unwrap()),
        "{a-ab-2: [172.30.0.2, fd30::2], a-ab-3: [172.30.0.3]}"
    );
}

#[tokio::test]
async fn admitting_again_replaces_and_leaves_nothing_behind() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let first = agent.with(&["10.9.9.9"], false);
    table.admit(agent.id, &first).await.unwrap();
    agent.reaches_only(&[PUBLIC, PUBLIC_6, PRIVATE]);
    let once = rules(&world, &table);
    table.admit(agent.id, &first).await.unwrap();
    assert_eq!(rules(&world, &table), once);

    table.admit(agent.id, &agent.with(&[], true)).await.unwrap();
    agent.reaches_only(&[]);
    let mut moved = agent.with(&[], false);
    moved.addresses.v4 = Some([172, 30, 0, 77].into());
    moved.addresses.v6 = None;
    table.admit(agent.id, &moved).await.unwrap();
    agent.reaches_only(&[]);
    let text = rules(&world, &table);
    assert!(
        !text.contains("172.30.0.2") && !text.contains("fd30::2"),
        "{text}"
    );
}

/// Vector N1: exactly one agent's rules go, whatever other names and addresses begin alike.
#[tokio::test]
async fn n1_withdrawing_touches_exactly_one_agent() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let empty = rules(&world, &table);
    let (first, second) = (world.agent(2), world.agent(20));
    table
        .admit(second.id, &second.with(&["10.9.9.9"], false))
        .await
        .unwrap();
    let with_second = rules(&world, &table);
    table
        .admit(first.id, &first.with(&["10.9.9.9"], false))
        .await
        .unwrap();

    table.withdraw(first.id).await.unwrap();
    assert_eq!(rules(&world, &table), with_second);
    first.reaches_only(&[]);
    second.reaches_only(&[PUBLIC, PUBLIC_6, PRIVATE]);

    table.withdraw(first.id).await.unwrap();
    table.withdraw(agent(200)).await.unwrap();
    table.withdraw(second.id).await.unwrap();
    assert_eq!(rules(&world, &table), empty);
    second.reaches_only(&[]);
}

#[tokio::test]
async fn opening_again_keeps_the_admitted_and_makes_the_base_right() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let (agent, other) = (world.agent(2), world.agent(3));
    table
        .admit(agent.id, &agent.with(&["10.9.9.9"], false))
        .await
        .unwrap();
    let before = rules(&world, &table);
    let damage = format!("insert rule inet {} from-agents accept", table.name());
    world.host.nft_says(&damage);
    drop(table);

    let table = world.table().await;
    assert_eq!(rules(&world, &table), before);
    assert_eq!(
        format!("{:?}", table.admitted().await.unwrap()),
        "{a-ab-2: [172.30.0.2, fd30::2]}"
    );
    agent.reaches_only(&[PUBLIC, PUBLIC_6, PRIVATE]);
    other.reaches_only(&[]);
}

/// Connections that were open before are cut off too, not only new ones.
#[tokio::test]
async fn withdrawing_also_ends_open_connections() {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    table
        .admit(agent.id, &agent.with(&["172.30.0.1"], true))
        .await
        .unwrap();
    let listener = world
        .host
        .inside(|| TcpListener::bind("172.30.0.1:5000").unwrap());
    let mut ours = agent
        .inside
        .inside(|| TcpStream::connect("172.30.0.1:5000").unwrap());
    let (mut theirs, _) = listener.accept().unwrap();
    ours.write_all(b"1").unwrap();
    theirs.read_exact(&mut [0]).unwrap();

    table.withdraw(agent.id).await.unwrap();
    ours.write_all(b"2").unwrap();
    let silence = std::time::Duration::from_millis(300);
    theirs.set_read_timeout(Some(silence)).unwrap();
    assert!(theirs.read_exact(&mut [0]).is_err());
}

#[tokio::test]
async fn two_owners_do_not_disturb_each_other() {
    let Some(world) = World::build() else { return };
    let ours = world.table().await;
    let bridge = world.second_bridge();
    let owner = OwnerId::new("fedcba9876543210");
    let theirs = Table::open(world.nft(), &owner, bridge).await.unwrap();
    let agent = world.agent(2);
    let other = world.agent_on(bridge, 31, 2);
    // Agents of two daemons never share an id; even if they did, nothing would mix.
    ours.admit(agent.id, &agent.with(&["172.31.0.0/16"], false))
        .await
        .unwrap();
    theirs
        .admit(other.id, &other.with(&["172.30.0.0/16"], false))
        .await
        .unwrap();
    assert!(!agent.reaches(&other));
    assert!(!other.reaches(&agent));

    ours.withdraw(agent.id).await.unwrap();
    agent.reaches_only(&[]);
    ours.remove().await.unwrap();
    assert_eq!(theirs.admitted().await.unwrap().len(), 1);
    other.reaches_only(&[PUBLIC, PUBLIC_6, "172.30.0.1:80", "172.30.0.1:4000"]);
}

#[tokio::test]
async fn removing_leaves_no_trace_and_never_opens_an_admitted_agent() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    table.admit(agent.id, &agent.with(&[], true)).await.unwrap();
    let refused = table.remove().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the nftables table `headcount-0123456789abcdef-agents0` still holds back 1 agents"
    );
    agent.reaches_only(&[]);
    table.withdraw(agent.id).await.unwrap();
    table.remove().await.unwrap();
    table.remove().await.unwrap();
    assert_eq!(world.host.nft_says("list ruleset"), "");
}

#[tokio::test]
async fn tables_of_bridges_that_are_out_of_use_go_once_nobody_is_admitted() {
    let Some(world) = World::build() else { return };
    let (ours, other) = ("0123456789abcdef", "fedcba9876543210");
    let (ours, other) = (OwnerId::new(ours), OwnerId::new(other));
    let open = |owner, bridge| Table::open(world.nft(), owner, bridge);
    let used = open(&ours, "hc-used").await.unwrap();
    let left = open(&ours, "hc-left").await.unwrap();
    let held = open(&ours, "hc-held").await.unwrap();
    let theirs = open(&other, "hc-left").await.unwrap();
    let unlike = open(&ours, BRIDGE).await.unwrap();
    let someone = world.agent(2);
    let admission = someone.with(&[], true);
    held.admit(someone.id, &admission).await.unwrap();

    let in_use = BTreeSet::from(["hc-used".to_owned()]);
    let nft = world.nft();
    let sweep = || headcount_network::sweep(&nft, &ours, "hc-", &in_use);
    assert_eq!(sweep().await.unwrap(), [left.name()]);
    assert!(matches!(
        left.admitted().await,
        Err(NetworkError::Gone { .. })
    ));
    for stays in [&used, &held, &theirs, &unlike] {
        assert!(stays.admitted().await.is_ok(), "{}", stays.name());
    }
    held.withdraw(someone.id).await.unwrap();
    assert_eq!(sweep().await.unwrap(), [held.name()]);
    assert_eq!(sweep().await.unwrap(), [""; 0]);
    let rules = world.host.nft_says("list ruleset");
    assert!(!rules.contains("hc-held"), "{rules}");
}

#[tokio::test]
async fn a_table_that_somebody_flushed_is_noticed_and_made_again() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let admission = agent.with(&[], true);
    table.admit(agent.id, &admission).await.unwrap();
    world.host.nft_says("flush ruleset");
    let gone = NetworkError::Gone {
        table: table.name().to_owned(),
    };
    assert_eq!(table.admitted().await.unwrap_err(), gone);
    assert_eq!(table.withdraw(agent.id).await.unwrap_err(), gone);
    assert_eq!(table.admit(agent.id, &admission).await.unwrap_err(), gone);
    assert_eq!(
        gone.to_string(),
        "the nftables table `headcount-0123456789abcdef-agents0` is gone: somebody removed it, \
         as `nft flush ruleset` or reloading the nftables service does"
    );

    let owner = OwnerId::new("0123456789abcdef");
    let table = Table::open(world.nft(), &owner, BRIDGE).await.unwrap();
    table.admit(agent.id, &admission).await.unwrap();
    agent.reaches_only(&[]);
}

/// The whole table as the kernel has it.
fn rules(world: &World, table: &Table) -> String {
    world
        .host
        .nft_says(&format!("list table inet {}", table.name()))
}
