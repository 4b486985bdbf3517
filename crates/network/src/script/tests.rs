//! Exact texts. What they do to packets is shown in `tests/`.

use headcount_model::{NetworkPolicy, OwnerId};

use super::*;

const FIRST: AgentId = AgentId {
    epoch: 0x65f1_c2a0,
    number: 7,
};

fn place() -> Place {
    Place::new(&OwnerId::new("ours"), "br0").unwrap()
}

fn addresses(v4: &str, v6: Option<&str>) -> Addresses {
    Addresses {
        v4: Some(v4.parse().unwrap()),
        v6: v6.map(|text| text.parse().unwrap()),
    }
}

fn admission(allow: &[&str], deny_all: bool) -> Admission {
    Admission {
        addresses: addresses("172.30.0.2", Some("fd00::2")),
        services: vec![
            "172.30.0.1:4000".parse().unwrap(),
            "[fd00::1]:4000".parse().unwrap(),
        ],
        resolvers: vec!["172.30.0.1".parse().unwrap()],
        policy: NetworkPolicy {
            allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            deny_all,
        },
    }
}

#[test]
fn the_base_drops_what_no_agent_was_admitted_to() {
    let text = base(&place(), Apart::ByBridgeTable);
    let sets = text.lines().filter(|line| !line.contains("element"));
    assert_eq!(
        sets.collect::<Vec<_>>().join("\n"),
        r#"add table inet headcount-ours-br0
add set inet headcount-ours-br0 blocked4 { type ipv4_addr; flags interval; }
flush set inet headcount-ours-br0 blocked4
add set inet headcount-ours-br0 open4 { type ipv4_addr; }
add map inet headcount-ours-br0 agents4 { type ipv4_addr : verdict; }
add set inet headcount-ours-br0 blocked6 { type ipv6_addr; flags interval; }
flush set inet headcount-ours-br0 blocked6
add set inet headcount-ours-br0 open6 { type ipv6_addr; }
add map inet headcount-ours-br0 agents6 { type ipv6_addr : verdict; }
add chain inet headcount-ours-br0 forward { type filter hook forward priority filter; policy accept; }
add chain inet headcount-ours-br0 input { type filter hook input priority filter; policy accept; }
add chain inet headcount-ours-br0 from-agents
add chain inet headcount-ours-br0 to-agents
add chain inet headcount-ours-br0 to-host
flush chain inet headcount-ours-br0 forward
flush chain inet headcount-ours-br0 input
flush chain inet headcount-ours-br0 from-agents
flush chain inet headcount-ours-br0 to-agents
flush chain inet headcount-ours-br0 to-host
add rule inet headcount-ours-br0 forward iifname "br0" goto from-agents
add rule inet headcount-ours-br0 forward oifname "br0" goto to-agents
add rule inet headcount-ours-br0 input iifname "br0" goto to-host
add rule inet headcount-ours-br0 from-agents oifname "br0" drop
add rule inet headcount-ours-br0 from-agents ip saddr vmap @agents4
add rule inet headcount-ours-br0 from-agents ip6 saddr vmap @agents6
add rule inet headcount-ours-br0 from-agents ip daddr @blocked4 drop
add rule inet headcount-ours-br0 from-agents ip6 daddr @blocked6 drop
add rule inet headcount-ours-br0 from-agents ip saddr @open4 accept
add rule inet headcount-ours-br0 from-agents ip6 saddr @open6 accept
add rule inet headcount-ours-br0 from-agents drop
add rule inet headcount-ours-br0 to-agents ct state established,related accept
add rule inet headcount-ours-br0 to-agents drop
add rule inet headcount-ours-br0 to-host icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
add rule inet headcount-ours-br0 to-host ip saddr vmap @agents4
add rule inet headcount-ours-br0 to-host ip6 saddr vmap @agents6
add rule inet headcount-ours-br0 to-host drop
add table bridge headcount-ours-br0
add chain bridge headcount-ours-br0 forward { type filter hook forward priority filter; policy accept; }
flush chain bridge headcount-ours-br0 forward
add rule bridge headcount-ours-br0 forward meta ibrname "br0" drop"#
    );
}

#[test]
fn the_base_without_a_bridge_table_is_the_same_up_to_there() {
    let with = base(&place(), Apart::ByBridgeTable);
    let without = base(&place(), Apart::ByForwardChain);
    assert!(with.starts_with(&without));
    assert!(!without.contains("table bridge"));
}

#[test]
fn the_base_fills_the_block_and_leaves_agents_alone() {
    let text = base(&place(), Apart::ByBridgeTable);
    let elements = text.lines().filter(|line| line.contains("element"));
    let expected = default_block().into_iter().map(|range| {
        let family = family(range.network());
        format!("add element inet headcount-ours-br0 blocked{family} {{ {range} }}")
    });
    assert!(elements.eq(expected));
}

