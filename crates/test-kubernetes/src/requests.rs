//! Requests that change or read one object, and lists.
//!
//! Promise: names are taken once, stale writes conflict, status is written through its own
//! door only. Leaves watches to `watch`.

use serde_json::{Value, json};

use crate::deletion;
use crate::lists::{kind_of, list, select};
use crate::objects::{Key, is_deleting};
use crate::path::Asked;
use crate::state::State;
use crate::status::Refusal;
use crate::validate;

/// One line of an access rule: a verb on a resource of a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Granted {
    /// Empty for the core group.
    pub group: String,
    /// Such as `jobs` or `pods/log`.
    pub resource: String,
    /// Such as `list`.
    pub verb: String,
}

impl Granted {
    pub(crate) fn of(asked: &Asked) -> Self {
        Self {
            group: asked.group.to_owned(),
            resource: asked.full_resource(),
            verb: asked.verb.to_owned(),
        }
    }
}

/// What is answered: text for logs, objects for everything else.
#[derive(Debug)]
pub(crate) enum Answer {
    Object(u16, Value),
    Text(String),
}

pub(crate) fn answer(state: &mut State, asked: &Asked, body: Value) -> Result<Answer, Refusal> {
    let key: Key = (asked.resource, asked.namespace.clone(), asked.name.clone());
    let answered = match (asked.verb, asked.subresource.as_str()) {
        ("list", _) => list(&mut state.pages, &state.objects, asked)?,
        ("get", "log") => return log(state, asked, &key),
        ("get", "" | "status") => read(state, &key)?,
        ("create", "") => return create(state, asked, body).map(|it| Answer::Object(201, it)),
        ("update", part @ ("" | "status")) => update(state, &key, body, part)?,
        ("delete", "") => deletion::delete(state, &key, &options(asked, body))?,
        ("deletecollection", "") => delete_all(state, asked, &body)?,
        _ => {
            return Err(Refusal::new(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            ));
        }
    };
    Ok(Answer::Object(200, answered))
}

fn read(state: &State, key: &Key) -> Result<Value, Refusal> {
    let object = state.objects.get(key).cloned();
    object.ok_or_else(|| Refusal::not_found(key.0, &key.2))
}

fn log(state: &State, asked: &Asked, key: &Key) -> Result<Answer, Refusal> {
    let pod = read(state, key)?;
    let status = &pod["status"]["containerStatuses"][0]["state"];
    if status["running"].is_null() && status["terminated"].is_null() {
        let (name, why) = (&key.2, status["waiting"]["reason"].as_str());
        let message = format!(
            "container \"main\" in pod \"{name}\" is waiting to start: {}",
            why.unwrap_or("ContainerCreating")
        );
        return Err(Refusal::bad_request(&message));
    }
    let text = state.logs.get(&key.2).cloned().unwrap_or_default();
    let tail: usize = asked.query("tailLines").parse().unwrap_or(usize::MAX);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(tail)..)
        .unwrap_or_default();
    Ok(Answer::Text(
        last.iter().map(|line| format!("{line}\n")).collect(),
    ))
}

fn create(state: &mut State, asked: &Asked, mut object: Value) -> Result<Value, Refusal> {
    let (version, kind) = kind_of(asked.resource);
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    let uid = state.objects.new_uid();
    let metadata = &mut object["metadata"];
    if metadata["name"].as_str().unwrap_or_default().is_empty() {
        let prefix = metadata["generateName"].as_str().unwrap_or_default();
        let prefix = prefix.get(..58).unwrap_or(prefix);
        metadata["name"] = json!(format!("{prefix}{}", uid.get(31..).unwrap_or_default()));
    }
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    metadata["namespace"] = json!(asked.namespace);
    metadata["uid"] = json!(uid);
    metadata["creationTimestamp"] = json!(state.clock.text());
    if asked.resource == "jobs" {
        metadata["generation"] = json!(1);
        object["status"] = json!({});
    }
    let key: Key = (asked.resource, asked.namespace.clone(), name.clone());
    if state.objects.get(&key).is_some() {
        return Err(Refusal::already_exists(asked.resource, &name));
    }
    validate::check(
        asked.resource,
        &object,
        asked.query("fieldValidation") == "Strict",
    )?;
    if let Some(texts) = object["stringData"].as_object().cloned() {
        for (name, text) in texts {
            object["data"][name] = json!(base64(text.as_str().unwrap_or_default().as_bytes()));
        }
        object.as_object_mut().map(|it| it.remove("stringData"));
    }
    if asked.query("dryRun") == "All" {
        return Ok(object);
    }
    Ok(state.objects.put(key, object))
}

fn update(state: &mut State, key: &Key, mut object: Value, part: &str) -> Result<Value, Refusal> {
    let before = read(state, key)?;
    let seen = &object["metadata"]["resourceVersion"];
    if seen.is_string() && *seen != before["metadata"]["resourceVersion"] {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Refusal::conflict(key.0, &key.2, why));
    }
    if part == "status" {
        let mut whole = before;
        whole["status"] = object["status"].take();
        return Ok(state.objects.put(key.clone(), whole));
    }
    object["status"] = before["status"].clone();
    for field in [
        "uid",
        "creationTimestamp",
        "namespace",
        "name",
        "deletionTimestamp",
    ] {
        if !before["metadata"][field].is_null() {
            object["metadata"][field] = before["metadata"][field].clone();
        }
    }
    if key.0 == "jobs" && object["spec"]["template"] != before["spec"]["template"] {
        let cause = crate::status::Cause {
            reason: "FieldValueInvalid",
            field: "spec.template".into(),
            message: "Invalid value: field is immutable".into(),
        };
        return Err(Refusal::invalid("Job", &key.2, &[cause]));
    }
    Ok(state.objects.put(key.clone(), object))
}

fn delete_all(state: &mut State, asked: &Asked, body: &Value) -> Result<Value, Refusal> {
    let options = options(asked, body.clone());
    let found = select(&state.objects, asked)?;
    for object in found.iter().filter(|object| !is_deleting(object)) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key: Key = (asked.resource, asked.namespace.clone(), name.to_owned());
        deletion::delete(state, &key, &options)?;
    }
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))
}

/// From the body, or from the query where there is none.
fn options(asked: &Asked, mut body: Value) -> Value {
    if body["propagationPolicy"].is_null() && !asked.query("propagationPolicy").is_empty() {
        body["propagationPolicy"] = json!(asked.query("propagationPolicy"));
    }
    if let Ok(seconds) = asked.query("gracePeriodSeconds").parse::<i64>()
        && body["gracePeriodSeconds"].is_null()
    {
        body["gracePeriodSeconds"] = json!(seconds);
    }
    body
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk
            .iter()
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = all >> (18 - 6 * place) & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_kept_as_the_server_keeps_them() {
        for (text, coded) in [
            ("", ""),
            ("a", "YQ=="),
            ("ab", "YWI="),
            ("abc", "YWJj"),
            ("hello!", "aGVsbG8h"),
        ] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
