//! A plain HTTP client of the double.

use headcount_test_kubernetes::{Cluster, Kubelet};
use reqwest::{Method, Response};
use serde_json::{Value, json};

pub const JOBS: &str = "/apis/batch/v1/namespaces/ci/jobs";
pub const PODS: &str = "/api/v1/namespaces/ci/pods";

pub struct Client {
    pub cluster: Cluster,
    http: reqwest::Client,
}

impl Client {
    pub async fn start(kubelet: Kubelet) -> Self {
        Self {
            cluster: Cluster::start(kubelet).await,
            http: reqwest::Client::new(),
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> reqwest::Result<Response> {
        let url = format!("{}{path}", self.cluster.url());
        let request = self.http.request(method, url);
        match body {
            Value::Null => request.send().await,
            body => request.body(body.to_string()).send().await,
        }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let response = self.send(method, path, body).await.unwrap();
        let code = response.status().as_u16();
        let text = response.text().await.unwrap();
        (code, serde_json::from_str(&text).unwrap())
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await.1
    }

    pub async fn make(&self, name: &str) -> Value {
        let (code, job) = self.ask(Method::POST, JOBS, job(name)).await;
        assert_eq!(code, 201, "{job}");
        job
    }

    pub async fn names(&self, path: &str) -> Vec<String> {
        names(&self.get(path).await)
    }
}

pub fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|it| it["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

pub fn job(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app": "x"}},
        "spec": {"backoffLimit": 0, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"restartPolicy": "Never", "containers": [
                {"name": "main", "image": "busybox", "command": ["sh", "-c", "exit 3"]},
            ]},
        }},
    })
}

/// The conditions that hold, in order.
pub fn conditions(object: &Value) -> Vec<String> {
    let all = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let holding = all.into_iter().filter(|it| it["status"] == "True");
    holding
        .map(|it| it["type"].as_str().unwrap().to_owned())
        .collect()
}
