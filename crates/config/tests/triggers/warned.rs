//! What is taken, and may not be what its author thinks.

use super::{problems, stream};

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
            queue("compat: keda"),
            group(", lagCount: 1"),
            "c:9:93: warning: a lag and the strategy `default` leave entries waiting while agents \
             work (write `entriesPerAgent` in a native file, which counts both, or `strategy: \
             accurate`)",
        ),
        (String::new(), group(", lagCount: 1, claimAfter: 60"), ""),
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
