//! What a manifest comes to.

use headcount_config::settings::{
    Compat, Kubernetes, Level, Propagation, RedisServers, RolloutStrategy, Strategy, StreamMeasure,
    Template, TriggerKind,
};
use headcount_config::{
    ConfigText, ConfigTexts, Platform, effective_yaml, load_texts, parse_texts,
};
use headcount_model::{Recipe, Secret};
use std::collections::BTreeMap;

use super::{WHOLE, example, home, parse, queue, settings};

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
         `lagCount` counts here (keep the one that is meant)"
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
        (Compat::Headcount, Strategy::Default, 0, Some(10))
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
         scaledjob-custom.yaml:22:9: warning: `activeDeadlineSeconds` of a pod does not limit its \
         Job (write `jobTargetRef.activeDeadlineSeconds` for a limit over all tries)\n\
         scaledjob-custom.yaml:23:9: warning: the spec of a pod has no key `backoffLimit`: it has \
         no effect (did you mean `jobTargetRef.backoffLimit`?)\n\
         scaledjob-custom.yaml:65:30: warning: waiting entries count here, beside those that are \
         pending (nothing, or annotate the ScaledJob with `headcount.compat: keda`)"
    );
    let queue = queue(&parsed.settings.scalers[0]);
    let custom = Strategy::Custom {
        deduction: 1,
        running: Level(0.5),
    };
    assert_eq!(queue.strategy, custom);
    assert!(matches!(&queue.triggers[1].kind, TriggerKind::Cron(window) if window.desired == 5));
    let TriggerKind::RedisStream { measure, .. } = &queue.triggers[0].kind else {
        panic!("no stream");
    };
    assert_eq!(
        (measure, queue.compat),
        (&backlog("raibid-workers"), Compat::Headcount)
    );
}

fn backlog(group: &str) -> StreamMeasure {
    StreamMeasure::Backlog {
        group: group.to_owned(),
        claim_after: None,
    }
}

/// A manifest with this annotation, and a trigger with these parameters.
fn counted(annotation: &str, more: &str) -> (StreamMeasure, Level, Compat) {
    let text = format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: a, annotations: \
         {{{annotation}}}}}\nspec:\n  jobTargetRef: {{template: {{spec: {{containers: [{{name: c, \
         image: i}}]}}}}}}\n  triggers: [{{type: redis-streams, metadata: {{address: 'r:1', stream: \
         s, {more}}}}}]\n"
    );
    let settings = settings(&text);
    let queue = queue(&settings.scalers[0]);
    let TriggerKind::RedisStream { measure, .. } = &queue.triggers[0].kind else {
        panic!("no stream");
    };
    (measure.clone(), queue.triggers[0].target, queue.compat)
}

#[test]
fn a_manifest_counts_as_its_author_meant_or_as_it_is_told_to() {
    let g = || "g".to_owned();
    let lag = |claim_after| StreamMeasure::Lag {
        group: g(),
        claim_after,
    };
    let pending = StreamMeasure::Pending { group: g() };
    let minute = std::time::Duration::from_secs(60);
    let claimed = StreamMeasure::Backlog {
        group: g(),
        claim_after: Some(minute),
    };
    for (more, ours, keda, target) in [
        (
            "streamLength: '3'",
            StreamMeasure::Length,
            StreamMeasure::Length,
            3.0,
        ),
        ("consumerGroup: g", backlog("g"), pending.clone(), 5.0),
        (
            "consumerGroup: g, streamLength: '3'",
            backlog("g"),
            pending.clone(),
            5.0,
        ),
        (
            "consumerGroup: g, pendingEntriesCount: '2'",
            backlog("g"),
            pending.clone(),
            2.0,
        ),
        (
            "consumerGroup: g, pendingEntriesCount: '0'",
            pending.clone(),
            pending.clone(),
            0.0,
        ),
        (
            "consumerGroup: g, lagCount: '0'",
            backlog("g"),
            pending.clone(),
            5.0,
        ),
        (
            "consumerGroup: g, lagCount: '3', pendingEntriesCount: '1'",
            lag(None),
            lag(None),
            3.0,
        ),
        (
            "consumerGroup: g, lagCount: '3', claimAfter: 60s",
            lag(Some(minute)),
            lag(None),
            3.0,
        ),
        ("consumerGroup: g, claimAfter: 1m", claimed, pending, 5.0),
    ] {
        let target = Level(target);
        assert_eq!(
            counted("", more),
            (ours, target, Compat::Headcount),
            "{more}"
        );
        let annotated = counted("headcount.compat: keda", more);
        assert_eq!(annotated, (keda, target, Compat::Keda), "{more}");
    }
}

#[test]
fn bounds_of_a_manifest_are_those_of_keda() {
    for (spec, expected) in [
        ("minReplicaCount: 3\n  maxReplicaCount: 2", (2, Some(2))),
        ("minReplicaCount: 3", (3, Some(103))),
    ] {
        let text = format!(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: a}}\nspec:\n  {spec}\n  \
             jobTargetRef: {{template: {{spec: {{containers: [{{name: c, image: i}}]}}}}}}\n  \
             triggers: [{{type: redis, metadata: {{address: 'r:1', listName: s}}}}]\n"
        );
        settings(&text);
        let loaded = load_texts(ConfigTexts::single("m", text), &Platform::current());
        let loaded = loaded.unwrap_or_else(|p| panic!("{p}"));
        let rule = loaded.fleet.scalers[0].pools[0].queue.clone().unwrap();
        assert_eq!((rule.min, rule.max), expected);
    }
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
        claim_after: None,
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
