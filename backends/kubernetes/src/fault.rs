//! What a cluster did not do, by what follows from it.
//!
//! Promise: a refusal that the server stated is told apart from a silence, after which
//! nobody knows; whoever reads the sentence knows which field or which right is meant.
//! Leaves to others: what is done then.

use std::time::Duration;

use headcount_ports::BackendError;
use headcount_ports::texts::{one_line, with_causes};
use kube::core::Status;

use crate::template::ROOT;

/// Something did not work at the API server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) verdict: Verdict,
    /// For a person; one line.
    pub(crate) message: String,
    /// How long the server asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// What is known after a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// There is no such thing.
    Absent,
    /// The name is taken.
    Taken,
    /// It is another one than was meant, or in the middle of a change.
    Conflict,
    /// The version is forgotten: list again.
    Expired,
    /// It refused: the same request will be refused again.
    Refused,
    /// It has no room now.
    Full,
    /// It failed at its work; it may do better next time.
    Failed,
    /// Nobody could be asked.
    Away,
    /// It was asked and did not answer, or not understandably.
    Silent,
}

impl Fault {
    /// `what` is what the cluster was to do, as in "the cluster did not <what>".
    pub(crate) fn new(what: &str, error: &kube::Error) -> Self {
        let (verdict, cause) = match error {
            kube::Error::Api(status) => (of_status(status), one_line(&words(status))),
            other if never_sent(other) => (Verdict::Away, with_causes(other)),
            other => (Verdict::Silent, with_causes(other)),
        };
        Self {
            verdict,
            message: format!("the cluster did not {what}: {cause}"),
            retry_after: retry_after(error),
        }
    }

    pub(crate) fn away(message: String) -> Self {
        Self {
            verdict: Verdict::Away,
            message,
            retry_after: None,
        }
    }

    pub(crate) fn late(what: &str, wait: Duration) -> Self {
        Self {
            verdict: Verdict::Silent,
            message: format!("the cluster did not {what} within {} s", wait.as_secs()),
            retry_after: None,
        }
    }

    /// As the answer to something of which nothing was made.
    pub(crate) fn as_not_done(&self) -> BackendError {
        let message = self.message.clone();
        match self.verdict {
            Verdict::Absent | Verdict::Taken | Verdict::Refused => BackendError::Invalid(message),
            Verdict::Full => BackendError::Capacity {
                message,
                retry_after: self.retry_after,
            },
            Verdict::Conflict
            | Verdict::Expired
            | Verdict::Failed
            | Verdict::Away
            | Verdict::Silent => BackendError::Transient(message),
        }
    }

    /// As the answer to something that may have happened.
    pub(crate) fn as_unknown(&self) -> BackendError {
        BackendError::Unknown(self.message.clone())
    }
}

fn of_status(status: &Status) -> Verdict {
    match (status.code, status.reason.as_str()) {
        (404, _) => Verdict::Absent,
        (409, "AlreadyExists") => Verdict::Taken,
        (409, _) => Verdict::Conflict,
        (410, _) => Verdict::Expired,
        (403, _) if status.message.contains("exceeded quota") => Verdict::Full,
        (429, _) => Verdict::Full,
        (400..=499, _) => Verdict::Refused,
        // The server gave up waiting for what may still happen.
        (504, _) => Verdict::Silent,
        _ => Verdict::Failed,
    }
}

/// What the server said, and what to do about it.
fn words(status: &Status) -> String {
    let message = &status.message;
    match status.code {
        422 => invalid(status),
        401 => format!("{message}: it does not know this daemon; renew the credentials"),
        403 if message.contains(" cannot ") => format!(
            "{message}; grant it to the daemon's account, as packaging/kubernetes/rbac.yaml does"
        ),
        _ if message.is_empty() => format!("it answered {}", status.code),
        _ => message.clone(),
    }
}

/// Each field by the name it has in a template.
fn invalid(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let causes = causes.map(|cause| {
        let field = match cause.field.strip_prefix("spec.") {
            Some(rest) => format!("{ROOT}.{rest}"),
            None => cause.field.clone(),
        };
        format!("{field}: {}", cause.message)
    });
    let causes: Vec<String> = causes.collect();
    match causes.is_empty() {
        true => status.message.clone(),
        false => causes.join("; "),
    }
}

