//! What the cluster is asked to make.
//!
//! Promise: a pure function of the request; the same request asks for the same Job. What a
//! template says stays as it is, but for marks, limits it leaves open, and what a managed
//! agent needs. Leaves to others: asking (`backend`).

use std::collections::BTreeMap;

use headcount_model::{AgentKind, KubernetesRecipe, Resources};
use headcount_ports::{BackendError, CreateRequest};
use serde_json::{Map, Value, json};

use crate::environment::{SECRET_FOLDER, TOKEN, WORK, environment};
use crate::marks::Ours;
use crate::options::KubernetesOptions;
use crate::template;

/// Volumes of a managed agent.
const SECRET_VOLUME: &str = "headcount-secret";
const WORK_VOLUME: &str = "headcount-work";
/// Agents need not run as root to read their token.
const TOKEN_MODE: u32 = 0o444;

/// One agent's Job, and what its Secret holds, if it needs one.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) job: Value,
    secret: Option<BTreeMap<String, String>>,
    labels: BTreeMap<String, String>,
}

impl Body {
    /// # Errors
    /// [`BackendError::Invalid`]: no Job can be made from this recipe.
    pub(crate) fn new(
        request: &CreateRequest,
        recipe: &KubernetesRecipe,
        ours: &Ours,
        options: &KubernetesOptions,
        owner: Option<&Value>,
    ) -> Result<Self, BackendError> {
        let parsed = template::parse(&recipe.template, recipe.container.as_deref());
        let (mut spec, place) = parsed.map_err(|error| BackendError::Invalid(error.to_string()))?;
        let name = ours.name(&request.pool, request.agent);
        let told = environment(request, recipe, options)?;
        let mut secret = None;
        if request.kind != AgentKind::Worker {
            equip(&mut spec, place, &name, &told);
            let token = request.token.as_ref().map(|it| it.expose().to_owned());
            let token = token.map(|token| (TOKEN.to_owned(), token));
            secret = Some(told.into_iter().chain(token).collect());
        }
        settle(&mut spec, request);
        bound(&mut spec["template"]["spec"]["containers"][place], request);
        let labels = ours.labels(request);
        let container = &spec["template"]["spec"]["containers"][place]["name"];
        let container = container.as_str().unwrap_or_default();
        let annotations = ours.annotations(request, recipe, container);
        let pod = &mut spec["template"]["metadata"];
        write(&mut pod["labels"], &labels);
        write(&mut pod["annotations"], &annotations);
        let mut metadata =
            json!({"name": name, "labels": recipe.labels, "annotations": recipe.annotations});
        write(&mut metadata["labels"], &labels);
        write(&mut metadata["annotations"], &annotations);
        if let Some(owner) = owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec,
        });
        Ok(Self {
            name,
            job,
            secret,
            labels,
        })
    }

    /// The agent's Secret, owned by its Job, so that it goes with it.
    pub(crate) fn secret(&self, job_uid: &str) -> Option<Value> {
        let texts = self.secret.as_ref()?;
        let owner =
            json!({"apiVersion": "batch/v1", "kind": "Job", "name": self.name, "uid": job_uid});
        Some(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
            "metadata": {"name": self.name, "labels": self.labels, "ownerReferences": [owner]},
            "stringData": texts,
        }))
    }
}

/// Gives a managed agent its variables, its token and a directory.
fn equip(spec: &mut Value, place: usize, secret: &str, told: &BTreeMap<String, String>) {
    let pod = &mut spec["template"]["spec"];
    push(
        &mut pod["volumes"],
        [
            json!({"name": SECRET_VOLUME, "secret": {
                "secretName": secret,
                "items": [{"key": TOKEN, "path": TOKEN, "mode": TOKEN_MODE}],
            }}),
            json!({"name": WORK_VOLUME, "emptyDir": {}}),
        ],
    );
    let container = &mut pod["containers"][place];
    push(
        &mut container["volumeMounts"],
        [
            json!({"name": SECRET_VOLUME, "mountPath": SECRET_FOLDER, "readOnly": true}),
            json!({"name": WORK_VOLUME, "mountPath": WORK}),
        ],
    );
    // The last of two variables of one name is the one that counts.
    let variables = told.keys().map(
        |name| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}),
    );
    push(&mut container["env"], variables);
}

