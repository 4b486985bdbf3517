//! Triggers in native files: what reaches the fleet. What is refused and what is warned of
//! have modules of their own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{
    AgentKind, Combine, Compat, Level, QueueRule, RedisConnection, RedisServers, Secret, Strategy,
    StreamMeasure, TriggerKind,
};

mod refused;
mod warned;

fn load_text(text: String) -> Result<Loaded, Problems> {
    load_texts(ConfigTexts::single("c", text), &Platform::current())
}

/// A scaler of one program with these triggers, each the inside of a flow mapping.
fn text(policy: &str, triggers: &[&str]) -> String {
    let triggers = triggers
        .iter()
        .map(|trigger| format!("  - {{{trigger}}}\n"));
    let triggers: String = triggers.collect();
    format!(
        "version: 1\nscalers:\n- name: s\n  type: bare-metal\n  maxAgents: 5\n{policy}  labelSets: \
         [{{labels: [a], command: [x]}}]\n  triggers:\n{triggers}"
    )
}

/// What the planner gets, which is the same for what is printed as effective.
fn rule(policy: &str, triggers: &[&str]) -> QueueRule {
    let loaded = load_text(text(policy, triggers)).unwrap_or_else(|p| panic!("{p}"));
    let again = load_text(effective_yaml(&loaded.settings)).unwrap_or_else(|p| panic!("{p}"));
    let pool = &loaded.fleet.scalers[0].pools[0];
    assert_eq!(again.fleet.scalers[0].pools[0].queue, pool.queue);
    assert_eq!((pool.kind, pool.idle.keep), (AgentKind::Worker, 0));
    let rule = pool.queue.as_deref().unwrap();
    rule.clone()
}

fn stream(more: &str) -> String {
    format!("type: redis-streams, metadata: {{address: 'r:1', stream: s{more}}}")
}

fn only(more: &str) -> headcount_model::Trigger {
    let mut rule = rule("", &[&stream(more)]);
    assert_eq!(rule.triggers.len(), 1);
    rule.triggers.remove(0)
}

fn connection(kind: &TriggerKind) -> &RedisConnection {
    match kind {
        TriggerKind::RedisStream { connection, .. } | TriggerKind::RedisKey { connection, .. } => {
            connection
        }
        TriggerKind::Cron(_) => panic!("no connection"),
    }
}

fn measure(kind: &TriggerKind) -> &StreamMeasure {
    match kind {
        TriggerKind::RedisStream { measure, .. } => measure,
        _ => panic!("no stream"),
    }
}

