//! Label and field selectors.
//!
//! Promise: equality, sets and existence for labels; equality for the fields the server
//! supports. What it does not understand is an error, as it is there.

use serde_json::Value;

/// What a list or watch asks for.
#[derive(Clone, Default, Debug)]
pub(crate) struct Selection {
    labels: Vec<Term>,
    fields: Vec<(String, String, bool)>,
}

#[derive(Clone, Debug)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// Fields by which the server can select, by resource.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "jobs",
        &["metadata.name", "metadata.namespace", "status.successful"],
    ),
    (
        "pods",
        &[
            "metadata.name",
            "metadata.namespace",
            "status.phase",
            "spec.nodeName",
        ],
    ),
    (
        "events",
        &[
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.name",
            "involvedObject.uid",
            "reason",
            "type",
        ],
    ),
];

impl Selection {
    /// # Errors
    /// The server's sentence about a selector it does not understand.
    pub(crate) fn parse(resource: &str, labels: &str, fields: &str) -> Result<Self, String> {
        let supported = FIELDS.iter().find(|(name, _)| *name == resource);
        let supported = supported.map_or(&["metadata.name", "metadata.namespace"][..], |it| it.1);
        let mut selection = Self::default();
        for term in split(labels) {
            let parsed = parse_label(term);
            let parsed = parsed.ok_or_else(|| format!("unable to parse requirement: {term}"))?;
            selection.labels.push(parsed);
        }
        for term in split(fields) {
            let (name, value, equal) =
                parse_field(term).ok_or_else(|| format!("invalid field selector: {term}"))?;
            if !supported.contains(&name.as_str()) {
                return Err(format!("field label not supported: {name}"));
            }
            selection.fields.push((name, value, equal));
        }
        Ok(selection)
    }

    pub(crate) fn selects(&self, object: &Value) -> bool {
        let labels = self.labels.iter().all(|term| term.holds(object));
        let fields = self.fields.iter();
        labels
            && fields.fold(true, |all, (name, value, equal)| {
                all && (field(object, name) == *value) == *equal
            })
    }
}

impl Term {
    fn holds(&self, object: &Value) -> bool {
        let value = |name: &String| object["metadata"]["labels"][name].as_str();
        let among =
            |name, values: &[String]| value(name).is_some_and(|v| values.iter().any(|it| it == v));
        match self {
            Self::In(name, values) => among(name, values),
            Self::NotIn(name, values) => !among(name, values),
            Self::Exists(name) => value(name).is_some(),
            Self::Absent(name) => value(name).is_none(),
        }
    }
}

/// At commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let terms = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    terms
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .collect()
}

fn parse_label(term: &str) -> Option<Term> {
    let set = |text: &str| -> Option<Vec<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(
            inner
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect(),
        )
    };
    if let Some((name, values)) = term.split_once(" notin ") {
        return Some(Term::NotIn(name.trim().into(), set(values)?));
    }
    if let Some((name, values)) = term.split_once(" in ") {
        return Some(Term::In(name.trim().into(), set(values)?));
    }
    if let Some((name, value)) = term.split_once("!=") {
        return Some(Term::NotIn(name.trim().into(), vec![value.trim().into()]));
    }
    if let Some((name, value)) = term.split_once('=') {
        let value = value.trim_start_matches('=').trim();
        return Some(Term::In(name.trim().into(), vec![value.into()]));
    }
    if let Some(name) = term.strip_prefix('!') {
        return Some(Term::Absent(name.trim().into()));
    }
    (!term.contains(char::is_whitespace)).then(|| Term::Exists(term.into()))
}

fn parse_field(term: &str) -> Option<(String, String, bool)> {
    if let Some((name, value)) = term.split_once("!=") {
        return Some((name.trim().into(), value.trim().into(), false));
    }
    let (name, value) = term.split_once('=')?;
    let value = value.trim_start_matches('=').trim();
    Some((name.trim().into(), value.into(), true))
}

fn field(object: &Value, name: &str) -> String {
    // The one field that has another name than its place.
    let place = match name {
        "status.successful" => "status/succeeded".to_owned(),
        other => other.replace('.', "/"),
    };
    match object.pointer(&format!("/{place}")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None if name == "status.successful" => "0".to_owned(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_the_server_does() {
        let object = json!({
            "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}},
            "status": {"succeeded": 1, "phase": "Running"},
        });
        for (resource, labels, fields, selected) in [
            ("jobs", "", "", true),
            ("jobs", "a=1,b==2", "", true),
            ("jobs", "a=2", "", false),
            ("jobs", "a!=2,c!=1", "", true),
            ("jobs", "a in (1, 3),b notin (3)", "", true),
            ("jobs", "a in (2,3)", "", false),
            ("jobs", "a,!c", "", true),
            ("jobs", "!a", "", false),
            ("jobs", "", "metadata.name=x,status.successful=1", true),
            ("pods", "", "status.phase!=Running", false),
        ] {
            let selection = Selection::parse(resource, labels, fields).unwrap();
            assert_eq!(selection.selects(&object), selected, "{labels} {fields}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (resource, labels, fields, why) in [
            ("jobs", "a b c", "", "unable to parse requirement: a b c"),
            (
                "jobs",
                "",
                "status.phase=Running",
                "field label not supported: status.phase",
            ),
            ("jobs", "", "x", "invalid field selector: x"),
        ] {
            let refused = Selection::parse(resource, labels, fields).unwrap_err();
            assert_eq!(refused, why);
        }
    }
}
