//! What the server refuses in an object that is to be made.
//!
//! Promise: the fields a Job is likely to get wrong, in the server's words, all at once,
//! each with its place. Leaves the rest of the schema to a real server.

use serde_json::Value;

use crate::status::{Cause, Refusal};

/// Fields a `JobSpec` has; others are refused where the client asks for strictness.
const JOB_SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "managedBy",
    "manualSelector",
    "maxFailedIndexes",
    "parallelism",
    "podFailurePolicy",
    "podReplacementPolicy",
    "selector",
    "successPolicy",
    "suspend",
    "template",
    "ttlSecondsAfterFinished",
];
const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// # Errors
/// 400 for unknown fields when `strict`, 422 for wrong ones.
pub(crate) fn check(resource: &str, object: &Value, strict: bool) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut causes = Vec::new();
    labels(&object["metadata"], "metadata", &mut causes);
    let kind = match resource {
        "jobs" => {
            if strict {
                known(&object["spec"])?;
            }
            label("metadata.name", name, &mut causes);
            job(&object["spec"], &mut causes);
            "Job"
        }
        "secrets" => {
            secret(object, &mut causes);
            "Secret"
        }
        _ => return Ok(()),
    };
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Refusal::invalid(kind, name, &causes)),
    }
}

fn known(spec: &Value) -> Result<(), Refusal> {
    let fields = spec.as_object().into_iter().flatten();
    let unknown = fields.filter(|(name, _)| !JOB_SPEC.contains(&name.as_str()));
    let unknown: Vec<String> = unknown
        .map(|(name, _)| format!("unknown field \"spec.{name}\""))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Job in version \"v1\" cannot be handled as a Job: strict decoding error: {}",
        unknown.join(", ")
    );
    Err(Refusal::bad_request(&message))
}

fn job(spec: &Value, causes: &mut Vec<Cause>) {
    for field in [
        "backoffLimit",
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    ] {
        if let Some(number) = spec[field].as_i64().filter(|number| *number < 0) {
            let message = format!("{number}: must be greater than or equal to 0");
            causes.push(wrong(&format!("spec.{field}"), &message));
        }
    }
    let pod = &spec["template"]["spec"];
    match pod["restartPolicy"].as_str() {
        None | Some("") => causes.push(required(
            "spec.template.spec.restartPolicy",
            "valid values: \"OnFailure\", \"Never\"",
        )),
        Some("Never" | "OnFailure") => {}
        Some(other) => causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: "spec.template.spec.restartPolicy".into(),
            message: format!(
                "Unsupported value: \"{other}\": supported values: \"OnFailure\", \"Never\""
            ),
        }),
    }
    labels(
        &spec["template"]["metadata"],
        "spec.template.metadata",
        causes,
    );
    containers(pod, causes);
}

fn containers(pod: &Value, causes: &mut Vec<Cause>) {
    let place = "spec.template.spec.containers";
    let containers = pod["containers"].as_array().cloned().unwrap_or_default();
    if containers.is_empty() {
        causes.push(required(place, ""));
    }
    let volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
    for (index, container) in containers.iter().enumerate() {
        let at = format!("{place}[{index}]");
        match container["name"].as_str() {
            None | Some("") => causes.push(required(&format!("{at}.name"), "")),
            Some(name) => label(&format!("{at}.name"), name, causes),
        }
        if container["image"].as_str().unwrap_or_default().is_empty() {
            causes.push(required(&format!("{at}.image"), ""));
        }
        let mounts = container["volumeMounts"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for (mount, it) in mounts.iter().enumerate() {
            if !volumes.iter().any(|volume| volume["name"] == it["name"]) {
                let name = it["name"].as_str().unwrap_or_default();
                causes.push(Cause {
                    reason: "FieldValueNotFound",
                    field: format!("{at}.volumeMounts[{mount}].name"),
                    message: format!("Not found: \"{name}\""),
                });
            }
        }
    }
}

fn secret(secret: &Value, causes: &mut Vec<Cause>) {
    for part in ["data", "stringData"] {
        for key in secret[part]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if key.is_empty() || key.len() > 253 || !key.chars().all(fine) {
                let message = format!(
                    "\"{key}\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                );
                causes.push(wrong(&format!("{part}[{key}]"), &message));
            }
        }
    }
}

fn labels(metadata: &Value, place: &str, causes: &mut Vec<Cause>) {
    for value in metadata["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, value)| value)
    {
        let value = value.as_str().unwrap_or("\u{0}");
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let fine = value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if value.len() > 63 {
            let message = format!("\"{value}\": must be no more than 63 bytes");
            causes.push(wrong(&format!("{place}.labels"), &message));
        } else if !fine || !edge(value.chars().next()) || !edge(value.chars().last()) {
            causes.push(wrong(
                &format!("{place}.labels"),
                &format!("\"{value}\": {LABEL_VALUE}"),
            ));
        }
    }
}

fn label(field: &str, name: &str, causes: &mut Vec<Cause>) {
    let fine = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if name.len() > 63 {
        causes.push(wrong(
            field,
            &format!("\"{name}\": must be no more than 63 bytes"),
        ));
    } else if name.is_empty() || !fine || name.starts_with('-') || name.ends_with('-') {
        causes.push(wrong(field, &format!("\"{name}\": {DNS_LABEL}")));
    }
}

fn required(field: &str, more: &str) -> Cause {
    let message = match more {
        "" => "Required value".to_owned(),
        more => format!("Required value: {more}"),
    };
    Cause {
        reason: "FieldValueRequired",
        field: field.into(),
        message,
    }
}

fn wrong(field: &str, message: &str) -> Cause {
    Cause {
        reason: "FieldValueInvalid",
        field: field.into(),
        message: format!("Invalid value: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_that_is_wrong_is_refused_with_every_place() {
        let job = json!({
            "metadata": {"name": "x", "labels": {"a": "b/c"}},
            "spec": {"backoffLimit": -1, "template": {"spec": {"containers": [
                {"name": "Main", "volumeMounts": [{"name": "v"}]},
            ]}}},
        });
        let refused = check("jobs", &job, true).unwrap_err();
        assert_eq!(refused.code, 422);
        let causes = refused.body["details"]["causes"].as_array().unwrap();
        let fields: Vec<&str> = causes
            .iter()
            .filter_map(|it| it["field"].as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "metadata.labels",
                "spec.backoffLimit",
                "spec.template.spec.restartPolicy",
                "spec.template.spec.containers[0].name",
                "spec.template.spec.containers[0].image",
                "spec.template.spec.containers[0].volumeMounts[0].name",
            ]
        );
    }

    #[test]
    fn one_cause_is_told_plainly_and_unknown_fields_when_asked_for() {
        let job = |field: &str| {
            json!({
                "metadata": {"name": "x"},
                "spec": {field: 1, "template": {"spec": {
                    "restartPolicy": "Always", "containers": [{"name": "main", "image": "i"}],
                }}},
            })
        };
        let refused = check("jobs", &job("backofLimit"), false).unwrap_err();
        assert_eq!(
            refused.body["message"],
            "Job.batch \"x\" is invalid: spec.template.spec.restartPolicy: Unsupported value: \
             \"Always\": supported values: \"OnFailure\", \"Never\""
        );
        let refused = check("jobs", &job("backofLimit"), true).unwrap_err();
        assert_eq!(
            refused.body["message"],
            "Job in version \"v1\" cannot be handled as a Job: strict decoding error: unknown \
             field \"spec.backofLimit\""
        );
    }
}
