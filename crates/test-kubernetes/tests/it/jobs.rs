use std::time::Duration;

use headcount_test_kubernetes::Kubelet;
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, JOBS, PODS, conditions, job};

#[tokio::test]
async fn a_job_is_failed_once_its_pod_has_failed() {
    let client = Client::start(Kubelet::automatic()).await;
    client.make("a").await;
    let job = client.get(&format!("{JOBS}/a")).await;
    assert_eq!(conditions(&job), ["FailureTarget", "Failed"]);
    assert_eq!(
        job["status"]["conditions"][1]["reason"],
        "BackoffLimitExceeded"
    );
    assert_eq!(job["status"]["failed"], 1);
    assert!(job["status"]["completionTime"].is_null());
    let pods = client.get(PODS).await;
    let state = &pods["items"][0]["status"]["containerStatuses"][0]["state"];
    assert_eq!(state["terminated"]["exitCode"], 3);
}

#[tokio::test]
async fn the_condition_before_the_last_can_be_held() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    client.cluster.run("a");
    client.cluster.hold_terminal(true);
    client.cluster.end("a", 0);
    let path = format!("{JOBS}/a");
    assert_eq!(conditions(&client.get(&path).await), ["SuccessCriteriaMet"]);
    client.cluster.hold_terminal(false);
    let job = client.get(&path).await;
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    assert!(job["status"]["completionTime"].is_string());
}

#[tokio::test]
async fn a_deadline_ends_a_job_and_a_time_to_live_removes_it() {
    let client = Client::start(Kubelet::manual()).await;
    let mut limited = job("a");
    limited["spec"]["activeDeadlineSeconds"] = json!(60);
    limited["spec"]["ttlSecondsAfterFinished"] = json!(10);
    client.ask(Method::POST, JOBS, limited).await;
    client.cluster.run("a");
    client.cluster.advance(Duration::from_secs(59));
    let path = format!("{JOBS}/a");
    assert_eq!(conditions(&client.get(&path).await), Vec::<String>::new());
    client.cluster.advance(Duration::from_secs(1));
    let over = client.get(&path).await;
    assert_eq!(conditions(&over), ["FailureTarget", "Failed"]);
    assert_eq!(
        over["status"]["conditions"][1]["reason"],
        "DeadlineExceeded"
    );
    client.cluster.advance(Duration::from_secs(10));
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
    assert_eq!(client.names(PODS).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_suspended_job_has_no_pods() {
    let client = Client::start(Kubelet::manual()).await;
    let mut suspended = job("a");
    suspended["spec"]["suspend"] = json!(true);
    client.ask(Method::POST, JOBS, suspended).await;
    let path = format!("{JOBS}/a");
    let mut resumed = client.get(&path).await;
    assert_eq!(conditions(&resumed), ["Suspended"]);
    assert_eq!(client.names(PODS).await, Vec::<String>::new());
    resumed["spec"]["suspend"] = json!(false);
    client.ask(Method::PUT, &path, resumed).await;
    assert_eq!(client.names(PODS).await.len(), 1);
}

#[tokio::test]
async fn pods_that_are_refused_are_told_as_events_of_the_job() {
    let client = Client::start(Kubelet::manual()).await;
    client.cluster.refuse_pods(Some("exceeded quota: pods"));
    client.make("a").await;
    let query = "fieldSelector=involvedObject.kind%3DJob,reason%3DFailedCreate";
    let events = client
        .get(&format!("/api/v1/namespaces/ci/events?{query}"))
        .await;
    let event = &events["items"][0];
    assert_eq!(event["involvedObject"]["name"], "a");
    assert_eq!(
        event["message"],
        "Error creating: pods \"a-x7x7x\" is forbidden: exceeded quota: pods"
    );
    client.cluster.refuse_pods(None);
    assert_eq!(client.names(PODS).await.len(), 1);
}

#[tokio::test]
async fn waiting_pods_say_why_and_their_logs_are_read_in_part() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    client.cluster.unschedulable("a", "0/3 nodes are available");
    let pods = client.get(PODS).await;
    assert_eq!(
        pods["items"][0]["status"]["conditions"][0]["reason"],
        "Unschedulable"
    );
    client.cluster.wait("a", "ErrImagePull", "no such image");
    let pod = &client.names(PODS).await[0];
    let path = format!("{PODS}/{pod}/log?tailLines=1");
    assert_eq!(client.ask(Method::GET, &path, json!(null)).await.0, 400);
    client.cluster.run("a");
    client.cluster.write("a", "one\ntwo\n");
    let log = client.send(Method::GET, &path, json!(null)).await.unwrap();
    assert_eq!(log.text().await.unwrap(), "two\n");
}
