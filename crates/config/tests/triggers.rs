//! Triggers in native files: what reaches the fleet, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{
    AgentKind, Combine, Compat, Level, QueueRule, RedisConnection, RedisServers, Secret, Strategy,
    StreamMeasure, TriggerKind,
};

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
            StreamMeasure::Lag { group: group() },
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

#[test]
fn what_a_trigger_cannot_mean_is_refused() {
    let list = |more: &str| format!("type: redis, metadata: {{listName: l{more}}}");
    let cron =
        |more: &str| format!("type: cron, metadata: {{timezone: UTC, desiredReplicas: 1, {more}}}");
    for (trigger, expected) in [
        (
            list(""),
            "c:8:29: error: a trigger of type `redis` names no server (add `address: \
             \"host:6379\"`)",
        ),
        (
            list(", address: nowhere"),
            "c:8:52: error: `nowhere` is not `host:port` (write for example \
             `redis.example.com:6379`, an IPv6 host in brackets)",
        ),
        (
            list(", hosts: 'a,b', ports: 1"),
            "c:8:50: error: hosts and ports do not pair: 2 and 1 (write as many ports as hosts, in the \
             same order)",
        ),
        (
            list(", address: 'a:1', listLength: -1"),
            "c:8:71: error: `listLength` must be at least 0",
        ),
        (
            list(", address: 'a:1', listLength: many"),
            "c:8:71: error: `listLength` must be a whole number (write for example `10`)",
        ),
        (
            list(", address: 'a:1', enableTLS: true, certFile: x"),
            "c:8:86: error: a certificate and its key go together (write both `certFile` and \
             `keyFile`, or neither)",
        ),
        (
            "type: redis, metadata: {address: 'a:1'}".to_owned(),
            "c:8:29: error: a trigger of type `redis` needs the key `listName` (add `listName: \
             ...` (the list, set, sorted set or hash))",
        ),
        (
            stream(", consumerGroup: g, streamLength: 3"),
            "c:8:97: error: `streamLength` does not go with `consumerGroup` (write \
             `entriesPerAgent` to count what the group must still do, or remove `consumerGroup`)",
        ),
        (
            cron("start: '0 8 * * *', end: '0 8 * * *'"),
            "c:8:89: error: `start` and `end` are the same: the window would never be open (write \
             the moment at which it closes)",
        ),
        (
            cron("start: '0 8 * * *', end: '0 8 * * 1'").replace("UTC", "Mars"),
            "c:8:39: error: there is no time zone `Mars` (write an IANA name such as \
             `Europe/Berlin`, or `UTC`)",
        ),
        (
            cron("start: '0 8 * * *', end: '0 8 * * 1', desiredReplicas: 2"),
            "c:8:102: error: the key `desiredReplicas` is written twice (keep one of them)",
        ),
        (
            "type: kafka, metadata: {}".to_owned(),
            "c:8:12: error: `type` cannot be `kafka` (write `redis-streams`, \
             `redis-cluster-streams`, `redis-sentinel-streams`, `redis`, `redis-cluster`, \
             `redis-sentinel` or `cron`)",
        ),
        (
            stream(", consumergroup: g"),
            "c:8:65: error: `metadata` has no key `consumergroup` (write `consumerGroup`)",
        ),
        (
            format!("{}, authenticationRef: {{name: a}}", stream("")),
            "c:8:66: error: a trigger has no key `authenticationRef` (name secrets in `metadata`: \
             `passwordFile` or `passwordFromEnv`)",
        ),
    ] {
        assert_eq!(problems("", &[&trigger]), expected);
    }
}

#[test]
fn a_bad_pattern_is_marked_where_it_is_wrong() {
    let trigger = "type: cron, metadata: {timezone: UTC, desiredReplicas: 1, start: '0 25 * * *', \
                   end: 0 9 * * *}";
    let refused = load_text(text("", &[trigger])).unwrap_err();
    let shown = refused.render(false, 200);
    let (marked, message) = shown.lines().fold((None, None), |(marked, message), line| {
        match (line.find('^'), line.strip_prefix("error: `start`: ")) {
            (Some(at), _) => (Some(at), message),
            (None, Some(text)) => (marked, Some(text)),
            (None, None) => (marked, message),
        }
    });
    let line = shown
        .lines()
        .find(|line| line.contains("metadata:"))
        .unwrap();
    assert_eq!(marked, line.find("25"), "{shown}");
    assert!(message.is_some(), "{shown}");
}

