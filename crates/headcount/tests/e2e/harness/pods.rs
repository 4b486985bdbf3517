//! A cluster whose pods are processes of this host.
//!
//! The cluster is a double; what its machine does is real: a pod's variables are resolved
//! from its Secret, its volumes are folders, its container is the program under test. As a
//! process sees this host's files and not a container's, values that name a mounted place
//! are rewritten to the folder that stands for it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_test_kubernetes::{Cluster, Kubelet};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::patience::until;

/// An API server, and whom it told to run pods.
pub struct Pods {
    pub cluster: Cluster,
    runtime: Runtime,
}

/// A pod that runs.
pub struct Pod {
    /// Its Job.
    pub job: String,
    /// What its container was told, as it was told.
    pub variables: BTreeMap<String, String>,
    child: Child,
}

impl Pods {
    /// With nothing in it.
    pub fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let cluster = runtime.block_on(Cluster::start(Kubelet::manual()));
        Self { cluster, runtime }
    }

    /// Leaves the credentials in a folder, and names the file.
    pub fn kubeconfig(&self, home: &Path) -> PathBuf {
        let file = home.join("kubeconfig");
        fs::write(&file, self.cluster.kubeconfig("ci")).unwrap();
        file
    }

    /// Waits for a pod that may start, and starts it with its folders in this one.
    pub fn start_next(&self, home: &Path) -> Pod {
        let waits = |cluster: &Cluster| Some(waiting(cluster)?.1);
        let come = self
            .cluster
            .until("a pod may start", |it| waits(it).is_some());
        self.runtime.block_on(come);
        let (pod, secret) = waiting(&self.cluster).unwrap();
        let job = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"].as_str();
        let job = job.unwrap().to_owned();
        let root = home.join(&job);
        let container = &pod["spec"]["containers"][0];
        let mounts = mount(&pod["spec"], container, &secret, &root);
        let variables = variables(container, &secret);
        let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
        command.env_clear().arg("agent");
        command.stderr(File::create(root.join("log")).unwrap());
        for (name, value) in &variables {
            let place = mounts.iter().find_map(|(place, folder)| {
                let rest = value.strip_prefix(&**place)?;
                Some(format!("{}{rest}", folder.display()))
            });
            command.env(name, place.as_ref().unwrap_or(value));
        }
        let child = command.spawn().unwrap();
        self.cluster.run(&job);
        Pod {
            job,
            variables,
            child,
        }
    }

    /// Waits until a pod's program has ended, and tells the cluster how.
    pub fn end(&self, mut pod: Pod) -> i32 {
        let status = until("the pod's program ends", || pod.child.try_wait().unwrap());
        let code = status.code().unwrap_or(137);
        self.cluster.end(&pod.job, code);
        code
    }
}

/// A pod that waits and whose Secret is there: before that no machine starts it.
fn waiting(cluster: &Cluster) -> Option<(Value, BTreeMap<String, String>)> {
    let pods = cluster.all("pods").into_iter();
    let mut waiting = pods.filter(|pod| pod["status"]["phase"] == "Pending");
    waiting.find_map(|pod| {
        let volumes = pod["spec"]["volumes"].as_array()?;
        let mut names = volumes.iter().map(|it| &it["secret"]["secretName"]);
        let name = names.find_map(Value::as_str)?;
        let secret = cluster.get("secrets", name)?;
        let data = secret["data"].as_object()?.iter();
        let text = |value: &Value| {
            let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let data = data
            .map(|(key, value)| (key.clone(), text(value)))
            .collect();
        Some((pod, data))
    })
}

/// Makes the folders of a container's volumes: where they are mounted, and what they are.
fn mount(
    spec: &Value,
    container: &Value,
    secret: &BTreeMap<String, String>,
    root: &Path,
) -> Vec<(String, PathBuf)> {
    let volumes = spec["volumes"].as_array().unwrap();
    let mounts = container["volumeMounts"].as_array().unwrap().iter();
    let mounts = mounts.map(|mount| {
        let volume = volumes
            .iter()
            .find(|it| it["name"] == mount["name"])
            .unwrap();
        let folder = root.join(mount["name"].as_str().unwrap());
        fs::create_dir_all(&folder).unwrap();
        for item in volume["secret"]["items"].as_array().into_iter().flatten() {
            let [key, path] = ["key", "path"].map(|part| item[part].as_str().unwrap());
            fs::write(folder.join(path), &secret[key]).unwrap();
        }
        (mount["mountPath"].as_str().unwrap().to_owned(), folder)
    });
    mounts.collect()
}

fn variables(container: &Value, secret: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let variables = container["env"].as_array().unwrap().iter();
    let variables = variables.map(|variable| {
        let key = variable["valueFrom"]["secretKeyRef"]["key"].as_str();
        let value = match key {
            Some(key) => secret[key].clone(),
            None => variable["value"].as_str().unwrap().to_owned(),
        };
        (variable["name"].as_str().unwrap().to_owned(), value)
    });
    variables.collect()
}
