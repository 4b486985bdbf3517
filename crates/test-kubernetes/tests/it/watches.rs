use futures_util::StreamExt;
use headcount_test_kubernetes::Kubelet;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::client::{Client, JOBS};

struct Watch {
    response: Response,
    rest: String,
}

impl Watch {
    async fn open(client: &Client, query: &str) -> Self {
        let path = format!("{JOBS}?watch=true&{query}");
        let response = client.send(Method::GET, &path, Value::Null).await.unwrap();
        Self {
            response,
            rest: String::new(),
        }
    }

    /// The next event as `TYPE name`; `None` at the end, an error where it was cut.
    async fn next(&mut self) -> Result<Option<(String, Value)>, reqwest::Error> {
        while !self.rest.contains('\n') {
            match self.response.chunk().await? {
                Some(chunk) => self.rest.push_str(std::str::from_utf8(&chunk).unwrap()),
                None => return Ok(None),
            }
        }
        let (line, rest) = self.rest.split_once('\n').unwrap();
        let event: Value = serde_json::from_str(line).unwrap();
        self.rest = rest.to_owned();
        let name = event["object"]["metadata"]["name"].as_str().unwrap_or("-");
        let told = format!("{} {name}", event["type"].as_str().unwrap());
        Ok(Some((told, event["object"].clone())))
    }

    async fn told(&mut self) -> String {
        self.next().await.unwrap().unwrap().0
    }
}

#[tokio::test]
async fn a_watch_tells_what_came_after_its_version() {
    let client = Client::start(Kubelet::manual()).await;
    client.cluster.stop_job_controller(true);
    let a = client.make("a").await;
    let version = a["metadata"]["resourceVersion"].as_str().unwrap();
    client.make("b").await;
    let mut watch = Watch::open(
        &client,
        &format!("resourceVersion={version}&allowWatchBookmarks=true"),
    )
    .await;
    assert_eq!(watch.told().await, "ADDED b");
    client.cluster.delete("jobs", "a");
    assert_eq!(watch.told().await, "DELETED a");
    client.cluster.bookmark();
    let (told, bookmark) = watch.next().await.unwrap().unwrap();
    assert_eq!(told, "BOOKMARK -");
    let now = client.get(JOBS).await["metadata"]["resourceVersion"].clone();
    assert_eq!(bookmark["metadata"]["resourceVersion"], now);
    client.cluster.end_watches();
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_longer_selected_is_told_as_deleted() {
    let client = Client::start(Kubelet::manual()).await;
    client.cluster.stop_job_controller(true);
    let mut watch = Watch::open(&client, "labelSelector=app%3Dx").await;
    client.make("a").await;
    assert_eq!(watch.told().await, "ADDED a");
    let mut changed = client.get(&format!("{JOBS}/a")).await;
    changed["metadata"]["labels"]["app"] = "y".into();
    client.ask(Method::PUT, &format!("{JOBS}/a"), changed).await;
    assert_eq!(watch.told().await, "DELETED a");
}

#[tokio::test]
async fn a_version_that_is_forgotten_is_gone() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    client.make("b").await;
    client.cluster.compact();
    let mut watch = Watch::open(&client, "resourceVersion=1001").await;
    let (told, status) = watch.next().await.unwrap().unwrap();
    assert_eq!((told.as_str(), &status["code"]), ("ERROR -", &410.into()));
    assert_eq!(status["reason"], "Expired");
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test]
async fn an_open_watch_that_is_behind_when_all_is_forgotten_is_gone_too() {
    let client = Client::start(Kubelet::manual()).await;
    client.cluster.stop_job_controller(true);
    let mut watch = Watch::open(&client, "").await;
    client.make("a").await;
    assert_eq!(watch.told().await, "ADDED a");
    // Nothing is awaited in between, so the watch has not been told of it.
    client.cluster.delete("jobs", "a");
    client.cluster.compact();
    assert_eq!(watch.told().await, "ERROR -");
}

#[tokio::test]
async fn initial_events_end_with_a_mark() {
    let client = Client::start(Kubelet::manual()).await;
    client.make("a").await;
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let mut watch = Watch::open(&client, query).await;
    assert_eq!(watch.told().await, "ADDED a");
    let (_, mark) = watch.next().await.unwrap().unwrap();
    assert_eq!(
        mark["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
}

#[tokio::test]
async fn a_cut_watch_is_an_error() {
    let client = Client::start(Kubelet::manual()).await;
    let watch = Watch::open(&client, "").await;
    client.cluster.cut_watches();
    let rest: Vec<_> = watch.response.bytes_stream().collect().await;
    assert!(rest.last().unwrap().is_err());
}
