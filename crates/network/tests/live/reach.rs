//! What agents reach under each policy.

use crate::world::{
    EVERYTHING, GATEWAY, GATEWAY_6, GATEWAY_LINK, HOST, METADATA, PRIVATE, PRIVATE_6, PUBLIC,
    PUBLIC_6, SERVICE, SERVICE_6, World,
};

/// Everything is there to be reached: without this the other tests would show nothing.
#[tokio::test]
async fn without_a_table_everything_is_reached() {
    let Some(world) = World::build() else { return };
    let (agent, other) = (world.agent(2), world.agent(3));
    agent.reaches_only(&EVERYTHING);
    assert!(agent.reaches(&other));
    assert!(world.is_asked_by(&agent, true));
    assert!(world.outside_reaches(&agent));
    assert!(world.host_reaches(&agent));
}

#[tokio::test]
async fn who_is_not_admitted_reaches_nothing() {
    let Some(world) = World::build() else { return };
    let _table = world.table().await;
    let (agent, other) = (world.agent(2), world.agent(3));
    agent.reaches_only(&[]);
    assert!(!agent.reaches(&other));
    assert!(!world.is_asked_by(&agent, false));
    assert!(!world.outside_reaches(&agent));
    assert!(!world.host_reaches(&agent));
}

#[tokio::test]
async fn the_default_policy_opens_public_addresses_alone() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let (agent, other) = (world.agent(2), world.agent(3));
    for agent in [&agent, &other] {
        table
            .admit(agent.id, &agent.with(&[], false))
            .await
            .unwrap();
    }
    agent.reaches_only(&[PUBLIC, PUBLIC_6]);
    assert!(!agent.reaches(&other));
    assert!(!world.outside_reaches(&agent));
    assert!(!world.host_reaches(&agent));
}

#[tokio::test]
async fn the_allow_list_is_reached_besides() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let allow = ["10.9.0.0/16", "fd09::/64", "10.99.0.1/32"];
    table
        .admit(agent.id, &agent.with(&allow, false))
        .await
        .unwrap();
    agent.reaches_only(&[PUBLIC, PUBLIC_6, PRIVATE, PRIVATE_6, HOST]);
}

#[tokio::test]
async fn deny_all_leaves_the_allow_list_alone() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    table.admit(agent.id, &agent.with(&[], true)).await.unwrap();
    agent.reaches_only(&[]);
    let allow = ["169.254.169.254", "fd09::9"];
    table
        .admit(agent.id, &agent.with(&allow, true))
        .await
        .unwrap();
    agent.reaches_only(&[METADATA, PRIVATE_6]);
}

#[tokio::test]
async fn no_allow_list_opens_the_way_to_other_agents() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let (agent, other) = (world.agent(2), world.agent(3));
    for agent in [&agent, &other] {
        let everything = agent.with(&["0.0.0.0/0", "::/0"], true);
        table.admit(agent.id, &everything).await.unwrap();
    }
    // From its link-local address, which is not admitted, it reaches nothing all the same.
    let mut everything = EVERYTHING.to_vec();
    everything.retain(|target| *target != GATEWAY_LINK);
    agent.reaches_only(&everything);
    assert!(!agent.reaches(&other));
    assert!(!other.reaches(&agent));
    assert!(!world.outside_reaches(&agent));
}

#[tokio::test]
async fn services_are_reached_under_every_policy_and_on_their_port_only() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let mut admission = agent.with(&[], true);
    admission.services = [SERVICE, SERVICE_6].map(|at| at.parse().unwrap()).to_vec();
    table.admit(agent.id, &admission).await.unwrap();
    agent.reaches_only(&[SERVICE, SERVICE_6]);
}

#[tokio::test]
async fn resolvers_are_asked_unless_all_is_denied() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let mut admission = agent.with(&[], false);
    admission.resolvers = vec!["172.30.0.1".parse().unwrap()];
    table.admit(agent.id, &admission).await.unwrap();
    assert!(world.is_asked_by(&agent, true));
    agent.reaches_only(&[PUBLIC, PUBLIC_6]);

    admission.policy.deny_all = true;
    table.admit(agent.id, &admission).await.unwrap();
    assert!(!world.is_asked_by(&agent, false));

    admission.policy.allow = vec!["172.30.0.1/32".parse().unwrap()];
    table.admit(agent.id, &admission).await.unwrap();
    assert!(world.is_asked_by(&agent, true));
    agent.reaches_only(&[GATEWAY, SERVICE]);
}

#[tokio::test]
async fn an_address_that_was_not_admitted_reaches_nothing() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let agent = world.agent(2);
    let mut admission = agent.with(&["172.30.0.1", "fd30::1"], false);
    admission.addresses.v6 = None;
    table.admit(agent.id, &admission).await.unwrap();
    agent.reaches_only(&[PUBLIC, GATEWAY, SERVICE]);

    admission.addresses.v6 = agent.addresses.v6;
    table.admit(agent.id, &admission).await.unwrap();
    agent.inside.ip("addr add 172.30.0.99/16 dev eth0");
    agent
        .inside
        .ip("route replace default via 172.30.0.1 src 172.30.0.99");
    agent
        .inside
        .ip("route replace 172.30.0.0/16 dev eth0 src 172.30.0.99");
    agent.reaches_only(&[PUBLIC_6, GATEWAY_6, SERVICE_6]);
}
