//! What nobody could honour.

use super::{load_text, problems, stream, text};

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
