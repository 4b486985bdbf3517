use headcount_test_kubernetes::Kubelet;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, JOBS, job, names};

#[tokio::test]
async fn names_are_taken_once_and_versions_grow() {
    let client = Client::start(Kubelet::manual()).await;
    let first = client.make("a").await;
    let second = client.make("b").await;
    let version = |it: &Value| {
        it["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert!(version(&first) < version(&second));
    let (code, refused) = client.ask(Method::POST, JOBS, job("a")).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("AlreadyExists")));
    assert_eq!(refused["message"], "jobs.batch \"a\" already exists");
    let (code, refused) = client
        .ask(Method::GET, &format!("{JOBS}/c"), Value::Null)
        .await;
    assert_eq!(
        (code, &refused["message"]),
        (404, &json!("jobs.batch \"c\" not found"))
    );
}

#[tokio::test]
async fn names_are_made_up_and_dry_runs_make_nothing() {
    let client = Client::start(Kubelet::manual()).await;
    let mut unnamed = job("");
    unnamed["metadata"] = json!({"generateName": "ci-"});
    let path = format!("{JOBS}?dryRun=All");
    let (code, made) = client.ask(Method::POST, &path, unnamed).await;
    assert_eq!(code, 201);
    assert!(
        made["metadata"]["name"]
            .as_str()
            .unwrap()
            .starts_with("ci-")
    );
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
}

#[tokio::test]
async fn stale_writes_conflict_and_status_has_its_own_door() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    let path = format!("{JOBS}/a");
    let before = client.get(&path).await;
    let mut changed = before.clone();
    changed["metadata"]["labels"]["app"] = json!("y");
    changed["status"] = json!({"active": 99});
    let (code, after) = client.ask(Method::PUT, &path, changed.clone()).await;
    assert_eq!((code, &after["status"]), (200, &before["status"]));
    let (code, refused) = client.ask(Method::PUT, &path, changed).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("Conflict")));
    let mut status = after.clone();
    status["status"]["failed"] = json!(0);
    status["metadata"]["labels"] = json!({});
    let (_, after) = client
        .ask(Method::PUT, &format!("{path}/status"), status)
        .await;
    assert_eq!(after["metadata"]["labels"]["app"], "y");
    assert_eq!(after["status"]["failed"], 0);
}

#[tokio::test]
async fn a_list_in_pages_is_of_one_moment_and_expires() {
    let client = Client::start(Kubelet::manual()).await;
    for name in ["a", "b", "c"] {
        client.make(name).await;
    }
    let first = client.get(&format!("{JOBS}?limit=2")).await;
    assert_eq!(names(&first), ["a", "b"]);
    client.make("d").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = client
        .get(&format!("{JOBS}?limit=2&continue={token}"))
        .await;
    assert_eq!(names(&second), ["c"], "as of the first page");
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );

    let first = client.get(&format!("{JOBS}?limit=2")).await;
    client.make("e").await;
    client.cluster.compact();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, refused) = client
        .ask(
            Method::GET,
            &format!("{JOBS}?continue={token}"),
            Value::Null,
        )
        .await;
    assert_eq!((code, &refused["reason"]), (410, &json!("Expired")));
}

#[tokio::test]
async fn lists_select() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    let mut other = job("b");
    other["metadata"]["labels"]["app"] = json!("y");
    client.ask(Method::POST, JOBS, other).await;
    assert_eq!(
        client.names(&format!("{JOBS}?labelSelector=app%3Dy")).await,
        ["b"]
    );
    assert_eq!(
        client
            .names(&format!(
                "{JOBS}?fieldSelector=metadata.name%3Da&resourceVersion=0"
            ))
            .await,
        ["a"]
    );
    assert_eq!(client.names("/apis/batch/v1/jobs").await, ["a", "b"]);
    let (code, _) = client
        .ask(
            Method::GET,
            &format!("{JOBS}?fieldSelector=spec.x%3Da"),
            Value::Null,
        )
        .await;
    assert_eq!(code, 400);
}