/// Vector N2, meaning rather than wording: what is allowed is accepted before anything
/// is dropped.
#[test]
fn n2_services_resolvers_and_the_allow_list_are_accepted_in_this_order() {
    let text = admit(
        &place(),
        FIRST,
        &admission(&["10.0.1.0/24", "fd00:1::/64"], false),
        None,
    );
    assert_eq!(
        text,
        "\
add chain inet headcount-ours-br0 a-65f1c2a0-7
flush chain inet headcount-ours-br0 a-65f1c2a0-7
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip daddr 172.30.0.1 tcp dport 4000 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip6 daddr fd00::1 tcp dport 4000 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip daddr 172.30.0.1 meta l4proto { tcp, udp } th dport 53 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip daddr 10.0.1.0/24 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip6 daddr fd00:1::/64 accept
add element inet headcount-ours-br0 agents4 { 172.30.0.2 : jump a-65f1c2a0-7 }
add element inet headcount-ours-br0 open4 { 172.30.0.2 }
add element inet headcount-ours-br0 agents6 { fd00::2 : jump a-65f1c2a0-7 }
add element inet headcount-ours-br0 open6 { fd00::2 }
"
    );
}

#[test]
fn n2_deny_all_opens_nothing_but_services_and_the_allow_list() {
    let text = admit(
        &place(),
        FIRST,
        &admission(&["0.0.0.0/0", "::/0"], true),
        None,
    );
    assert_eq!(
        text,
        "\
add chain inet headcount-ours-br0 a-65f1c2a0-7
flush chain inet headcount-ours-br0 a-65f1c2a0-7
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip daddr 172.30.0.1 tcp dport 4000 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 ip6 daddr fd00::1 tcp dport 4000 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 meta nfproto ipv4 accept
add rule inet headcount-ours-br0 a-65f1c2a0-7 meta nfproto ipv6 accept
add element inet headcount-ours-br0 agents4 { 172.30.0.2 : jump a-65f1c2a0-7 }
add element inet headcount-ours-br0 agents6 { fd00::2 : jump a-65f1c2a0-7 }
"
    );
}

#[test]
fn admitting_again_first_forgets_the_addresses_of_before() {
    let mut again = admission(&[], false);
    again.services.clear();
    again.resolvers.clear();
    again.addresses.v6 = None;
    let before = addresses("172.30.0.9", Some("fd00::2"));
    assert_eq!(
        admit(&place(), FIRST, &again, Some(&before)),
        "\
delete element inet headcount-ours-br0 agents4 { 172.30.0.9 }
add element inet headcount-ours-br0 open4 { 172.30.0.9 }
delete element inet headcount-ours-br0 open4 { 172.30.0.9 }
delete element inet headcount-ours-br0 agents6 { fd00::2 }
add element inet headcount-ours-br0 open6 { fd00::2 }
delete element inet headcount-ours-br0 open6 { fd00::2 }
add chain inet headcount-ours-br0 a-65f1c2a0-7
flush chain inet headcount-ours-br0 a-65f1c2a0-7
add element inet headcount-ours-br0 agents4 { 172.30.0.2 : jump a-65f1c2a0-7 }
add element inet headcount-ours-br0 open4 { 172.30.0.2 }
"
    );
}

#[test]
fn withdrawing_names_one_agent_and_its_addresses() {
    assert_eq!(
        withdraw(&place(), FIRST, &addresses("10.0.0.2", None)),
        "\
delete element inet headcount-ours-br0 agents4 { 10.0.0.2 }
add element inet headcount-ours-br0 open4 { 10.0.0.2 }
delete element inet headcount-ours-br0 open4 { 10.0.0.2 }
flush chain inet headcount-ours-br0 a-65f1c2a0-7
delete chain inet headcount-ours-br0 a-65f1c2a0-7
"
    );
}

#[test]
fn removing_is_right_whether_or_not_the_tables_are_there() {
    assert_eq!(
        remove(&place(), Apart::ByBridgeTable),
        "\
add table inet headcount-ours-br0
delete table inet headcount-ours-br0
add table bridge headcount-ours-br0
delete table bridge headcount-ours-br0
"
    );
    assert_eq!(
        remove(&place(), Apart::ByForwardChain),
        "\
add table inet headcount-ours-br0
delete table inet headcount-ours-br0
"
    );
}

#[test]
fn the_table_is_listed_whole() {
    assert_eq!(list(&place()), "list table inet headcount-ours-br0");
}
