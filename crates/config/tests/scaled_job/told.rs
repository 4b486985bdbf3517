//! What is named in a manifest, and what is refused.

use headcount_config::settings::{RedisServer, TriggerKind};

use super::{WHOLE, parse, queue};

/// A small manifest with these lines in its spec, and documents after it.
fn small(spec: &str, metadata: &str, after: &str) -> String {
    format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: a{metadata}}}\nspec:\n  \
         jobTargetRef: {{template: {{spec: {{containers: [{{name: c, image: i, env: [{{name: E, \
         value: v}}, {{name: F, valueFrom: {{fieldRef: {{}}}}}}, {{name: S, valueFrom: \
         {{secretKeyRef: {{name: s, key: k}}}}}}]}}]}}}}}}\n{spec}{after}"
    )
}

fn told(spec: &str, metadata: &str, after: &str) -> String {
    match parse(&small(spec, metadata, after)) {
        Ok(parsed) => parsed.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

const LIST: &str = "  triggers: [{type: redis, metadata: {address: 'r:1', listName: l}}]\n";

fn list(more: &str) -> String {
    format!("  triggers: [{{type: redis, metadata: {{listName: l, {more}}}}}]\n")
}

fn stream(more: &str) -> String {
    format!(
        "  triggers: [{{type: redis-streams, metadata: {{address: 'r:1', stream: s, {more}}}}}]\n"
    )
}

fn strategy(of: &str) -> String {
    format!("{LIST}  scalingStrategy: {{{of}}}\n")
}

#[test]
fn what_cannot_mean_what_its_author_thought_is_named() {
    for (spec, metadata, expected) in [
        (
            strategy(
                "strategy: custom, customScalingRunningJobPercentage: half, \
                      customScalingQueueLengthDeduction: 2",
            ),
            "",
            "m:7:74: warning: `half` is not a number, so the strategy is `default` (write for \
             example `customScalingRunningJobPercentage: \"0.5\"`)",
        ),
        (
            strategy("strategy: custom"),
            "",
            "m:7:31: warning: without `customScalingRunningJobPercentage` the strategy is \
             `default` (write for example `customScalingRunningJobPercentage: \"0.5\"`)",
        ),
        (
            strategy("customPendingPodConditions: [Ready]"),
            "",
            "m:7:21: warning: `scalingStrategy` has no `customPendingPodConditions`: it has no \
             effect (did you mean `pendingPodConditions`?)",
        ),
        (
            format!("{LIST}  rollout: {{strategy: default}}\n"),
            "",
            "m:7:23: warning: `default` is no word of `strategy` (write `gradual` or `immediate`)",
        ),
        (format!("{LIST}  rolloutStrategy: immediate\n"), "", ""),
        (
            format!("{LIST}  cooldownPeriod: 30\n"),
            "",
            "m:7:3: warning: the spec of a ScaledJob has no `cooldownPeriod`: it has no effect \
             (remove it)",
        ),
        (
            format!("{LIST}  minReplicaCount: 3\n  maxReplicaCount: 2\n"),
            "",
            "m:7:20: warning: `minReplicaCount` (3) is more than `maxReplicaCount` (2) (write at \
             most 2)",
        ),
        (
            list("address: 'r:1', activationLength: '3'"),
            "",
            "m:6:68: warning: there is no parameter `activationLength`: it has no effect (did you mean \
             `activationListLength`?)",
        ),
        (
            list("address: 'r:1', passwordFile: '3'"),
            "",
            "m:6:68: warning: there is no parameter `passwordFile`: it has no effect (did you \
             mean `password`?)",
        ),
        (
            list("address: 'r:1', password: secret"),
            "",
            "m:6:78: warning: a plain `password` stands in the manifest (put it into a Secret, \
             and name that by a TriggerAuthentication)",
        ),
        (
            list("address: 'r:1', passwordFromEnv: NONE"),
            "",
            "m:6:85: warning: the container has no variable `NONE` (add it to `env` of the \
             container)",
        ),
        (
            LIST.to_owned(),
            ", annotations: {autoscaling.keda.sh/paused: 'maybe', \
             autoscaling.keda.sh/paused-replicas: '0'}",
            "m:3:63: warning: `maybe` is neither `true` nor `false` (write one of them)\n\
             m:3:72: warning: `autoscaling.keda.sh/paused-replicas` does nothing to a ScaledJob \
             (write `autoscaling.keda.sh/paused: \"true\"` to pause it)",
        ),
        (
            LIST.to_owned(),
            ", annotations: {headcount.compat: keda, headcount.compatible: keda}",
            "m:3:59: warning: Headcount has no `headcount.compatible`: it has no effect (did you \
             mean `headcount.compat`?)",
        ),
        (
            stream("streamLength: 1"),
            "",
            "m:6:88: warning: the length of a stream does not fall as work is done (name \
             `consumerGroup`, to count what the group must still do)",
        ),
        (
            stream("consumerGroup: g, streamLength: 1"),
            "",
            "m:6:89: warning: waiting entries count here, beside those that are pending (nothing, \
             or annotate the ScaledJob with `headcount.compat: keda`)\n\
             m:6:106: warning: `streamLength` has no effect: with `consumerGroup` and no \
             `lagCount`, what the group must still do is counted, 5 entries for each agent (keep \
             the one that is meant)",
        ),
        (
            stream("consumerGroup: g, lagCount: 1"),
            ", annotations: {headcount.compat: keda}",
            "m:6:102: warning: a lag and the strategy `default` leave entries waiting while agents \
             work (write `entriesPerAgent` in a native file, which counts both, or `strategy: \
             accurate`)",
        ),
        (
            LIST.replace("type: redis,", "type: redis, useCachedMetrics: true,"),
            "",
            "m:6:28: warning: `useCachedMetrics` has no effect on a ScaledJob (remove it)",
        ),
    ] {
        assert_eq!(told(&spec, metadata, ""), expected);
    }
}

#[test]
fn an_annotation_of_ours_says_one_of_two_words() {
    let metadata = ", annotations: {headcount.compat: strict}";
    assert_eq!(
        told(LIST, metadata, ""),
        "m:3:53: error: `headcount.compat` cannot be `strict` (write `headcount` or `keda`)"
    );
}

#[test]
fn other_objects_are_named_and_left_out() {
    assert_eq!(
        told(
            LIST,
            "",
            "---\nkind: ScaledObject\nmetadata: {name: o}\n---\nno: kind\n"
        ),
        "m:8:7: warning: the ScaledObject `o` is left out: nothing is made of it here (a \
         ScaledObject scales a Deployment; only a ScaledJob is read here)\n\
         m:11:1: warning: this document is no Kubernetes object, and is left out (an object has \
         `apiVersion` and `kind`)"
    );
    assert_eq!(
        parse(WHOLE).unwrap().warnings.to_string(),
        "m:3:7: warning: the Namespace `ci` is left out: nothing is made of it here (create it \
         with `kubectl` where it is needed)"
    );
}

#[test]
fn what_must_come_from_elsewhere_is_refused_with_what_to_add() {
    let auth = "---\napiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: \
                t}\nspec: ";
    let with_auth = "  triggers: [{type: redis, metadata: {address: 'r:1', listName: l}, \
                     authenticationRef: {name: t}}]\n";
    for (spec, after, expected) in [
        (
            with_auth.to_owned(),
            String::new(),
            "m:6:88: error: there is no TriggerAuthentication `t` in this file (add what `kubectl \
             get triggerauthentication t -o yaml` prints, after a line `---`)",
        ),
        (
            with_auth.to_owned(),
            format!("{auth}{{secretTargetRef: [{{parameter: password, name: s, key: k}}]}}\n"),
            "m:11:26: error: there is no Secret `s` in this file (add what `kubectl get secret s \
             -o yaml` prints, after a line `---`)",
        ),
        (
            with_auth.to_owned(),
            format!("{auth}{{hashiCorpVault: {{}}}}\n"),
            "m:11:8: error: `hashiCorpVault` cannot be asked from here (put what it yields into a \
             Secret of this file, and name that)",
        ),
        (
            list("addressFromEnv: S"),
            String::new(),
            "m:6:68: error: there is no Secret `s` in this file (add what `kubectl get secret s \
             -o yaml` prints, after a line `---`)",
        ),
        (
            list("addressFromEnv: S"),
            "---\nkind: Secret\napiVersion: v1\nmetadata: {name: s}\ndata: {other: ''}\n"
                .to_owned(),
            "m:6:68: error: the Secret `s` has no key `k` (write one that it has)",
        ),
        (
            list("addressFromEnv: S"),
            "---\nkind: Secret\napiVersion: v1\nmetadata: {name: s}\ndata: {k: '%'}\n".to_owned(),
            "m:6:68: error: `/data/k` of the Secret `s` is not text in base64 (mend the object in \
             this file)",
        ),
        (
            list("addressFromEnv: F"),
            String::new(),
            "m:5:96: error: this variable is known inside its pod alone (name a value, a Secret \
             or a ConfigMap)",
        ),
        (
            with_auth.to_owned(),
            format!("{auth}{{env: [{{parameter: keyPassword, name: E}}]}}\n"),
            "m:11:14: error: an encrypted key is not taken (put the key into the Secret as it is, \
             and remove `keyPassword`)",
        ),
        (
            LIST.replace("type: redis,", "type: redis, metricType: Value,"),
            String::new(),
            "m:6:28: error: KEDA rejects a ScaledJob with `metricType` (remove it: the number of \
             Jobs comes from the value itself)",
        ),
        (
            format!("{LIST}  envSourceContainerName: z\n"),
            String::new(),
            "m:7:27: error: there is no container `z` (write the name of one in `jobTargetRef`)",
        ),
        (
            LIST.replace("type: redis,", "type: ,"),
            String::new(),
            "m:6:14: error: a trigger needs a `type` (write for example `type: redis-streams`)",
        ),
        (
            "  triggers: []\n".to_owned(),
            String::new(),
            "m:6:3: error: a ScaledJob needs at least one trigger (add `spec.triggers`: what its \
             number of Jobs comes from)",
        ),
    ] {
        let problems = told(&spec, "", &after);
        let first = problems
            .lines()
            .find(|line| line.contains("error"))
            .unwrap_or("none");
        assert_eq!(first, expected);
    }
}

#[test]
fn a_manifest_without_a_scaled_job_is_refused() {
    for (text, expected) in [
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
            "m: error: there is no ScaledJob among these Kubernetes objects (give a file with \
             one, or a native file)",
        ),
        (
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\n",
            "m:1:1: error: a ScaledJob needs a name (add `metadata.name`)\n\
             m:1:1: error: a ScaledJob needs `spec.jobTargetRef` (add the `spec` of a Job: what \
             each agent is made from)\n\
             m:1:1: error: a ScaledJob needs at least one trigger (add `spec.triggers`: what its \
             number of Jobs comes from)",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_later_container_variable_wins_over_an_earlier_one() {
    let text = WHOLE.replace(
        "              - { name: REDIS_TLS, value: enable }\n",
        "              - { name: REDIS_TLS, value: enable }\n              - { name: REDIS_TLS, \
         value: disable }\n",
    );
    let settings = parse(&text).unwrap_or_else(|p| panic!("{p}")).settings;
    let servers: Vec<Option<&RedisServer>> = queue(&settings.scalers[0])
        .triggers
        .iter()
        .map(|trigger| match &trigger.kind {
            TriggerKind::RedisStream { server, .. } => Some(server),
            _ => None,
        })
        .collect();
    assert_eq!(servers[0].unwrap().tls, None);
}
