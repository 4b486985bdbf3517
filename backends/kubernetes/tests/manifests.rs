//! The manifests in `packaging/kubernetes/`: they can be read, they fit together, and they
//! grant what the backend asks of an API server, no less and no more.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use headcount_backend_kubernetes::KubernetesBackend;
use headcount_model::{BackendEvent, Exit};
use headcount_ports::Backend;
use headcount_test_kubernetes::{Cluster, Granted, Kubelet};
use serde_json::{Value, json};
use support::{House, agent, managed, recipe, request_of, template, within};

fn manifests(file: &str) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging/kubernetes");
    let text = std::fs::read_to_string(folder.join(file)).expect("a manifest");
    serde_saphyr::from_multiple(&text).expect("YAML")
}

fn of_kind(file: &str, kind: &str) -> Value {
    let mut all = manifests(file).into_iter();
    all.find(|it| it["kind"] == *kind)
        .expect("one of this kind")
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|it| it.as_str().expect("a text").to_owned())
        .collect()
}

fn granted() -> BTreeSet<Granted> {
    let role = of_kind("rbac.yaml", "Role");
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().expect("rules") {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    granted.insert(Granted {
                        group: group.clone(),
                        resource: resource.clone(),
                        verb,
                    });
                }
            }
        }
    }
    granted
}

/// Everything the backend ever asks for, once.
async fn everything(house: &House) {
    let mut options = house.options();
    options.owned_by = Some("headcount".to_owned());
    let map = json!({"metadata": {"name": "headcount", "namespace": "ci"}});
    house.cluster.put("configmaps", map);
    let backend = KubernetesBackend::new(options, house.events.clone());
    // Made, made again, and ended by force.
    house.make(&backend, managed(agent(1))).await;
    house.make(&backend, managed(agent(1))).await;
    let job = house.jobs().remove(0);
    house.cluster.run(&job);
    house.cluster.make_stubborn(&job);
    let ended = house.end(&backend, agent(1), Duration::ZERO).await;
    assert_eq!(ended, Ok(()));
    // Failed, looked at, and removed from history.
    let mut unkept = recipe(&template("x"));
    unkept.history.failed = 0;
    house.make(&backend, request_of(agent(2), unkept)).await;
    let job = house.jobs().remove(0);
    house.cluster.run(&job);
    within(backend.list()).await.expect("it lists");
    drop(within(backend.last_output(agent(2), 1)).await);
    house.cluster.end(&job, 1);
    house
        .told(BackendEvent::Gone(agent(2), Exit::Code(1)))
        .await;
    let none = |cluster: &Cluster| cluster.all("jobs").is_empty();
    house.cluster.until("no Job is left", none).await;
    house.asked("watch", "events", 1).await;
}

#[tokio::test]
async fn what_is_asked_for_is_granted_and_nothing_else() {
    let house = House::open(Kubelet::manual()).await;
    everything(&house).await;
    assert_eq!(house.cluster.asked(), granted());
}

#[test]
fn the_account_of_the_daemon_is_the_one_that_is_granted_something() {
    let account = &of_kind("rbac.yaml", "ServiceAccount")["metadata"]["name"];
    let binding = of_kind("rbac.yaml", "RoleBinding");
    assert_eq!(binding["subjects"][0]["name"], *account);
    assert_eq!(
        binding["roleRef"]["name"],
        of_kind("rbac.yaml", "Role")["metadata"]["name"]
    );
    let pod = of_kind("deployment.yaml", "Deployment")["spec"]["template"]["spec"].clone();
    assert_eq!(pod["serviceAccountName"], *account);
    for file in ["rbac.yaml", "deployment.yaml"] {
        for manifest in manifests(file) {
            let namespace = &manifest["metadata"]["namespace"];
            assert_eq!(*namespace, Value::Null, "whoever applies it chooses");
            let kind = manifest["kind"].as_str().expect("a kind");
            assert!(
                !kind.starts_with("Cluster"),
                "{kind} reaches beyond one namespace"
            );
        }
    }
}

#[test]
fn the_deployment_keeps_its_state_and_its_owner() {
    let deployment = of_kind("deployment.yaml", "Deployment");
    let spec = &deployment["spec"];
    assert_eq!(
        (&spec["replicas"], &spec["strategy"]["type"]),
        (&json!(1), &json!("Recreate"))
    );
    let pod = &spec["template"]["spec"];
    let daemon = &pod["containers"][0];
    let variable = |name: &str| {
        let all = daemon["env"].as_array().expect("variables");
        all.iter()
            .find(|it| it["name"] == *name)
            .expect("a variable")["value"]
            .clone()
    };
    let owner = variable("HEADCOUNT_KUBERNETES_OWNER");
    let role = of_kind("rbac.yaml", "Role");
    let mut rules = role["rules"].as_array().expect("rules").iter();
    let maps = rules
        .find(|rule| rule["resources"] == json!(["configmaps"]))
        .expect("a rule");
    assert_eq!(maps["resourceNames"], json!([owner]));
    let mounted = |path: &Value| {
        let mounts = daemon["volumeMounts"].as_array().expect("mounts");
        let mount = mounts
            .iter()
            .find(|it| it["mountPath"] == *path)
            .expect("a mount");
        let volumes = pod["volumes"].as_array().expect("volumes");
        volumes
            .iter()
            .find(|it| it["name"] == mount["name"])
            .expect("a volume")
            .clone()
    };
    let state = mounted(&variable("HEADCOUNT_STATE_DIR"));
    let claim = of_kind("deployment.yaml", "PersistentVolumeClaim");
    assert_eq!(
        state["persistentVolumeClaim"]["claimName"],
        claim["metadata"]["name"]
    );
    assert_eq!(
        mounted(&json!("/etc/headcount"))["configMap"]["name"],
        owner
    );
    let service = of_kind("deployment.yaml", "Service");
    let ports = service["spec"]["ports"].as_array().expect("ports").iter();
    let agents = ports.clone().find(|port| port["name"] == "agents");
    let at = format!(
        "wss://{}:{}",
        service["metadata"]["name"].as_str().expect("a name"),
        agents.expect("a port for agents")["port"]
    );
    assert_eq!(daemon["args"], json!(["--agent-url", at]));
    for (name, variable) in [
        ("api", variable("HEADCOUNT_LISTEN")),
        ("agents", variable("HEADCOUNT_AGENT_LISTEN")),
    ] {
        let listens = variable.as_str().expect("an address");
        let mut open = daemon["ports"].as_array().expect("ports").iter();
        let open = open.find(|port| port["name"] == *name).expect("a port");
        assert_eq!(listens, format!("0.0.0.0:{}", open["containerPort"]));
        let mut ports = ports.clone();
        assert!(ports.any(|port| port["targetPort"] == *name), "{name}");
    }
    assert_eq!(service["spec"]["selector"], spec["selector"]["matchLabels"]);
    assert_eq!(
        spec["template"]["metadata"]["labels"],
        spec["selector"]["matchLabels"]
    );
}
