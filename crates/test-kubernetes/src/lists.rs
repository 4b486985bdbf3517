//! Lists, whole or in pages.
//!
//! Promise: all pages of a list show the cluster at one version; a page asked for after
//! that version was compacted is refused as expired.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::objects::Objects;
use crate::path::Asked;
use crate::selector::Selection;
use crate::status::Refusal;

/// What is left of lists that were begun.
#[derive(Default, Debug)]
pub(crate) struct Pages {
    begun: BTreeMap<String, (u64, Vec<Value>)>,
    tokens: u64,
}

pub(crate) fn list(pages: &mut Pages, objects: &Objects, asked: &Asked) -> Result<Value, Refusal> {
    let (revision, mut items) = match asked.query("continue") {
        "" => (objects.revision(), select(objects, asked)?),
        token => {
            let left = pages.begun.remove(token);
            left.filter(|(revision, _)| *revision >= objects.floor())
                .ok_or_else(|| Refusal::expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."))?
        }
    };
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let limit: usize = asked.query("limit").parse().unwrap_or(0);
    if limit > 0 && items.len() > limit {
        let rest = items.split_off(limit);
        pages.tokens += 1;
        let token = format!("page-{}", pages.tokens);
        metadata["continue"] = json!(token);
        metadata["remainingItemCount"] = json!(rest.len());
        pages.begun.insert(token, (revision, rest));
    }
    let (version, kind) = kind_of(asked.resource);
    Ok(json!({
        "kind": format!("{kind}List"),
        "apiVersion": version,
        "metadata": metadata,
        "items": items,
    }))
}

pub(crate) fn selection(asked: &Asked) -> Result<Selection, Refusal> {
    let labels = asked.query("labelSelector");
    let fields = asked.query("fieldSelector");
    Selection::parse(asked.resource, labels, fields).map_err(|why| Refusal::bad_request(&why))
}

pub(crate) fn select(objects: &Objects, asked: &Asked) -> Result<Vec<Value>, Refusal> {
    let selection = selection(asked)?;
    let all = objects.all(asked.resource, &asked.namespace);
    let all = all.map(|(_, object)| object);
    Ok(all
        .filter(|object| selection.selects(object))
        .cloned()
        .collect())
}

/// Version and kind of a resource.
pub(crate) fn kind_of(resource: &str) -> (&'static str, &'static str) {
    match resource {
        "jobs" => ("batch/v1", "Job"),
        "pods" => ("v1", "Pod"),
        "secrets" => ("v1", "Secret"),
        "configmaps" => ("v1", "ConfigMap"),
        _ => ("v1", "Event"),
    }
}