#[test]
fn triggers_are_refused_where_nobody_could_use_them() {
    let scaler = |kind: &str, sets: &str, policy: &str| {
        let text = format!(
            "version: 1\nscalers:\n- name: s\n  type: {kind}\n  maxAgents: 5\n  triggers: [{{type: \
             redis, metadata: {{address: 'a:1', listName: l}}}}]\n{policy}  labelSets:\n{sets}"
        );
        load_text(text).unwrap_err().to_string()
    };
    let worker = "  - {labels: [a], command: [x]}\n";
    for (kind, sets, policy, expected) in [
        (
            "bare-metal",
            "  - {labels: [a], command: [x]}\n  - {labels: [b], command: [x]}\n",
            "",
            "c:6:13: error: `triggers` need exactly one label set, and this scaler has 2 (make a \
             scaler for each label set)",
        ),
        (
            "bare-metal",
            "  - {labels: [a]}\n",
            "",
            "c:8:5: error: `triggers` are for programs that find their work by themselves (add \
             `command: [PROGRAM, ...]`)",
        ),
        (
            "container",
            "  - {labels: [a], image: i}\n",
            "",
            "c:8:5: error: `triggers` are for programs that find their work by themselves (add \
             `command: [PROGRAM, ...]`, or `agent: none` where the image's own program finds its \
             work)",
        ),
        (
            "bare-metal",
            worker,
            "  policy: {kind: idle}\n",
            "c:7:18: error: `triggers` need the policy `queue` (write `kind: queue`, or leave \
             `policy` out)",
        ),
        (
            "bare-metal",
            worker,
            "  warmPool: {enabled: true, size: 1}\n",
            "c:7:13: error: `triggers` and `warmPool` cannot stand together (write `policy: \
             {kind: queue, minReplicaCount: 2}` to keep some running)",
        ),
        (
            "bare-metal",
            worker,
            "  policy: {kind: queue, minReplicaCount: 3, maxReplicaCount: 2}\n",
            "c:7:42: error: `minReplicaCount` (3) is more than `maxReplicaCount` (2) (write at \
             most 2)",
        ),
        (
            "bare-metal",
            worker,
            "  policy: {kind: queue, strategy: custom}\n",
            "c:7:35: error: the strategy `custom` needs the key \
             `customScalingRunningJobPercentage` (add `customScalingRunningJobPercentage: ...` \
             (the part of the living agents that is taken off; strategy `custom` needs it))",
        ),
        (
            "bare-metal",
            worker,
            "  policy: {kind: queue, combine: min, multipleScalersCalculation: max}\n",
            "c:7:67: error: `combine` and `multipleScalersCalculation` contradict each other \
             (keep `combine`)",
        ),
    ] {
        assert_eq!(scaler(kind, sets, policy), expected);
    }
    let alone = "version: 1\nscalers:\n- name: s\n  type: bare-metal\n  maxAgents: 5\n  policy: \
                 {kind: queue}\n  labelSets: [{labels: [a], command: [x]}]\n";
    assert_eq!(
        load_text(alone.to_owned()).unwrap_err().to_string(),
        "c:6:18: error: the policy `queue` needs `triggers` (add `triggers:` to the scaler, or \
         write `kind: idle`)"
    );
    let names = [
        "type: redis, name: a, metadata: {address: 'a:1', listName: l}",
        "type: redis, name: a, metadata: {address: 'a:1', listName: l}",
    ];
    assert_eq!(
        problems("", &names),
        "c:9:25: error: a second trigger has the name `a` (give each trigger a name of its own)"
    );
}

