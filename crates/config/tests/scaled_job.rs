//! `ScaledJob` manifests as configuration: what they come to, and what is named in them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use headcount_config::settings::{
    Compat, Kubernetes, Level, Propagation, Queue, Readiness, RedisServer, RedisServers,
    RolloutStrategy, Scaler, SecretFrom, SecretRef, Settings, Strategy, StreamMeasure, Template,
    TriggerKind,
};
use headcount_config::{
    ConfigText, ConfigTexts, Parsed, Platform, Problems, effective_yaml, load_texts, parse_texts,
};
use headcount_model::{Recipe, Secret};

const WHOLE: &str = include_str!("manifest.yaml");

fn parse(text: &str) -> Result<Parsed, Problems> {
    parse_texts(ConfigTexts::single("m", text))
}

fn settings(text: &str) -> Settings {
    let parsed = parse(text).unwrap_or_else(|p| panic!("{p}"));
    let printed = effective_yaml(&parsed.settings);
    let again = parse(&printed).unwrap_or_else(|p| panic!("{p}\n{printed}"));
    assert_eq!(again.settings, parsed.settings, "{printed}");
    parsed.settings
}

fn queue(scaler: &Scaler) -> &Queue {
    match &scaler.readiness {
        Readiness::Queue(queue) => queue,
        _ => panic!("no queue"),
    }
}

fn home(secret: Option<&SecretRef>) -> String {
    match secret.map(|secret| &secret.from) {
        Some(SecretFrom::Manifest(place)) => place.to_string(),
        other => panic!("{other:?}"),
    }
}

fn example(name: &str) -> Parsed {
    let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    settings(&text);
    parse_texts(ConfigTexts::single(name, text)).unwrap()
}

#[test]
fn the_first_example_is_taken_as_it_is_and_its_lines_are_named() {
    let parsed = example("scaledjob.yaml");
    assert_eq!(
        parsed.warnings.to_string(),
        "scaledjob.yaml:17:9: warning: `activeDeadlineSeconds` of a pod does not limit its Job \
         (write `jobTargetRef.activeDeadlineSeconds` for a limit over all tries)\n\
         scaledjob.yaml:18:9: warning: the spec of a pod has no key `backoffLimit`: it has no \
         effect (did you mean `jobTargetRef.backoffLimit`?)\n\
         scaledjob.yaml:60:30: warning: `pendingEntriesCount` has no effect: of several \
         thresholds only `lagCount` counts here (keep the one that is meant)\n\
         scaledjob.yaml:61:23: warning: `streamLength` has no effect: of several thresholds only \
         `lagCount` counts here (keep the one that is meant)\n\
         scaledjob.yaml:62:19: warning: a lag and the strategy `default` leave entries waiting \
         while agents work (write `entriesPerAgent` in a native file, which counts both, or \
         `strategy: accurate`)"
    );
    let scaler = &parsed.settings.scalers[0];
    assert_eq!(
        (
            scaler.name.as_str(),
            scaler.max_agents,
            scaler.backend.word()
        ),
        ("raibid-ci-agent", 10, "kubernetes")
    );
    let queue = queue(scaler);
    assert_eq!(
        (queue.compat, queue.strategy, queue.min, queue.max),
        (Compat::Keda, Strategy::Default, 0, Some(10))
    );
    assert_eq!(queue.triggers[0].target, Level(5.0));
}

#[test]
fn the_second_example_is_taken_as_it_is_and_its_lines_are_named() {
    let parsed = example("scaledjob-custom.yaml");
    assert_eq!(
        parsed.warnings.to_string(),
        "scaledjob-custom.yaml:14:40: warning: `customScalingQueueLengthDeduction` is not taken \
         off the length of the queue (remove it where the length was meant, and raise the \
         threshold of the trigger)\n\
         scaledjob-custom.yaml:17:7: warning: `pendingPodConditions` has no effect with strategy \
         `custom` (remove it, or write `strategy: accurate` or `eager`)\n\
         scaledjob-custom.yaml:22:9: warning: `activeDeadlineSeconds` of a pod does not limit its \
         Job (write `jobTargetRef.activeDeadlineSeconds` for a limit over all tries)\n\
         scaledjob-custom.yaml:23:9: warning: the spec of a pod has no key `backoffLimit`: it has \
         no effect (did you mean `jobTargetRef.backoffLimit`?)\n\
         scaledjob-custom.yaml:65:30: warning: what is pending starts no first agent (write \
         `entriesPerAgent` in a native file, which counts waiting entries too, or `lagCount`; or \
         keep an agent with `minReplicaCount: 1`)"
    );
    let queue = queue(&parsed.settings.scalers[0]);
    let custom = Strategy::Custom {
        deduction: 1,
        running: Level(0.5),
    };
    assert_eq!(queue.strategy, custom);
    assert!(matches!(&queue.triggers[1].kind, TriggerKind::Cron(window) if window.desired == 5));
}

#[test]
fn a_whole_manifest_yields_what_a_native_file_would() {
    let settings = settings(WHOLE);
    let scaler = &settings.scalers[0];
    assert_eq!((settings.global_max_agents, scaler.max_agents), (101, 101));
    let headcount_config::settings::Backend::Kubernetes(cluster) = &scaler.backend else {
        panic!("no cluster");
    };
    let expected = Kubernetes {
        kubeconfig: None,
        context: None,
        namespace: Some("ci".to_owned()),
        successful_jobs: 100,
        failed_jobs: 100,
        rollout: RolloutStrategy::Gradual,
        propagation: Propagation::Foreground,
    };
    assert_eq!(cluster, &expected);
    let Template::Kubernetes(template) = &scaler.label_sets[0].template else {
        panic!("no Job");
    };
    let map = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    assert_eq!(template.labels, map("team", "platform"));
    assert_eq!(template.annotations, map("note", "kept"));
    let queue = queue(scaler);
    assert_eq!(
        (queue.paused, queue.min, queue.max, queue.strategy),
        (true, 1, None, Strategy::Accurate)
    );
    assert_eq!(queue.pending_pod_conditions, ["Ready"]);
}

