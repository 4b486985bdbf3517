use headcount_test_kubernetes::Kubelet;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, JOBS, PODS, conditions};

async fn with_a_running_job() -> Client {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    client.cluster.run("a");
    client
}

async fn delete(client: &Client, options: Value) -> u16 {
    client
        .ask(Method::DELETE, &format!("{JOBS}/a"), options)
        .await
        .0
}

#[tokio::test]
async fn background_removes_the_owner_first() {
    let client = with_a_running_job().await;
    client.cluster.make_stubborn("a");
    assert_eq!(
        delete(&client, json!({"propagationPolicy": "Background"})).await,
        200
    );
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
    let pods = client.names(PODS).await;
    assert_eq!(pods.len(), 1, "the pod is given its time");
    let force = json!({"gracePeriodSeconds": 1});
    client
        .ask(Method::DELETE, &format!("{PODS}/{}", pods[0]), force)
        .await;
    assert_eq!(client.names(PODS).await, Vec::<String>::new());
}

#[tokio::test]
async fn foreground_removes_the_owner_last() {
    let client = with_a_running_job().await;
    client.cluster.lose("a", true);
    delete(&client, json!({"propagationPolicy": "Foreground"})).await;
    let job = client.get(&format!("{JOBS}/a")).await;
    assert_eq!(job["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert!(job["metadata"]["deletionTimestamp"].is_string());
    client.cluster.lose("a", false);
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
    assert_eq!(client.names(PODS).await, Vec::<String>::new());
}

#[tokio::test]
async fn by_default_a_jobs_pods_are_left_behind() {
    let client = with_a_running_job().await;
    delete(&client, json!({})).await;
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
    let pods = client.get(PODS).await;
    assert_eq!(pods["items"][0]["metadata"]["ownerReferences"], json!([]));
}

#[tokio::test]
async fn a_precondition_that_does_not_hold_conflicts() {
    let client = with_a_running_job().await;
    assert_eq!(
        delete(&client, json!({"preconditions": {"uid": "other"}})).await,
        409
    );
    assert_eq!(client.names(JOBS).await, ["a"]);
}

#[tokio::test]
async fn what_a_job_owns_goes_with_it() {
    let client = with_a_running_job().await;
    let uid = client.get(&format!("{JOBS}/a")).await["metadata"]["uid"].clone();
    let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": uid});
    let secret =
        json!({"metadata": {"name": "s", "ownerReferences": [owner]}, "stringData": {"k": "v"}});
    let secrets = "/api/v1/namespaces/ci/secrets";
    let (code, secret) = client.ask(Method::POST, secrets, secret).await;
    assert_eq!((code, &secret["data"]["k"]), (201, &json!("dg==")));
    delete(&client, json!({"propagationPolicy": "Background"})).await;
    assert_eq!(client.names(secrets).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deleted_pod_of_a_living_job_is_made_again() {
    let client = Client::start(Kubelet::manual()).await;
    let mut job = crate::client::job("a");
    job["spec"]["backoffLimit"] = json!(1);
    client.ask(Method::POST, JOBS, job).await;
    let first = client.names(PODS).await;
    client.cluster.delete("pods", &first[0]);
    let second = client.names(PODS).await;
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
    client.cluster.delete("pods", &second[0]);
    let job = client.get(&format!("{JOBS}/a")).await;
    assert_eq!(conditions(&job), ["FailureTarget", "Failed"]);
}