/// What a template leaves open: as KEDA does for workers; a managed agent is not started
/// again, because its token is good for one registration.
fn settle(spec: &mut Value, request: &CreateRequest) {
    let managed = request.kind != AgentKind::Worker;
    let restart = &mut spec["template"]["spec"]["restartPolicy"];
    if restart.as_str().unwrap_or_default().is_empty() {
        *restart = json!(if managed { "Never" } else { "OnFailure" });
    }
    if managed && spec["backoffLimit"].is_null() {
        spec["backoffLimit"] = json!(0);
    }
    // Never two pods of one agent at once.
    if spec["podReplacementPolicy"].is_null() {
        spec["podReplacementPolicy"] = json!("Failed");
    }
}

/// Writes what was granted where the template says nothing.
fn bound(container: &mut Value, request: &CreateRequest) {
    let granted = request.granted;
    for (part, amount) in [("requests", granted.requests), ("limits", granted.limits)] {
        for (name, quantity) in quantities(amount) {
            let said = &mut container["resources"][part][name];
            if said.is_null() {
                *said = json!(quantity);
            }
        }
    }
}

fn quantities(amount: Resources) -> Vec<(&'static str, String)> {
    let cpu = (amount.cpu_millis > 0).then(|| ("cpu", format!("{}m", amount.cpu_millis)));
    let memory = (amount.memory_bytes > 0).then(|| ("memory", amount.memory_bytes.to_string()));
    cpu.into_iter().chain(memory).collect()
}

fn push(list: &mut Value, items: impl IntoIterator<Item = Value>) {
    let mut all = list.as_array().cloned().unwrap_or_default();
    all.extend(items);
    *list = json!(all);
}