#[test]
fn parameters_come_from_the_environment_and_from_authentication() {
    let settings = settings(WHOLE);
    let queue = queue(&settings.scalers[0]);
    let TriggerKind::RedisStream {
        server, measure, ..
    } = &queue.triggers[0].kind
    else {
        panic!("no stream");
    };
    let lag = StreamMeasure::Lag {
        group: "agents".to_owned(),
    };
    assert_eq!(measure, &lag);
    let RedisServers::Sentinel {
        addresses,
        password,
        ..
    } = &server.servers
    else {
        panic!("no sentinels");
    };
    assert_eq!(addresses, &["a.example.com:26379", "b.example.com:26380"]);
    assert_eq!(
        home(password.as_ref()),
        "m#ScaledJob/ci/agents#/spec/jobTargetRef/template/spec/containers/1/env/1/value"
    );
    assert_eq!(server.username.as_deref(), Some("reader"));
    let tls = server.tls.as_ref().unwrap();
    let secrets = [server.password.as_ref(), tls.ca.as_ref()].map(home);
    assert_eq!(
        secrets,
        [
            "m#Secret/ci/redis#/data/password",
            "m#Secret/ci/redis#/data/ca.crt"
        ]
    );
    let TriggerKind::RedisKey { server, .. } = &queue.triggers[1].kind else {
        panic!("no list");
    };
    let password = home(server.password.as_ref());
    assert_eq!(password, "m#Secret/ci/redis#/data/password");
}

#[test]
fn what_jobs_are_made_from_and_every_secret_reach_the_fleet() {
    let texts = ConfigTexts::single("m", WHOLE);
    let loaded = load_texts(texts, &Platform::current()).unwrap_or_else(|p| panic!("{p}"));
    let scaler = &loaded.fleet.scalers[0];
    assert_eq!(scaler.backend.as_str(), "kubernetes:ci");
    let pool = &scaler.pools[0];
    let Recipe::Kubernetes(recipe) = &*pool.recipe else {
        panic!("no Job");
    };
    assert!(
        recipe.template.starts_with("{\"backoffLimit\":0"),
        "{recipe:?}"
    );
    assert_eq!(recipe.pending_conditions, ["Ready"]);
    assert_eq!(
        (recipe.history.successful, recipe.history.failed),
        (100, 100)
    );
    let rule = pool.queue.as_deref().unwrap();
    let headcount_model::TriggerKind::RedisStream { connection, .. } = &rule.triggers[0].kind
    else {
        panic!("no stream");
    };
    let secret = |text: &str| Secret::new(text.to_owned());
    assert_eq!(connection.password, Some(secret("hunter2")));
    let client = ("certificate".to_owned(), secret("secret key"));
    let tls = connection.tls.as_ref().unwrap();
    assert_eq!(
        (tls.ca.as_deref(), &tls.client),
        (Some("root"), &Some(client))
    );
}

/// From a native file the manifest is read again, where it is a file.
#[test]
fn a_native_file_finds_secrets_in_the_manifest_it_came_from() {
    let name = "tests/manifest.yaml";
    let parsed = parse_texts(ConfigTexts::single(name, WHOLE)).unwrap();
    let native = ConfigTexts::single("native", effective_yaml(&parsed.settings));
    let of = |texts| load_texts(texts, &Platform::current()).unwrap_or_else(|p| panic!("{p}"));
    let (native, manifest) = (of(native), of(ConfigTexts::single(name, WHOLE)));
    assert_eq!(native.fleet, manifest.fleet);
}

#[test]
fn no_secret_is_printed() {
    let printed = effective_yaml(&parse(WHOLE).unwrap().settings);
    // The template is handed on as it is, so what stands in it is its author's choice.
    let (before, _) = printed.split_once("jobTargetRef").unwrap();
    for secret in [
        "hunter2",
        "aHVudGVyMg==",
        "secret key",
        "certificate",
        "plain",
    ] {
        assert!(!before.contains(secret), "{before}");
    }
}

#[test]
fn a_manifest_may_be_a_drop_in_file() {
    let texts = ConfigTexts {
        main: ConfigText::new("main", "version: 1\nscalers: []\n"),
        drop_ins: vec![ConfigText::new("m", WHOLE)],
    };
    let parsed = parse_texts(texts).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(parsed.settings.scalers[0].name, "agents");
    assert_eq!(parsed.settings.global_max_agents, 50);
}

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
        (
            format!("{LIST}  rolloutStrategy: immediate\n"),
            "",
            "m:7:20: warning: no agent that works is stopped for a new configuration (write \
             `gradual`, and `headcount drain` where they must go)",
        ),
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
            LIST.replace("type: redis,", "type: redis, useCachedMetrics: true,"),
            "",
            "m:6:28: warning: `useCachedMetrics` has no effect on a ScaledJob (remove it)",
        ),
    ] {
        assert_eq!(told(&spec, metadata, ""), expected);
    }
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