fn problems(policy: &str, triggers: &[&str]) -> String {
    match load_text(text(policy, triggers)) {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn triggers_alone_are_the_policy_queue_with_its_defaults() {
    let rule = rule("", &[&stream(", consumerGroup: g")]);
    let trigger = &rule.triggers[0];
    assert_eq!(
        (trigger.name.as_str(), trigger.target, trigger.activation),
        ("redis-streams-0", Level(1.0), Level(0.0))
    );
    let backlog = StreamMeasure::Backlog {
        group: "g".to_owned(),
        claim_after: None,
    };
    assert_eq!(measure(&trigger.kind), &backlog);
    assert_eq!(
        (rule.strategy, rule.combine, rule.compat),
        (Strategy::Default, Combine::Max, Compat::Headcount)
    );
    assert_eq!(
        (rule.min, rule.max, rule.polling),
        (0, Some(5), Duration::from_secs(30))
    );
}

#[test]
fn every_key_of_the_policy_reaches_the_rule() {
    let policy = "  policy: {kind: queue, strategy: custom, customScalingQueueLengthDeduction: -2, \
                  customScalingRunningJobPercentage: '0.5', multipleScalersCalculation: sum, \
                  minReplicaCount: 1, maxReplicaCount: 4, pollingInterval: 10, compat: keda}\n";
    let rule = rule(policy, &[&stream("")]);
    let custom = Strategy::Custom {
        deduction: -2,
        running: Level(0.5),
    };
    assert_eq!((rule.strategy, rule.combine), (custom, Combine::Sum));
    assert_eq!(
        (rule.min, rule.max, rule.polling, rule.compat),
        (1, Some(4), Duration::from_secs(10), Compat::Keda)
    );
}

#[test]
fn a_paused_pool_wants_nobody() {
    let policy = "  policy: {kind: queue, minReplicaCount: 1, paused: true}\n";
    let rule = rule(policy, &[&stream("")]);
    assert_eq!((rule.min, rule.max), (0, Some(0)));
}

/// The rule of the original, and the house's own mode before it.
#[test]
fn the_threshold_that_is_written_says_what_is_counted() {
    let group = || "g".to_owned();
    for (more, expected, target) in [
        ("", StreamMeasure::Length, 5.0),
        (", streamLength: '7'", StreamMeasure::Length, 7.0),
        (
            ", consumerGroup: g, lagCount: 3",
            StreamMeasure::Lag {
                group: group(),
                claim_after: None,
            },
            3.0,
        ),
        (
            ", consumerGroup: g, lagCount: 3, claimAfter: 90",
            StreamMeasure::Lag {
                group: group(),
                claim_after: Some(Duration::from_secs(90)),
            },
            3.0,
        ),
        (
            ", consumerGroup: g, pendingEntriesCount: 2",
            StreamMeasure::Pending { group: group() },
            2.0,
        ),
        (
            ", consumerGroup: g, pendingEntriesCount: 2, lagCount: 0",
            StreamMeasure::Pending { group: group() },
            2.0,
        ),
        (
            ", consumerGroup: g, entriesPerAgent: 4, claimAfter: 90",
            StreamMeasure::Backlog {
                group: group(),
                claim_after: Some(Duration::from_secs(90)),
            },
            4.0,
        ),
    ] {
        let trigger = only(more);
        assert_eq!(
            (measure(&trigger.kind), trigger.target),
            (&expected, Level(target)),
            "{more}"
        );
    }
    let keda = "  policy: {kind: queue, compat: keda, minReplicaCount: 1}\n";
    let rule = rule(keda, &[&stream(", consumerGroup: g")]);
    let pending = StreamMeasure::Pending { group: group() };
    assert_eq!(measure(&rule.triggers[0].kind), &pending);
    assert_eq!(rule.triggers[0].target, Level(5.0));
}

#[test]
fn servers_are_named_in_every_spelling() {
    let servers = |kind: &str, metadata: &str| {
        let trigger = format!("type: {kind}, metadata: {{listName: l, {metadata}}}");
        let rule = rule("", &[&trigger]);
        connection(&rule.triggers[0].kind).servers.clone()
    };
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    for (metadata, address) in [
        ("address: 'a:1'", "a:1"),
        ("addresses: ['a:1']", "a:1"),
        ("host: a, port: 6379", "a:6379"),
        ("hosts: ['2001:db8::1'], ports: '1'", "[2001:db8::1]:1"),
    ] {
        let expected = RedisServers::Standalone(address.to_owned());
        assert_eq!(servers("redis", metadata), expected, "{metadata}");
    }
    assert_eq!(
        servers("redis-cluster", "address: 'a:1, b:2', host: c, port: 3"),
        RedisServers::Cluster(list(&["a:1", "b:2", "c:3"]))
    );
    assert_eq!(
        servers(
            "redis-sentinel",
            "address: 'a:1', sentinelMaster: m, sentinelUsername: u"
        ),
        RedisServers::Sentinel {
            addresses: list(&["a:1"]),
            master: "m".to_owned(),
            username: Some("u".to_owned()),
            password: None,
        }
    );
}

#[test]
fn secrets_come_from_where_the_file_says() {
    let password = |reference: &str| {
        let trigger = only(&format!(", {reference}"));
        connection(&trigger.kind).password.clone()
    };
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    assert_eq!(password("passwordFile: tests/secrets/a"), secret("one"));
    let name = env!("CARGO_PKG_NAME");
    assert_eq!(password("passwordFromEnv: CARGO_PKG_NAME"), secret(name));
    let place = "passwordFromManifest: 'tests/secrets/objects.yaml#Secret/b#/stringData/it'";
    assert_eq!(password(place), secret("two"));
}

#[test]
fn a_secret_is_shown_by_its_place_alone() {
    let text = text("", &[&stream(", passwordFile: tests/secrets/a")]);
    let loaded = load_text(text).unwrap();
    let shown = effective_yaml(&loaded.settings);
    assert!(shown.contains("passwordFile: tests/secrets/a"), "{shown}");
    assert!(!shown.contains("one"), "{shown}");
}

#[test]
fn secrets_that_cannot_be_read_are_problems_with_their_place() {
    for (reference, expected) in [
        (
            "passwordFile: /no/such",
            "c:8:79: error: the file cannot be read: there is no such file or directory (check \
             the path)",
        ),
        (
            "passwordFromEnv: NO_SUCH_VARIABLE",
            "c:8:82: error: the variable `NO_SUCH_VARIABLE` is not set (set it in the environment \
             of the daemon, as UTF-8 text)",
        ),
        (
            "passwordFromManifest: 'tests/secrets/objects.yaml#Secret/z#/stringData/it'",
            "c:8:87: error: `tests/secrets/objects.yaml` has no such secret: there is no Secret \
             `z` in it (write `file#Kind/name#/pointer`, for example \
             `a.yaml#Secret/redis#/data/password`)",
        ),
        (
            "passwordFromManifest: 'tests/secrets/objects.yaml'",
            "c:8:87: error: `tests/secrets/objects.yaml` is not a place in a manifest (write for \
             example `secrets.yaml#Secret/redis#/data/password`)",
        ),
        (
            "password: hunter2",
            "c:8:75: error: a plain `password` is not taken (write `passwordFile: PATH` or \
             `passwordFromEnv: VARIABLE`)",
        ),
        (
            "passwordFile: a, passwordFromEnv: b",
            "c:8:99: error: `password` is written in two ways (keep one of them)",
        ),
    ] {
        let trigger = stream(&format!(", {reference}"));
        assert_eq!(problems("", &[&trigger]), expected);
    }
}