fn retry_after(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// Whether the request cannot have reached anybody.
fn never_sent(error: &kube::Error) -> bool {
    if matches!(
        error,
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) | kube::Error::Auth(_)
    ) {
        return true;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let client = error.downcast_ref::<hyper_util::client::legacy::Error>();
        if client.is_some_and(hyper_util::client::legacy::Error::is_connect) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    fn answered(code: u16, reason: &str, message: &str) -> Fault {
        let status = Status::failure(message, reason).with_code(code);
        Fault::new("make the Job", &kube::Error::Api(status.boxed()))
    }

    #[test]
    fn answers_say_what_follows() {
        let quota = "jobs.batch \"x\" is forbidden: exceeded quota: jobs, used: 2, limited: 2";
        for (code, reason, message, verdict) in [
            (
                404,
                "NotFound",
                "namespaces \"x\" not found",
                Verdict::Absent,
            ),
            (
                409,
                "AlreadyExists",
                "jobs.batch \"x\" already exists",
                Verdict::Taken,
            ),
            (
                409,
                "Conflict",
                "Operation cannot be fulfilled",
                Verdict::Conflict,
            ),
            (410, "Expired", "too old resource version", Verdict::Expired),
            (403, "Forbidden", quota, Verdict::Full),
            (
                403,
                "Forbidden",
                "admission webhook \"x\" denied the request",
                Verdict::Refused,
            ),
            (400, "BadRequest", "unknown field", Verdict::Refused),
            (401, "Unauthorized", "Unauthorized", Verdict::Refused),
            (500, "InternalError", "etcd", Verdict::Failed),
            (503, "ServiceUnavailable", "", Verdict::Failed),
            (504, "Timeout", "", Verdict::Silent),
        ] {
            assert_eq!(
                answered(code, reason, message).verdict,
                verdict,
                "{message}"
            );
        }
    }

    #[test]
    fn sentences_say_what_to_do() {
        let told = |code, reason, message| answered(code, reason, message).as_not_done();
        assert_eq!(
            told(
                403,
                "Forbidden",
                "jobs.batch is forbidden: User \"x\" cannot create resource \"jobs\""
            ),
            BackendError::Invalid(
                "the cluster did not make the Job: jobs.batch is forbidden: User \"x\" cannot \
                 create resource \"jobs\"; grant it to the daemon's account, as \
                 packaging/kubernetes/rbac.yaml does"
                    .into()
            )
        );
        assert_eq!(
            told(401, "Unauthorized", "Unauthorized"),
            BackendError::Invalid(
                "the cluster did not make the Job: Unauthorized: it does not know this daemon; \
                 renew the credentials"
                    .into()
            )
        );
        assert_eq!(
            told(503, "ServiceUnavailable", ""),
            BackendError::Transient("the cluster did not make the Job: it answered 503".into())
        );
        assert_eq!(
            Fault::late("list Jobs", Duration::from_secs(20)).as_unknown(),
            BackendError::Unknown("the cluster did not list Jobs within 20 s".into())
        );
    }

    #[test]
    fn wrong_fields_have_the_names_of_the_template() {
        let cause = |field: &str, message: &str| StatusCause {
            reason: "FieldValueInvalid".into(),
            message: message.into(),
            field: field.into(),
        };
        let details = StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: vec![
                cause("spec.template.spec.containers[0].image", "Required value"),
                cause("metadata.labels", "Invalid value: \"é\""),
            ],
            retry_after_seconds: 0,
        };
        let status = Status::failure("Job.batch \"x\" is invalid: …", "Invalid");
        let status = status.with_code(422).with_details(details);
        let fault = Fault::new("make the Job", &kube::Error::Api(status.boxed()));
        assert_eq!(
            fault.as_not_done(),
            BackendError::Invalid(
                "the cluster did not make the Job: jobTargetRef.template.spec.containers[0].image: \
                 Required value; metadata.labels: Invalid value: \"é\""
                    .into()
            )
        );
    }

    #[test]
    fn a_server_that_is_busy_says_for_how_long() {
        let details = StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 7,
        };
        let status = Status::failure("too many requests", "TooManyRequests");
        let status = status.with_code(429).with_details(details);
        let fault = Fault::new("make the Job", &kube::Error::Api(status.boxed()));
        assert_eq!(
            fault.as_not_done(),
            BackendError::Capacity {
                message: "the cluster did not make the Job: too many requests".into(),
                retry_after: Some(Duration::from_secs(7)),
            }
        );
    }
}
