//! What can go wrong when the daemon is asked, by what the caller should do.

use std::error::Error as _;
use std::io;

use headcount_api::{MAX_BODY_BYTES, Problem, ProblemItem};
use reqwest::Url;

use crate::exit::Exit;
use crate::failure::Failure;

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers; nothing was done. Start a daemon, or ask again later.
    #[error("cannot reach a daemon at {url}: {cause}")]
    Unreachable {
        /// Who was asked.
        url: String,
        /// What the system says.
        cause: String,
    },
    /// It went silent before the answer was complete; whether it did what it was asked is
    /// not known. Look, or repeat what may be repeated.
    #[error("the daemon at {url} did not answer: {cause}")]
    Broken {
        /// Who was asked.
        url: String,
        /// What the system says.
        cause: String,
    },
    /// The daemon says no, and why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Nothing was sent. Hand it in in parts.
    #[error("this request has {bytes} bytes, and a daemon takes {MAX_BODY_BYTES} at most")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// Whoever answers is no daemon of this kind.
    #[error("{url} answered with status {status} and something that is no answer of a daemon")]
    Stranger {
        /// Who was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

impl ClientError {
    /// Whether the same question may have an answer later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Stranger { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// What a request that brought no answer means.
    pub(super) fn of_request(error: &reqwest::Error, url: &Url) -> Self {
        let url = url.origin().ascii_serialization();
        let cause = cause(error);
        match error.is_connect() {
            true => Self::Unreachable { url, cause },
            false => Self::Broken { url, cause },
        }
    }
}

/// The innermost thing that went wrong, in the system's words where it has some.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    let mut next = error.source();
    while let Some(source) = next {
        innermost = source;
        next = source.source();
    }
    match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => "the connection broke".to_owned(),
        Some(kind) if kind != io::ErrorKind::Other => kind.to_string(),
        _ => innermost.to_string(),
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Unreachable { .. } => Self::new(Exit::Unreachable, message).hint(
                "start one with `headcount up -c scalers.yaml`, or name another with --url or \
                 HEADCOUNT_URL",
            ),
            ClientError::Broken { .. } => Self::new(Exit::Unreachable, message)
                .hint("look whether it runs, and what it did, before you repeat this"),
            ClientError::Stranger { .. } => Self::new(Exit::Unreachable, message)
                .hint("another program listens there; check --url or HEADCOUNT_URL"),
            ClientError::TooLarge { .. } => {
                Self::new(Exit::Usage, message).hint("hand it in in parts")
            }
            ClientError::Problem(problem) => of_problem(*problem),
        }
    }
}

fn of_problem(problem: Problem) -> Failure {
    let exit = match problem.impossible {
        Some(_) => Exit::Refused,
        None => Exit::of_status(problem.status),
    };
    let message = match problem.detail.is_empty() {
        true => problem.title,
        false => problem.detail,
    };
    // A single problem is in the detail already.
    let (details, own_hint) = match problem.problems.as_slice() {
        [only] if message.contains(&only.message) => (Vec::new(), only.hint.clone()),
        several => (several.iter().map(item).collect(), None),
    };
    let failure = Failure::new(exit, message).details(details);
    match problem.hint.or(own_hint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// One line: where it is, what is wrong, what to write instead.
pub(crate) fn item(item: &ProblemItem) -> String {
    let mut line = String::new();
    if let Some(file) = &item.file {
        line.push_str(file);
        if let Some(place) = item.position {
            line.push_str(&format!(":{}:{}", place.line, place.column));
        }
        line.push_str(": ");
    }
    if let Some(index) = item.index {
        line.push_str(&format!("job {}: ", index.saturating_add(1)));
    }
    if let Some(field) = &item.field {
        line.push_str(&format!("{field}: "));
    }
    line.push_str(&item.message);
    if let Some(hint) = &item.hint {
        line.push_str(&format!(" ({hint})"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_api::{Impossible, Place};

    fn problem(status: u16, impossible: bool) -> Failure {
        let impossible = impossible.then(|| Impossible {
            cap: "scaler_memory_cap".to_owned(),
            pool: None,
            asked: "6g".to_owned(),
            allowed: "4g".to_owned(),
        });
        let problem = Problem {
            status,
            detail: "no".to_owned(),
            impossible,
            ..Problem::default()
        };
        ClientError::Problem(Box::new(problem)).into()
    }

    #[test]
    fn the_code_follows_from_what_the_daemon_says() {
        assert_eq!(problem(404, false).exit, Exit::NotFound);
        assert_eq!(problem(422, false).exit, Exit::Usage);
        assert_eq!(problem(422, true).exit, Exit::Refused);
        assert_eq!(problem(503, false).exit, Exit::NotNow);
    }

    #[test]
    fn nobody_there_says_what_to_do() {
        let failure = Failure::from(ClientError::Unreachable {
            url: "http://127.0.0.1:4870".to_owned(),
            cause: "connection refused".to_owned(),
        });
        assert_eq!(
            failure.render(false),
            "error: cannot reach a daemon at http://127.0.0.1:4870: connection refused\n\
             hint: start one with `headcount up -c scalers.yaml`, or name another with --url or \
             HEADCOUNT_URL\n"
        );
        assert_eq!(failure.exit, Exit::Unreachable);
    }

    #[test]
    fn single_problems_say_where() {
        let mut wrong = ProblemItem::error("unknown field `runOn`");
        wrong.index = Some(2);
        wrong.field = Some("runOn".to_owned());
        wrong.hint = Some("write `runsOn`".to_owned());
        assert_eq!(
            item(&wrong),
            "job 3: runOn: unknown field `runOn` (write `runsOn`)"
        );
        let mut wrong = ProblemItem::error("bad");
        wrong.file = Some("scalers.yaml".to_owned());
        let (line, column) = (3, 5);
        wrong.position = Some(Place { line, column });
        assert_eq!(item(&wrong), "scalers.yaml:3:5: bad");
    }

    #[test]
    fn a_single_problem_is_told_once() {
        let mut wrong = ProblemItem::error("`4gb` is no amount of memory");
        wrong.hint = Some("write `4g`".to_owned());
        let problem = Problem {
            status: 400,
            detail: "resources.memory: `4gb` is no amount of memory".to_owned(),
            problems: vec![wrong],
            ..Problem::default()
        };
        assert_eq!(
            Failure::from(ClientError::Problem(Box::new(problem))).render(false),
            "error: resources.memory: `4gb` is no amount of memory\nhint: write `4g`\n"
        );
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let of_status = |status| {
            let problem = Problem {
                status,
                ..Problem::default()
            };
            ClientError::Problem(Box::new(problem)).is_passing()
        };
        assert!(of_status(503) && of_status(429));
        assert!(!of_status(404) && !of_status(422) && !of_status(500));
        let (url, status) = (String::new(), 200);
        assert!(!ClientError::Stranger { url, status }.is_passing());
    }
}
