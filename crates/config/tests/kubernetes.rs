//! Scalers of a Kubernetes cluster: what is understood, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use headcount_config::settings::{
    Backend, KubernetesAgent, KubernetesTemplate, RolloutStrategy, Template,
};
use headcount_config::{ConfigTexts, Parsed, Problems, effective_yaml, parse_texts};
use serde_json::json;

fn parse(scaler: &str, spec: &str) -> Result<Parsed, Problems> {
    let text = format!(
        "version: 1\nscalers:\n- name: s\n  type: kubernetes\n  maxAgents: 5\n{scaler}  \
         labelSets:\n  - labels: [a]\n    jobTargetRef: {spec}\n"
    );
    parse_texts(ConfigTexts::single("c", text))
}

fn template(scaler: &str, spec: &str) -> (Backend, KubernetesTemplate) {
    let parsed = parse(scaler, spec).unwrap_or_else(|p| panic!("{p}"));
    let text = effective_yaml(&parsed.settings);
    let again = parse_texts(ConfigTexts::single("c", text)).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(again.settings, parsed.settings);
    let scaler = &parsed.settings.scalers[0];
    let Template::Kubernetes(template) = &scaler.label_sets[0].template else {
        panic!("no Job");
    };
    (scaler.backend.clone(), template.clone())
}

