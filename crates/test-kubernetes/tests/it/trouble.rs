use std::sync::Arc;

use headcount_test_kubernetes::{Fault, Kubelet, Trouble};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::client::{Client, JOBS, job};

#[tokio::test]
async fn refusals_have_the_servers_words() {
    for (trouble, code, message) in [
        (
            Trouble::Forbidden,
            403,
            "jobs.batch is forbidden: User \"system:serviceaccount:ci:headcount\" cannot create \
             resource \"jobs\" in API group \"batch\" in the namespace \"ci\"",
        ),
        (
            Trouble::Quota("jobs, requested: count/jobs.batch=1"),
            403,
            "jobs.batch \"a\" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1",
        ),
        (
            Trouble::Denied("no"),
            403,
            "admission webhook \"policy.example.com\" denied the request: no",
        ),
        (
            Trouble::TooMany(7),
            429,
            "the server has received too many requests and has asked us to try again later",
        ),
        (
            Trouble::Internal,
            500,
            "Internal error occurred: etcdserver: leader changed",
        ),
        (Trouble::Unauthorized, 401, "Unauthorized"),
    ] {
        let client = Client::start(Kubelet::manual()).await;
        client
            .cluster
            .inject(Fault::once(trouble).on("create", "jobs"));
        assert_eq!(client.get(JOBS).await["items"], json!([]), "others pass");
        let (got, refused) = client.ask(Method::POST, JOBS, job("a")).await;
        assert_eq!((got, refused["message"].as_str()), (code, Some(message)));
        assert_eq!(refused["status"], "Failure");
        client.make("a").await;
    }
}

#[tokio::test]
async fn a_cut_connection_is_before_or_after_the_deed() {
    let client = Client::start(Kubelet::manual()).await;
    client.cluster.inject(Fault::once(Trouble::Cut));
    assert!(client.send(Method::POST, JOBS, job("a")).await.is_err());
    assert_eq!(client.names(JOBS).await, Vec::<String>::new());
    client.cluster.inject(Fault::once(Trouble::LostAnswer));
    assert!(client.send(Method::POST, JOBS, job("a")).await.is_err());
    assert_eq!(client.names(JOBS).await, ["a"]);
}

#[tokio::test]
async fn what_is_held_waits() {
    let client = Client::start(Kubelet::manual()).await;
    let gate = Arc::new(Notify::new());
    client
        .cluster
        .inject(Fault::once(Trouble::Held(gate.clone())));
    let made = client.send(Method::POST, JOBS, job("a"));
    let (made, ()) = tokio::join!(made, async { gate.notify_one() });
    assert_eq!(made.unwrap().status().as_u16(), 201);
}

#[tokio::test]
async fn it_goes_away_and_comes_back_as_it_was() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    client.cluster.down();
    assert!(client.send(Method::GET, JOBS, Value::Null).await.is_err());
    client.cluster.up().await;
    assert_eq!(client.names(JOBS).await, ["a"]);
    assert_eq!(client.cluster.count("list", "jobs"), 1);
}
