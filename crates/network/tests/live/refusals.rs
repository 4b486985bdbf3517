//! What cannot be done changes nothing and says why.

use headcount_model::OwnerId;
use headcount_network::{NetworkError, Nft, Table};

use crate::world::{BRIDGE, World, agent};

#[tokio::test]
async fn an_address_has_one_agent() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let (first, second) = (world.agent(2), world.agent(3));
    table.admit(first.id, &first.with(&[], true)).await.unwrap();
    let mut both = second.with(&[], false);
    both.addresses.v6 = first.addresses.v6;
    let refused = table.admit(second.id, &both).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the address fd30::2 belongs to agent a-ab-2 already"
    );
    assert_eq!(table.admitted().await.unwrap().len(), 1);
    // Free again once its agent has gone.
    table.withdraw(first.id).await.unwrap();
    table.admit(second.id, &both).await.unwrap();
}

#[tokio::test]
async fn without_the_capability_nothing_is_opened() {
    let Some(world) = World::build() else { return };
    let nft = world.host.nft();
    let without = [
        "setpriv",
        "--bounding-set=-net_admin",
        "--inh-caps=-net_admin",
    ];
    let words = nft[..4].iter().chain(&without).chain(&nft[4..]).copied();
    let nft = Nft::through(words);
    let expected = "nftables may not be changed (`netlink: Error: cache initialization failed: Operation not permitted`): \
         give the daemon CAP_NET_ADMIN, or write `networkIsolation: false` to run agents without \
         a network policy";
    assert_eq!(nft.check().await.unwrap_err().to_string(), expected);
    let owner = OwnerId::new("ours");
    let refused = Table::open(nft, &owner, BRIDGE).await.unwrap_err();
    assert!(
        matches!(refused, NetworkError::Permission { .. }),
        "{refused}"
    );
    world.nft().check().await.unwrap();
    assert_eq!(world.host.nft_says("list ruleset"), "");
}

#[tokio::test]
async fn a_table_that_somebody_else_changed_is_not_guessed_at() {
    let Some(world) = World::build() else { return };
    let table = world.table().await;
    let name = table.name().to_owned();
    world.host.nft_says(&format!(
        "add element inet {name} agents4 {{ 172.30.0.9 : accept }}"
    ));
    let expected = format!(
        "the nftables table `{name}` holds what headcount did not write: the element \
         [\"172.30.0.9\",{{\"accept\":null}}]"
    );
    assert_eq!(table.admitted().await.unwrap_err().to_string(), expected);
    assert_eq!(
        table.withdraw(agent(9)).await.unwrap_err().to_string(),
        expected
    );
}

/// Where the kernel cannot match bridges, the host's settings decide; where it can, they
/// do not matter.
#[tokio::test]
async fn agents_that_cannot_be_kept_apart_are_not_started() {
    let Some(world) = World::build() else { return };
    let settings = tempfile::tempdir().unwrap();
    for name in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
        std::fs::write(settings.path().join(name), "0\n").unwrap();
    }
    let nft = world.nft().with_bridge_settings(settings.path());
    let owner = OwnerId::new("ours");
    match Table::open(nft, &owner, BRIDGE).await {
        Ok(table) => {
            let bridge = world.host.nft_says("list tables bridge");
            assert_eq!(bridge, format!("table bridge {}\n", table.name()));
        }
        Err(refused) => {
            let text = refused.to_string();
            let begin = "agents on bridge `agents0` cannot be kept apart: the kernel does not \
                match bridges in nftables (`";
            let end = "`), and packets between its ports do not pass the firewall; load the \
                module nft_meta_bridge, or set net.bridge.bridge-nf-call-iptables and \
                net.bridge.bridge-nf-call-ip6tables to 1, or write `networkIsolation: false`";
            assert!(text.starts_with(begin) && text.ends_with(end), "{text}");
            assert_eq!(world.host.nft_says("list ruleset"), "");
        }
    }
}
