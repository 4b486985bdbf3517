//! What the server says when it does not do what was asked: `Status` objects.
//!
//! Promise: code, reason, message and details as the real server words them.

use serde_json::{Value, json};

/// A refusal, with the code it is answered with.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) body: Value,
}

/// One field that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: u16, reason: &str, message: &str) -> Self {
        Self {
            code,
            body: json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": reason,
                "code": code,
            }),
        }
    }

    fn about(mut self, kind: &str, name: &str) -> Self {
        let group = if kind == "jobs" || kind == "Job" {
            "batch"
        } else {
            ""
        };
        self.body["details"] = json!({"name": name, "group": group, "kind": kind});
        self
    }

    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(resource));
        Self::new(404, "NotFound", &message).about(resource, name)
    }

    pub(crate) fn already_exists(resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(resource));
        Self::new(409, "AlreadyExists", &message).about(resource, name)
    }

    pub(crate) fn conflict(resource: &str, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            qualified(resource)
        );
        Self::new(409, "Conflict", &message).about(resource, name)
    }

    pub(crate) fn expired(message: &str) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn forbidden(resource: &str, name: &str, why: &str) -> Self {
        let subject = match name {
            "" => qualified(resource),
            name => format!("{} \"{name}\"", qualified(resource)),
        };
        let message = format!("{subject} is forbidden: {why}");
        Self::new(403, "Forbidden", &message).about(resource, name)
    }

    pub(crate) fn too_many(seconds: u64) -> Self {
        let message =
            "the server has received too many requests and has asked us to try again later";
        let mut refusal = Self::new(429, "TooManyRequests", message);
        refusal.body["details"] = json!({"retryAfterSeconds": seconds});
        refusal
    }

    pub(crate) fn internal(message: &str) -> Self {
        let message = format!("Internal error occurred: {message}");
        Self::new(500, "InternalError", &message)
    }

    pub(crate) fn invalid(kind: &str, name: &str, causes: &[Cause]) -> Self {
        let group = if kind == "Job" { ".batch" } else { "" };
        let told: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let told = match told.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{kind}{group} \"{name}\" is invalid: {told}");
        let mut refusal = Self::new(422, "Invalid", &message).about(kind, name);
        let causes = causes.iter().map(
            |cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}),
        );
        refusal.body["details"]["causes"] = causes.collect();
        refusal
    }
}

/// As messages name a resource.
pub(crate) fn qualified(resource: &str) -> String {
    match resource {
        "jobs" => "jobs.batch".to_owned(),
        other => other.to_owned(),
    }
}