#[test]
fn what_may_surprise_is_warned_of() {
    let queue = |more: &str| format!("  policy: {{kind: queue, {more}}}\n");
    let group = |more: &str| stream(&format!(", consumerGroup: g{more}"));
    for (policy, trigger, expected) in [
        (
            String::new(),
            group(", pendingEntriesCount: 1"),
            "c:8:104: warning: what is pending starts no first agent (write `entriesPerAgent` in \
             a native file, which counts waiting entries too, or `lagCount`; or keep an agent \
             with `minReplicaCount: 1`)",
        ),
        (
            String::new(),
            group(", lagCount: 1"),
            "c:8:93: warning: a lag and the strategy `default` leave entries waiting while agents \
             work (write `entriesPerAgent` in a native file, which counts both, or `strategy: \
             accurate`)",
        ),
        (
            queue("strategy: accurate"),
            group(", lagCount: 5, pendingEntriesCount: 1, streamLength: 5"),
            "c:9:117: warning: `pendingEntriesCount` has no effect: of several thresholds only \
             `lagCount` counts here (keep the one that is meant)\n\
             c:9:134: warning: `streamLength` has no effect: of several thresholds only \
             `lagCount` counts here (keep the one that is meant)",
        ),
        (
            queue("compat: keda, minReplicaCount: 1"),
            group(", streamLength: 1"),
            "c:9:97: warning: `streamLength` has no effect: with `consumerGroup` and no \
             `lagCount`, what is pending is counted, 5 entries for each agent (keep the one that \
             is meant)",
        ),
        (
            String::new(),
            stream(", lagCount: 1"),
            "c:8:75: warning: `lagCount` has no effect: without `consumerGroup` the whole stream \
             is counted (keep the one that is meant)",
        ),
        (
            String::new(),
            stream(", streamLength: 0"),
            "c:8:79: warning: `streamLength: 0` never asks for an agent (write how many entries \
             one agent is for)",
        ),
        (
            String::new(),
            stream(", listName: l"),
            "c:8:65: warning: `listName` has no effect on a trigger of type `redis-streams` \
             (remove it: it is for the type `redis`, `redis-cluster` or `redis-sentinel`)",
        ),
        (
            String::new(),
            stream(", caFile: x"),
            "c:8:73: warning: this has no effect without TLS (add `enableTLS: true`)",
        ),
        (
            String::new(),
            "type: redis, metadata: {addresses: ['a:1', 'b:1'], listName: l}".to_owned(),
            "c:8:41: warning: a standalone server is one: only the first is asked (keep one, or \
             write the type for a cluster or for sentinels)",
        ),
        (
            String::new(),
            "type: redis-cluster, metadata: {address: 'a:1', databaseIndex: 3, listName: l}"
                .to_owned(),
            "c:8:69: warning: `databaseIndex` has no effect: a cluster has one database (remove \
             it)",
        ),
        (
            queue("maxReplicaCount: 9"),
            stream(""),
            "c:6:42: warning: `maxReplicaCount` (9) is more than `maxAgents` (5) (write at most \
             5, or raise `maxAgents`)",
        ),
        (
            queue("customScalingQueueLengthDeduction: 1"),
            stream(""),
            "c:6:60: warning: `customScalingQueueLengthDeduction` has no effect without \
             `strategy: custom` (remove it, or write that strategy)",
        ),
        (
            queue("idleCount: 1"),
            stream(""),
            "c:6:25: warning: `idleCount` has no effect on a policy of kind `queue` (remove it: \
             it is for the kind `idle`)",
        ),
        (
            queue("pendingPodConditions: [Ready]"),
            stream(""),
            "c:6:47: warning: `pendingPodConditions` has no effect: these agents are no pods \
             (remove it: it is for the type `kubernetes`)",
        ),
        (
            String::new(),
            "type: cron, metadata: {timezone: UTC, desiredReplicas: 1, start: 0 0 30 2 *, end: 0 \
             9 * * *}"
                .to_owned(),
            "c:8:71: warning: `start` never comes (write a day that exists)",
        ),
    ] {
        assert_eq!(problems(&policy, &[&trigger]), expected);
    }
}