fn told(scaler: &str, spec: &str) -> String {
    match parse(scaler, spec) {
        Ok(parsed) => parsed.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

/// A template whose pod has these keys too.
fn pod(more: &str) -> String {
    format!("{{template: {{spec: {{containers: [{{name: c, image: i}}]{more}}}}}}}")
}

#[test]
fn a_template_is_handed_on_as_it_is() {
    let spec = "{backoffLimit: 0, template: {metadata: {labels: {a: 'yes'}}, spec: {restartPolicy: \
                Never, containers: [{name: c, image: i, args: ['', ~, 1.5, true], env: []}]}}}";
    let (backend, template) = template("", spec);
    assert_eq!(
        template.job,
        json!({"backoffLimit": 0, "template": {
            "metadata": {"labels": {"a": "yes"}},
            "spec": {"restartPolicy": "Never", "containers": [
                {"name": "c", "image": "i", "args": ["", null, 1.5, true], "env": []}
            ]},
        }})
    );
    let Backend::Kubernetes(cluster) = backend else {
        panic!("no cluster");
    };
    assert_eq!(
        (
            cluster.successful_jobs,
            cluster.failed_jobs,
            cluster.rollout
        ),
        (100, 100, RolloutStrategy::Gradual)
    );
}

/// The default of a pod, `Always`, is not taken in a Job.
#[test]
fn pods_of_jobs_restart_on_failure_where_nothing_is_written() {
    for written in ["", ", restartPolicy: ''"] {
        let (_, template) = template("", &pod(written));
        let policy = template.job.pointer("/template/spec/restartPolicy");
        assert_eq!(policy, Some(&json!("OnFailure")));
    }
}

#[test]
fn what_kubernetes_would_not_know_is_named() {
    let whole = "{backoffLimt: 1, containers: [], template: {spec: {containers: [{name: c, image: \
                 i, imagePulPolicy: x}], backoffLimit: 2, activeDeadlineSeconds: 5, color: red}, labels: \
                 {}}}";
    assert_eq!(
        told("", whole),
        "c:8:20: warning: the spec of a Job has no key `backoffLimt`: it has no effect (did you \
         mean `backoffLimit`?)\n\
         c:8:36: warning: the spec of a Job has no key `containers`: it has no effect (did you \
         mean `jobTargetRef.template.spec.containers`?)\n\
         c:8:103: warning: a container has no key `imagePulPolicy`: it has no effect (did you mean \
         `imagePullPolicy`?)\n\
         c:8:124: warning: the spec of a pod has no key `backoffLimit`: it has no effect (did you \
         mean `jobTargetRef.backoffLimit`?)\n\
         c:8:141: warning: `activeDeadlineSeconds` of a pod does not limit its Job (write \
         `jobTargetRef.activeDeadlineSeconds` for a limit over all tries)\n\
         c:8:167: warning: the spec of a pod has no key `color`: it has no effect (remove it, or \
         look it up in the Kubernetes API)\n\
         c:8:180: warning: a pod template has no key `labels`: it has no effect (remove it, or \
         look it up in the Kubernetes API)"
    );
}

#[test]
fn a_template_that_no_cluster_takes_is_refused() {
    let container = |text: &str| format!("{{template: {{spec: {{containers: {text}}}}}}}");
    for (spec, expected) in [
        (
            "[]".to_owned(),
            "c:8:19: error: `jobTargetRef` must be a mapping (write `key: value` pairs)",
        ),
        (
            "{}".to_owned(),
            "c:8:19: error: the spec of a Job needs the key `template` (add \
             `jobTargetRef.template`)",
        ),
        (
            "{template: {}}".to_owned(),
            "c:8:20: error: a pod template needs the key `spec` (add `jobTargetRef.template.spec`)",
        ),
        (
            "{template: {spec: {}}}".to_owned(),
            "c:8:31: error: the spec of a pod needs the key `containers` (add \
             `jobTargetRef.template.spec.containers`)",
        ),
        (
            container("[]"),
            "c:8:50: error: `containers` needs at least one container",
        ),
        (
            container("{name: c}"),
            "c:8:50: error: `containers` must be a list (write `- name: ...` for each container)",
        ),
        (
            container("[{name: c}]"),
            "c:8:51: error: a container needs the key `image` (add \
             `jobTargetRef.template.spec.containers[].image`)",
        ),
        (
            container("[{name: 5, image: i}]"),
            "c:8:58: error: `name` of a container must be a text",
        ),
        (
            container("[{name: c, image: i}, {name: c, image: j}]"),
            "c:8:72: error: a second container has the name `c` (give each container a name of \
             its own)",
        ),
        (
            pod(", restartPolicy: Always"),
            "c:8:88: error: the pods of a Job restart `Never` or `OnFailure` (write one of them)",
        ),
        (
            pod(", priority: .inf"),
            "c:8:83: error: `.inf` is no number in JSON (put it in quotes if it is a text)",
        ),
        (
            pod(&format!(", affinity: {}{}", "[".repeat(20), "]".repeat(20))),
            "c:8:19: error: more than 22 lists and mappings inside one another (nothing in a Job \
             is that deep; look for a bracket too many)",
        ),
    ] {
        assert_eq!(told("", &spec), expected);
    }
    let none = "version: 1\nscalers:\n- name: s\n  type: kubernetes\n  maxAgents: 5\n  \
                namespace: No\n  labelSets:\n  - labels: [a]\n    jobLabels: {a: 1}\n";
    assert_eq!(
        parse_texts(ConfigTexts::single("c", none))
            .unwrap_err()
            .to_string(),
        "c:6:14: error: `namespace`: `No` cannot name a namespace (write small letters, digits \
         and `-`, at most 63 of them)\n\
         c:8:5: error: `labelSets[0]` of type `kubernetes` needs the key `jobTargetRef` (add \
         `jobTargetRef: ...` (what each agent is made from: the `spec` of a Job of `batch/v1`))\n\
         c:9:20: error: the value of `a` must be a text (put it in quotes)"
    );
}

#[test]
fn a_rollout_is_gradual_or_immediate() {
    assert_eq!(told("  rollout: {strategy: immediate}\n", &pod("")), "");
    assert_eq!(
        told("  rollout: {strategy: default}\n", &pod("")),
        "c:6:23: error: `strategy` cannot be `default` (write `gradual` or `immediate`: `default` \
         was never taken)"
    );
}

/// Agents that are given jobs are told where the daemon is, and are not started again.
#[test]
fn the_agent_of_an_image_is_given_jobs() {
    let url = "  orchestratorUrl: wss://ci.example.com:7118\n";
    let managed = |policy: &str| format!("{}\n    agent: image\n    maxJobs: 3", pod(policy));
    let parsed = parse(url, &managed("")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(parsed.warnings.to_string(), "");
    let (_, template) = template(url, &managed(""));
    assert_eq!(template.agent, KubernetesAgent::Image);
    let policy = template.job.pointer("/template/spec/restartPolicy");
    assert_eq!(policy, Some(&json!("Never")));
    assert_eq!(
        told(url, &managed(", restartPolicy: OnFailure")),
        "c:9:88: error: an agent is not started again in its pod (write `Never`: another agent \
         takes its place)"
    );
    assert_eq!(
        told("", &format!("{}\n    agent: mounted", pod(""))),
        "c:9:12: error: this program cannot be mounted into the pods of a cluster (write `agent: \
         image` for an image that has the agent in it, `none` for one whose program finds its \
         work by itself)"
    );
    let trigger = "  triggers: [{type: redis, metadata: {address: 'a:1', listName: l}}]\n";
    assert_eq!(
        told(trigger, &format!("{}\n    agent: image", pod(""))),
        "c:8:5: error: `triggers` are for programs that find their work by themselves (remove \
         `agent: image`, where the program finds its work)"
    );
}

#[test]
fn workers_are_not_told_where_the_daemon_is() {
    let text = format!(
        "version: 1\nscalers:\n- name: s\n  type: kubernetes\n  maxAgents: 5\n  \
         orchestratorUrl: wss://ci.example.com\n  labelSets:\n  - labels: [a]\n    \
         jobTargetRef: {}\n",
        pod("")
    );
    let platform = headcount_config::Platform::current();
    let loaded = headcount_config::load_texts(ConfigTexts::single("c", text), &platform);
    assert_eq!(
        loaded
            .unwrap_or_else(|p| panic!("{p}"))
            .warnings
            .to_string(),
        "c:6:20: warning: `orchestratorUrl` has no effect on Jobs of Kubernetes (remove it: their \
         programs find their work by themselves; or write `agent: image` at the label set)"
    );
}

#[test]
fn variables_belong_into_the_template() {
    assert_eq!(
        told("", &format!("{}\n    env: {{A: b}}", pod(""))),
        "c:9:10: warning: `env` has no effect on a label set of type `kubernetes` (write it into \
         a container of `jobTargetRef`)"
    );
}

#[test]
fn pod_conditions_count_where_those_on_their_way_are_told_apart() {
    let list = "type: redis, metadata: {address: 'a:1', listName: l}";
    let window = "type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, \
                  desiredReplicas: 1}";
    let conditions = "pendingPodConditions: [Ready]";
    for (trigger, more, expected) in [
        (list, "", ""),
        (
            window,
            "strategy: custom, customScalingRunningJobPercentage: 1, ",
            "",
        ),
        (
            window,
            "strategy: accurate, ",
            "c:7:67: warning: `pendingPodConditions` has no effect on these triggers (remove it)",
        ),
        (list, "compat: keda, strategy: eager, ", ""),
        (
            list,
            "compat: keda, ",
            "c:7:61: warning: `pendingPodConditions` has no effect with strategy `default` \
             (remove it, or write `strategy: accurate` or `eager`)",
        ),
    ] {
        let policy = format!("  policy: {{kind: queue, {more}{conditions}}}\n");
        let text = format!("  triggers: [{{{trigger}}}]\n{policy}");
        assert_eq!(told(&text, &pod("")), expected, "{more}");
    }
}

#[test]
fn a_pod_condition_counts_once() {
    let policy = "  triggers: [{type: redis, metadata: {address: 'a:1', listName: l}}]\n  policy: \
                  {kind: queue, pendingPodConditions: [Ready, Ready]}\n";
    assert_eq!(
        told(policy, &pod("")),
        "c:7:55: warning: `Ready` is listed twice (remove it)"
    );
}
