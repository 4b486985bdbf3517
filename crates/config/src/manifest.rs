//! Files of Kubernetes objects: several documents, each an object or a `List` of them.
//!
//! Promise: an object is found by kind and name; what is below `data` of a Secret is
//! decoded. Leaves what an object means to who looks for it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::source::Place;
use crate::yaml::{Entry, Kind, Node, Plain};

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub api_version: String,
    pub kind: String,
    /// Empty when it has none.
    pub name: String,
    pub namespace: Option<String>,
    pub node: Node,
}

impl Object {
    /// What is written under a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Node> {
        path.iter()
            .try_fold(&self.node, |node, key| field(node, key))
    }

    /// Whether it is in this namespace, or says none.
    pub fn is_in(&self, namespace: Option<&str>) -> bool {
        match (self.namespace.as_deref(), namespace) {
            (Some(own), Some(wanted)) => own == wanted,
            _ => true,
        }
    }
}

/// All objects of the documents of a file, lists unfolded. A document that is none, as it
/// has no `kind`, is handed back by its place.
pub(crate) fn objects(documents: Vec<Node>) -> (Vec<Object>, Vec<Place>) {
    let (mut objects, mut others) = (Vec::new(), Vec::new());
    for document in documents {
        let items = (text_at(&document, "kind") == Some("List")).then(|| field(&document, "items"));
        match items.flatten().map(|items| &items.kind) {
            Some(Kind::List(items)) => {
                for item in items {
                    sort(item.clone(), &mut objects, &mut others);
                }
            }
            _ => sort(document, &mut objects, &mut others),
        }
    }
    (objects, others)
}

fn sort(node: Node, objects: &mut Vec<Object>, others: &mut Vec<Place>) {
    let place = node.place;
    match object(node) {
        Some(object) => objects.push(object),
        None => others.push(place),
    }
}

fn object(node: Node) -> Option<Object> {
    let own = |key| text_at(&node, key).map(str::to_owned);
    let metadata = field(&node, "metadata");
    let about = |key| {
        metadata
            .and_then(|metadata| text_at(metadata, key))
            .map(str::to_owned)
    };
    Some(Object {
        kind: own("kind")?,
        api_version: own("apiVersion").unwrap_or_default(),
        name: about("name").unwrap_or_default(),
        namespace: about("namespace"),
        node,
    })
}

/// The entries of a mapping; none of anything else.
pub(crate) fn entries(node: &Node) -> &[Entry] {
    match &node.kind {
        Kind::Map(entries) => entries,
        _ => &[],
    }
}

/// The items of a list; none of anything else.
pub(crate) fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => &[],
    }
}

pub(crate) fn field<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let entry = entries(node).iter().find(|entry| entry.key == key);
    entry.map(|entry| &entry.value)
}

/// A text, number or truth value as it is written.
pub(crate) fn scalar(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.means != Plain::Null => Some(&scalar.text),
        _ => None,
    }
}

pub(crate) fn text_at<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    field(node, key).and_then(scalar)
}

/// What a pointer (RFC 6901) finds in one of the objects. What is below `/data` of a
/// Secret is decoded.
///
/// # Errors
/// With what is not there, in words.
pub(crate) fn look_up(objects: &[Object], wanted: &str, pointer: &str) -> Result<String, String> {
    let parts: Vec<&str> = wanted.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, None, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => return Err(format!("`{wanted}` is not `Kind/name`")),
    };
    let mut found = objects
        .iter()
        .filter(|object| object.kind == kind && object.name == name && object.is_in(namespace));
    let object = found
        .next()
        .ok_or_else(|| format!("there is no {kind} `{name}` in it"))?;
    let keys = pointer.split('/').skip(1);
    let node = keys
        .clone()
        .try_fold(&object.node, |node, key| step(node, key));
    let text = node.and_then(scalar);
    let text = text.ok_or_else(|| format!("the {kind} `{name}` has no text at `{pointer}`"))?;
    match (kind, keys.clone().next()) {
        ("Secret", Some("data")) => decode_text(text)
            .ok_or_else(|| format!("`{pointer}` of the Secret `{name}` is not text in base64")),
        _ => Ok(text.to_owned()),
    }
}

fn step<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let key = key.replace("~1", "/").replace("~0", "~");
    match &node.kind {
        Kind::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => field(node, &key),
    }
}

/// The text of base64; line ends in it do not count.
pub(crate) fn decode_text(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    String::from_utf8(BASE64_STANDARD.decode(digits).ok()?).ok()
}

/// A key as part of a pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problems;
    use crate::source::ConfigText;
    use crate::yaml::{Budget, parse_many};

    const TEXT: &str = "\
kind: Secret
metadata: {name: a, namespace: x}
data: {password: aHVudGVyMg==, odd: '%'}
stringData: {a/b: plain}
---
---
kind: List
items:
- {kind: Secret, metadata: {name: a, namespace: y}, stringData: {password: other}}
- {kind: Job, metadata: {name: j}, spec: {list: [one, two]}}
---
no: kind
";

    fn all() -> (Vec<Object>, Vec<Place>) {
        let mut problems = Problems::default();
        let file = problems.add_source(ConfigText::new("m", TEXT));
        let documents = parse_many(file, TEXT, &mut Budget::default(), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        objects(documents.unwrap())
    }

    #[test]
    fn documents_and_lists_hold_objects() {
        let (objects, others) = all();
        let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
        assert_eq!(kinds, ["Secret", "Secret", "Job"]);
        assert_eq!(others.len(), 1);
    }

    #[test]
    fn pointers_find_texts_and_secrets_are_decoded() {
        let (objects, _) = all();
        for (object, pointer, found) in [
            ("Secret/a", "/data/password", Ok("hunter2")),
            ("Secret/x/a", "/stringData/a~1b", Ok("plain")),
            ("Secret/y/a", "/stringData/password", Ok("other")),
            ("Job/j", "/spec/list/1", Ok("two")),
            ("Job/k", "/spec", Err("there is no Job `k` in it")),
            ("Job/j", "/spec", Err("the Job `j` has no text at `/spec`")),
            (
                "Job/j",
                "/spec/list/2",
                Err("the Job `j` has no text at `/spec/list/2`"),
            ),
            (
                "Secret/a",
                "/data/odd",
                Err("`/data/odd` of the Secret `a` is not text in base64"),
            ),
        ] {
            let found = found.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(look_up(&objects, object, pointer), found);
        }
    }
}
