//! The template of a pool's Jobs: a `JobSpec` as users write it.
//!
//! Promise: what the API server would refuse in every Job, or what contradicts "one agent
//! is one pod", is found before the first Job is made, with its place. Leaves the rest of
//! the schema to the server, which is asked to be strict.

use serde_json::Value;

/// What is wrong with a template, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// The field, such as `jobTargetRef.template.spec.containers[0].image`.
    pub place: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// What the place of every field starts with.
pub(crate) const ROOT: &str = "jobTargetRef";

/// Checks a template; `container` is the one that is the agent, `None` the first.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_template(text: &str, container: Option<&str>) -> Result<(), TemplateError> {
    parse(text, container).map(drop)
}

/// The template, and the place of the agent's container in it.
pub(crate) fn parse(text: &str, container: Option<&str>) -> Result<(Value, usize), TemplateError> {
    let template: Value =
        serde_json::from_str(text).map_err(|error| wrong("", format!("not JSON: {error}")))?;
    if !template.is_object() {
        return Err(wrong("", "must be an object with `template`".to_owned()));
    }
    one_pod(&template)?;
    let pod = &template["template"]["spec"];
    let containers = pod["containers"].as_array();
    let containers = containers.filter(|it| !it.is_empty()).ok_or_else(|| {
        let problem = "must list at least one container".to_owned();
        wrong("template.spec.containers", problem)
    })?;
    restart_policy(pod)?;
    shapes(&template, containers)?;
    let named = |name: &str| containers.iter().position(|it| it["name"] == *name);
    let place = match container {
        None => 0,
        Some(name) => named(name).ok_or_else(|| {
            let problem = format!("has no container `{name}`; {}", names(containers));
            wrong("template.spec.containers", problem)
        })?,
    };
    Ok((template, place))
}

/// What would make a Job more, or less, than one agent.
fn one_pod(template: &Value) -> Result<(), TemplateError> {
    for field in ["parallelism", "completions"] {
        let value = &template[field];
        if !value.is_null() && *value != 1 {
            let problem = format!(
                "must be 1 or left out, not {value}: one Job is one agent; `maxAgents` says how \
                 many there are"
            );
            return Err(wrong(field, problem));
        }
    }
    for field in ["selector", "manualSelector"] {
        if !template[field].is_null() {
            let problem = "must be left out: the cluster chooses it".to_owned();
            return Err(wrong(field, problem));
        }
    }
    Ok(())
}

fn restart_policy(pod: &Value) -> Result<(), TemplateError> {
    match &pod["restartPolicy"] {
        Value::Null => Ok(()),
        Value::String(policy) if ["", "Never", "OnFailure"].contains(&policy.as_str()) => Ok(()),
        other => {
            let problem = format!("must be `Never` or `OnFailure`, not {other}");
            Err(wrong("template.spec.restartPolicy", problem))
        }
    }
}

/// What is added to must have the shape of what it is.
fn shapes(template: &Value, containers: &[Value]) -> Result<(), TemplateError> {
    let object = |value: &Value, place: &str| match value {
        Value::Null | Value::Object(_) => Ok(()),
        _ => Err(wrong(place, "must be an object".to_owned())),
    };
    object(&template["template"]["metadata"], "template.metadata")?;
    for (index, container) in containers.iter().enumerate() {
        let place = format!("template.spec.containers[{index}]");
        if !container.is_object() {
            return Err(wrong(&place, "must be an object".to_owned()));
        }
        let resources = &container["resources"];
        object(resources, &format!("{place}.resources"))?;
        for part in ["requests", "limits"] {
            object(&resources[part], &format!("{place}.resources.{part}"))?;
        }
    }
    Ok(())
}

fn names(containers: &[Value]) -> String {
    let names = containers.iter().filter_map(|it| it["name"].as_str());
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none has a name".to_owned(),
        false => format!("there is {}", names.join(", ")),
    }
}

fn wrong(field: &str, problem: String) -> TemplateError {
    let place = match field {
        "" => ROOT.to_owned(),
        field => format!("{ROOT}.{field}"),
    };
    TemplateError { place, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_job_is_refused_with_its_place() {
        let main = r#"{"template":{"spec":{"containers":[{"name":"main"}]}}}"#;
        assert_eq!(check_template(main, None), Ok(()));
        assert_eq!(check_template(main, Some("main")), Ok(()));
        for (text, container, told) in [
            (
                "{",
                None,
                "jobTargetRef: not JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                "[]",
                None,
                "jobTargetRef: must be an object with `template`",
            ),
            (
                "{}",
                None,
                "jobTargetRef.template.spec.containers: must list at least one container",
            ),
            (
                main,
                Some("agent"),
                "jobTargetRef.template.spec.containers: has no container `agent`; there is `main`",
            ),
            (
                r#"{"parallelism":2}"#,
                None,
                "jobTargetRef.parallelism: must be 1 or left out, not 2: one Job is one agent; \
                 `maxAgents` says how many there are",
            ),
            (
                r#"{"manualSelector":true}"#,
                None,
                "jobTargetRef.manualSelector: must be left out: the cluster chooses it",
            ),
            (
                r#"{"template":{"spec":{"restartPolicy":"Always","containers":[{}]}}}"#,
                None,
                "jobTargetRef.template.spec.restartPolicy: must be `Never` or `OnFailure`, not \
                 \"Always\"",
            ),
            (
                r#"{"template":{"spec":{"containers":[1]}}}"#,
                None,
                "jobTargetRef.template.spec.containers[0]: must be an object",
            ),
            (
                r#"{"template":{"spec":{"containers":[{"resources":{"limits":"2"}}]}}}"#,
                None,
                "jobTargetRef.template.spec.containers[0].resources.limits: must be an object",
            ),
            (
                r#"{"template":{"metadata":[],"spec":{"containers":[{}]}}}"#,
                None,
                "jobTargetRef.template.metadata: must be an object",
            ),
        ] {
            let refused = check_template(text, container).unwrap_err();
            assert_eq!(refused.to_string(), told);
        }
    }
}