fn write(map: &mut Value, texts: &BTreeMap<String, String>) {
    let mut all: Map<String, Value> = map.as_object().cloned().unwrap_or_default();
    all.extend(texts.iter().map(|(name, text)| (name.clone(), json!(text))));
    *map = json!(all);
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use headcount_model::{
        AgentId, BackendId, ClusterAddress, Granted, HistoryLimits, LogPressure, OwnerId, Recipe,
        Secret,
    };

    use headcount_ports::agent_env::CallBack;

    use super::*;
    use crate::options::Pace;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 2,
    };

    pub(crate) fn recipe() -> KubernetesRecipe {
        KubernetesRecipe {
            cluster: ClusterAddress::default(),
            template: r#"{"template":{"spec":{"containers":[
                {"name":"side","image":"s"},
                {"name":"main","image":"i","env":[{"name":"A","value":"1"}],
                 "resources":{"limits":{"cpu":"3"}}}]}}}"#
                .to_owned(),
            container: Some("main".to_owned()),
            agent_url: None,
            pending_conditions: Vec::new(),
            history: HistoryLimits {
                successful: 3,
                failed: 5,
            },
            rollout: headcount_model::Rollout::Gradual,
            labels: [("team".to_owned(), "ci".to_owned())].into(),
            annotations: [].into(),
        }
    }

    pub(crate) fn request(agent: AgentId) -> CreateRequest {
        CreateRequest {
            agent,
            owner: "me".into(),
            pool: "tests/linux+x".into(),
            scaler: "tests".into(),
            kind: AgentKind::Worker,
            labels: "linux,x".into(),
            granted: Granted::default(),
            slots: 1,
            log_pressure: LogPressure::Pause,
            deadline: std::time::Duration::from_secs(60),
            recipe: Arc::new(Recipe::Kubernetes(recipe())),
            token: None,
        }
    }

    pub(crate) fn options() -> KubernetesOptions {
        let call_back = CallBack::new(Ok("wss://headcount:7118".to_owned()));
        call_back.trust(Some("sha256:aa".to_owned()));
        KubernetesOptions {
            cluster: ClusterAddress::default(),
            owner: OwnerId::new("me"),
            call_back,
            forwarded: [].into(),
            owned_by: None,
            pace: Pace::default(),
        }
    }

    fn body(request: &CreateRequest, recipe: &KubernetesRecipe) -> Body {
        let ours = Ours {
            owner: OwnerId::new("me"),
            backend: BackendId::new("kubernetes"),
        };
        Body::new(request, recipe, &ours, &options(), None).unwrap()
    }

    #[test]
    fn a_workers_pod_is_what_its_template_says_with_marks() {
        let body = body(&request(AGENT), &recipe());
        let spec = &body.job["spec"];
        let pod = &spec["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "OnFailure");
        assert_eq!(spec["backoffLimit"], Value::Null);
        assert_eq!(pod["volumes"], Value::Null);
        assert_eq!(
            pod["containers"][1]["env"],
            json!([{"name": "A", "value": "1"}])
        );
        assert_eq!(body.secret("uid"), None);
        let labels = &body.job["metadata"]["labels"];
        assert_eq!(
            (&labels["team"], &labels["headcount.agent"]),
            (&json!("ci"), &json!("a-1-2"))
        );
        let pods = &spec["template"]["metadata"];
        assert_eq!(pods["labels"]["headcount.agent"], "a-1-2");
        assert_eq!(pods["annotations"]["headcount.pool"], "tests/linux+x");
        assert_eq!(pods["annotations"]["headcount.container"], "main");
    }

    #[test]
    fn nothing_a_managed_agent_is_told_stands_in_its_job() {
        let mut request = request(AGENT);
        request.kind = AgentKind::Managed;
        request.token = Some(Secret::new("hunter2".to_owned()));
        let body = body(&request, &recipe());
        let text = body.job.to_string();
        assert!(
            !text.contains("hunter2") && !text.contains("wss://headcount"),
            "{text}"
        );
        let secret = body.secret("uid-1").unwrap();
        assert_eq!(secret["stringData"]["token"], "hunter2");
        assert_eq!(
            secret["stringData"]["HEADCOUNT_AGENT_URL"],
            "wss://headcount:7118"
        );
        assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], "uid-1");
        let spec = &body.job["spec"];
        assert_eq!(
            (&spec["backoffLimit"], &spec["podReplacementPolicy"]),
            (&json!(0), &json!("Failed"))
        );
        let pod = &spec["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "Never");
        let main = &pod["containers"][1];
        assert_eq!(
            pod["containers"][0]["env"],
            Value::Null,
            "the other one is told nothing"
        );
        assert_eq!(
            main["env"][1],
            json!({"name": "HEADCOUNT_AGENT_DIR", "valueFrom": {"secretKeyRef": {
                "name": body.name, "key": "HEADCOUNT_AGENT_DIR"}}})
        );
        assert_eq!(main["volumeMounts"][0]["mountPath"], "/headcount/secret");
        assert_eq!(
            pod["volumes"][0]["secret"]["items"],
            json!([{"key": "token", "path": "token", "mode": 0o444}])
        );
    }

    #[test]
    fn what_was_granted_stands_where_the_template_says_nothing() {
        let mut request = request(AGENT);
        request.granted.requests = Resources {
            cpu_millis: 1500,
            memory_bytes: 0,
        };
        request.granted.limits = Resources {
            cpu_millis: 2000,
            memory_bytes: 1 << 30,
        };
        let body = body(&request, &recipe());
        assert_eq!(
            body.job["spec"]["template"]["spec"]["containers"][1]["resources"],
            json!({"requests": {"cpu": "1500m"}, "limits": {"cpu": "3", "memory": "1073741824"}})
        );
    }
}
