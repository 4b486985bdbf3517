//! What an engine could not do, by what follows from it.
//!
//! Promise: a refusal that the engine stated is told apart from a silence, after which
//! nobody knows. Leaves to others: what is done then.

use std::time::Duration;

use bollard::errors::Error;
use headcount_ports::BackendError;
use headcount_ports::texts::{one_line, with_causes};

/// Something did not work at the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What is known after it.
    pub verdict: Verdict,
    /// For a person; one line.
    pub message: String,
}

/// What is known after a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// There is no such container, image or network.
    Absent,
    /// The name is taken, or the thing is in the middle of a change.
    Conflict,
    /// It refused: the same request will be refused again.
    Refused,
    /// It has no room.
    Full,
    /// It failed at its work; it may do better next time.
    Failed,
    /// Nobody could be asked.
    Away,
    /// It was asked and did not answer, or not understandably.
    Silent,
}

impl Fault {
    /// `what` is what the engine was to do, as in "the engine did not <what>".
    pub fn new(what: &str, error: Error) -> Self {
        let (verdict, cause) = match error {
            Error::DockerResponseServerError {
                status_code,
                message,
            } => (of_status(status_code, &message), one_line(&message)),
            Error::DockerStreamError { error } => (of_message(&error), one_line(&error)),
            Error::RequestTimeoutError => (Verdict::Silent, "it did not answer".into()),
            Error::SocketNotFoundError(path) => {
                let cause = format!("its socket `{path}` does not exist; is it running?");
                (Verdict::Away, cause)
            }
            other => (of_connection(&other), plainly(&with_causes(&other))),
        };
        Self {
            verdict,
            message: format!("the engine did not {what}: {cause}"),
        }
    }

    /// Nobody could be asked, with a sentence why.
    pub fn away(message: String) -> Self {
        Self {
            verdict: Verdict::Away,
            message,
        }
    }

    /// It did not do this in time.
    pub fn late(what: &str, wait: Duration) -> Self {
        Self {
            verdict: Verdict::Silent,
            message: format!("the engine did not {what} within {} s", wait.as_secs()),
        }
    }

    /// As the answer to something of which nothing was made.
    pub fn as_not_done(&self) -> BackendError {
        let message = self.message.clone();
        match self.verdict {
            Verdict::Absent | Verdict::Conflict | Verdict::Refused => {
                BackendError::Invalid(message)
            }
            Verdict::Full => BackendError::Capacity {
                message,
                retry_after: None,
            },
            Verdict::Failed | Verdict::Away | Verdict::Silent => BackendError::Transient(message),
        }
    }

    /// As the answer to something that may have happened.
    pub fn as_unknown(&self) -> BackendError {
        BackendError::Unknown(self.message.clone())
    }
}

/// Without the names of those through whom it was learned.
fn plainly(cause: &str) -> String {
    let through = [
        "Error in the hyper legacy client: ",
        "client error (Connect): ",
    ];
    let cause = through.iter().fold(cause, |cause, part| {
        let (_, rest) = cause.split_once(part).unwrap_or(("", cause));
        rest
    });
    cause.to_owned()
}

fn of_status(status: u16, message: &str) -> Verdict {
    match status {
        404 => Verdict::Absent,
        409 => Verdict::Conflict,
        400..=499 => Verdict::Refused,
        _ => of_message(message),
    }
}

/// Engines answer 500 to much that is not their fault.
fn of_message(message: &str) -> Verdict {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["no space left", "disk quota exceeded"]) {
        return Verdict::Full;
    }
    // Podman.
    if says(&["is already in use by"]) {
        return Verdict::Conflict;
    }
    if says(&[
        "exec format error",
        "executable file not found",
        "invalid reference format",
        "manifest unknown",
        "unauthorized",
        "authentication required",
        "auth credentials",
        "denied",
        "invalid mount",
        "invalid volume",
        "no matching manifest",
    ]) {
        return Verdict::Refused;
    }
    Verdict::Failed
}

fn of_connection(error: &Error) -> Verdict {
    let refused = with_causes(error).to_lowercase();
    let never_reached = [
        "connection refused",
        "no such file",
        "permission denied",
        "connect error",
        "(connect)",
    ];
    match never_reached.iter().any(|words| refused.contains(words)) {
        true => Verdict::Away,
        false => Verdict::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status_code: u16, message: &str) -> Fault {
        let message = message.to_owned();
        let error = Error::DockerResponseServerError {
            status_code,
            message,
        };
        Fault::new("start the container", error)
    }

    #[test]
    fn answers_say_what_follows() {
        for (status, message, verdict) in [
            (404, "No such container: x", Verdict::Absent),
            (
                409,
                "Conflict. The container name is in use",
                Verdict::Conflict,
            ),
            (400, "invalid CapAdd", Verdict::Refused),
            (500, "write /x: no space left on device", Verdict::Full),
            (
                500,
                "the container name \"x\" is already in use by 0a",
                Verdict::Conflict,
            ),
            (500, "runc: exec format error: unknown", Verdict::Refused),
            (500, "pull access denied for x", Verdict::Refused),
            (500, "driver failed programming", Verdict::Failed),
        ] {
            assert_eq!(answered(status, message).verdict, verdict, "{message}");
        }
    }

    #[test]
    fn a_fault_is_one_line_that_says_what_was_tried() {
        let fault = answered(500, "OCI runtime\n  create failed ");
        assert_eq!(
            fault.as_not_done(),
            BackendError::Transient(
                "the engine did not start the container: OCI runtime create failed".into()
            )
        );
        assert_eq!(
            plainly(
                "Error in the hyper legacy client: client error (Connect): invalid peer certificate: UnknownIssuer"
            ),
            "invalid peer certificate: UnknownIssuer"
        );
        let gone = Error::SocketNotFoundError("/run/x.sock".into());
        assert_eq!(
            Fault::new("list containers", gone).message,
            "the engine did not list containers: its socket `/run/x.sock` does not exist; is it \
             running?"
        );
        assert_eq!(
            Fault::late("list containers", Duration::from_secs(20)).as_unknown(),
            BackendError::Unknown("the engine did not list containers within 20 s".into())
        );
    }
}
