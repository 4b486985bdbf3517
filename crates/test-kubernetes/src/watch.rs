//! Watches: changes as they come, line by line.
//!
//! Promise: nothing after the version asked for is left out, in order; an object that
//! ceases to be selected is told as deleted; a version that is forgotten is answered with
//! an `ERROR` that carries a 410.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::{Shared, Tick};
use crate::lists::{kind_of, select, selection};
use crate::objects::{Change, ChangeKind};
use crate::path::Asked;
use crate::selector::Selection;
use crate::state::State;
use crate::status::Refusal;

struct Follower {
    shared: Arc<Shared>,
    asked: Asked,
    selection: Selection,
    seen: u64,
    ticks: watch::Receiver<Tick>,
    at_start: Tick,
    lines: Vec<String>,
    over: bool,
}

/// A body that goes on until the watch is cut or its time is up.
pub(crate) fn follow(shared: &Arc<Shared>, asked: Asked) -> Result<Body, Refusal> {
    let ticks = shared.ticks.subscribe();
    let at_start = *ticks.borrow();
    let state = shared.lock();
    let (seen, lines, over) = begin(&state, &asked)?;
    let follower = Follower {
        shared: shared.clone(),
        selection: selection(&asked)?,
        seen,
        ticks,
        at_start,
        lines,
        over,
        asked,
    };
    let lines = stream::unfold(follower, |mut follower| async move {
        let line = follower.next().await?;
        Some((line, follower))
    });
    Ok(Body::from_stream(lines))
}

/// Where it begins, what is told first, and whether that is all.
fn begin(state: &State, asked: &Asked) -> Result<(u64, Vec<String>, bool), Refusal> {
    let objects = &state.objects;
    let initial = asked.query("sendInitialEvents") == "true";
    let from: u64 = asked.query("resourceVersion").parse().unwrap_or(0);
    if from == 0 || initial {
        let existing = select(objects, asked)?;
        let mut lines: Vec<String> = existing
            .iter()
            .map(|object| line("ADDED", object))
            .collect();
        if initial {
            let mut mark = bookmark(asked, objects.revision());
            mark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            lines.push(line("BOOKMARK", &mark));
        }
        return Ok((objects.revision(), lines, false));
    }
    if from < objects.floor() {
        return Ok((from, vec![too_old(from, objects.floor())], true));
    }
    Ok((from, Vec::new(), false))
}

impl Follower {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if !self.lines.is_empty() {
                let told = self.lines.drain(..).collect::<String>();
                return Some(Ok(Bytes::from(told)));
            }
            if self.over {
                return None;
            }
            let tick = *self.ticks.borrow_and_update();
            if tick.cuts != self.at_start.cuts {
                self.over = true;
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
            if tick.ends != self.at_start.ends {
                return None;
            }
            self.collect(tick);
            if self.lines.is_empty() {
                self.ticks.changed().await.ok()?;
            }
        }
    }

    fn collect(&mut self, tick: Tick) {
        let state = self.shared.lock();
        if self.seen < state.objects.floor() {
            self.lines.push(too_old(self.seen, state.objects.floor()));
            self.over = true;
            return;
        }
        for change in state.objects.after(self.seen) {
            self.lines
                .extend(told(change, &self.asked, &self.selection));
        }
        self.seen = state.objects.revision();
        if tick.bookmarks != self.at_start.bookmarks {
            self.at_start.bookmarks = tick.bookmarks;
            if self.asked.query("allowWatchBookmarks") == "true" {
                self.lines
                    .push(line("BOOKMARK", &bookmark(&self.asked, self.seen)));
            }
        }
    }
}

fn told(change: &Change, asked: &Asked, selection: &Selection) -> Option<String> {
    let (resource, namespace, _) = &change.key;
    if *resource != asked.resource || !(asked.namespace.is_empty() || *namespace == asked.namespace)
    {
        return None;
    }
    let was = !change.before.is_null() && selection.selects(&change.before);
    let is = change.kind != ChangeKind::Deleted && selection.selects(&change.object);
    match (was, is) {
        (false, true) => Some(line("ADDED", &change.object)),
        (true, true) => Some(line("MODIFIED", &change.object)),
        (true, false) => Some(line("DELETED", &change.object)),
        (false, false) => None,
    }
}

fn too_old(seen: u64, floor: u64) -> String {
    let message = format!("too old resource version: {seen} ({floor})");
    line("ERROR", &Refusal::expired(&message).body)
}

fn line(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn bookmark(asked: &Asked, revision: u64) -> Value {
    let (version, kind) = kind_of(asked.resource);
    json!({
        "kind": kind,
        "apiVersion": version,
        "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
        "spec": {"template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": null}}},
    })
}
