//! Everything the cluster knows, and what became of it.
//!
//! Promise: every change has a resource version of its own, greater than all before; the
//! log of changes is what watches tell, as far back as it was not compacted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Resource, namespace, name.
pub(crate) type Key = (&'static str, String, String);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change, as watches tell it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) kind: ChangeKind,
    pub(crate) key: Key,
    pub(crate) object: Value,
    /// As it was; selectors may have selected it then and not now.
    pub(crate) before: Value,
}

#[derive(Debug)]
pub(crate) struct Objects {
    live: BTreeMap<Key, Value>,
    log: Vec<Change>,
    revision: u64,
    /// Versions below are forgotten.
    floor: u64,
    uids: u64,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            live: BTreeMap::new(),
            log: Vec::new(),
            // Zero means "any" in the API; real servers are far beyond it.
            revision: 1000,
            floor: 0,
            uids: 0,
        }
    }
}

impl Objects {
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Forgets all that was before now.
    pub(crate) fn compact(&mut self) {
        self.floor = self.revision;
        self.log.clear();
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.live.get(key)
    }

    /// All of a resource; of one namespace unless that is empty.
    pub(crate) fn all<'a>(
        &'a self,
        resource: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        self.live.iter().filter(move |((kind, at, _), _)| {
            *kind == resource && (namespace.is_empty() || at == namespace)
        })
    }

    /// Changes after a version, oldest first.
    pub(crate) fn after(&self, revision: u64) -> &[Change] {
        let from = self
            .log
            .partition_point(|change| change.revision <= revision);
        self.log.get(from..).unwrap_or_default()
    }

    /// An id nothing else has.
    pub(crate) fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.uids)
    }

    /// Writes an object, new or changed. One that is as it was is not a change.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.live.get(&key).cloned().unwrap_or_default();
        object["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        if object == before {
            return before;
        }
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let kind = match before.is_null() {
            true => ChangeKind::Added,
            false => ChangeKind::Modified,
        };
        self.tell(kind, key.clone(), object.clone(), before);
        self.live.insert(key, object.clone());
        object
    }

    /// Changes an object that is there.
    pub(crate) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        if let Some(mut object) = self.live.get(key).cloned() {
            change(&mut object);
            self.put(key.clone(), object);
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(before) = self.live.remove(key) {
            self.revision += 1;
            let mut object = before.clone();
            object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
            self.tell(ChangeKind::Deleted, key.clone(), object, before);
        }
    }

    fn tell(&mut self, kind: ChangeKind, key: Key, object: Value, before: Value) {
        self.log.push(Change {
            revision: self.revision,
            kind,
            key,
            object,
            before,
        });
    }
}

/// Whether an object is on its way out.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object["metadata"]["finalizers"].as_array();
    let names = finalizers.into_iter().flatten();
    names
        .filter_map(|it| Some(it.as_str()?.to_owned()))
        .collect()
}

pub(crate) fn drop_finalizer(object: &mut Value, name: &str) {
    let mut left = finalizers(object);
    left.retain(|it| it != name);
    let metadata = &mut object["metadata"];
    match (left.is_empty(), metadata.as_object_mut()) {
        (true, Some(metadata)) => drop(metadata.remove("finalizers")),
        _ => metadata["finalizers"] = json!(left),
    }
}

/// Whether an object says that this one owns it.
pub(crate) fn is_owned_by(object: &Value, uid: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners
        .into_iter()
        .flatten()
        .any(|owner| owner["uid"] == *uid)
}
