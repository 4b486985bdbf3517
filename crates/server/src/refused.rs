//! Errors as clients see them: one table of kinds, each with its status and its title.
//!
//! Promise: every error of the API is `application/problem+json`, says what is wrong in
//! its `detail` and, where something can be done, what in its `hint`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headcount_api::{PROBLEM_JSON, Problem, ProblemItem};
use headcount_ports::StoreError;

/// A request that is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    kind: Kind,
    problem: Box<Problem>,
}

pub(crate) type Answer<T> = Result<T, Refused>;

/// The kinds of errors. The words are API: they do not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    MalformedJson,
    InvalidRequest,
    InvalidJob,
    InvalidConfig,
    NeverFits,
    KeyConflict,
    Conflict,
    Unauthorized,
    ForeignHost,
    ForeignOrigin,
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    BodyTooSlow,
    QueueFull,
    DiskFull,
    Busy,
    Stopping,
    TooManyStreams,
    Ledger,
}

impl Kind {
    #[cfg(test)]
    const ALL: [Self; 20] = [
        Self::MalformedJson,
        Self::InvalidRequest,
        Self::InvalidJob,
        Self::InvalidConfig,
        Self::NeverFits,
        Self::KeyConflict,
        Self::Conflict,
        Self::Unauthorized,
        Self::ForeignHost,
        Self::ForeignOrigin,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::BodyTooSlow,
        Self::QueueFull,
        Self::DiskFull,
        Self::Busy,
        Self::Stopping,
        Self::TooManyStreams,
        Self::Ledger,
    ];

    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::MalformedJson => (400, "malformed_json", "the body cannot be read"),
            Self::InvalidRequest => (400, "invalid_request", "the request is not valid"),
            Self::InvalidJob => (400, "invalid_job", "the job is not valid"),
            Self::InvalidConfig => (422, "invalid_config", "the configuration is not valid"),
            Self::NeverFits => (422, "never_fits", "the job is larger than a cap allows"),
            Self::KeyConflict => (409, "key_conflict", "the key is that of another job"),
            Self::Conflict => (409, "conflict", "it cannot be, as things are"),
            Self::Unauthorized => (401, "unauthorized", "a token is needed"),
            Self::ForeignHost => (421, "foreign_host", "the host name is not this daemon's"),
            Self::ForeignOrigin => (403, "foreign_origin", "another site sent the request"),
            Self::NotFound => (404, "not_found", "there is no such thing"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "the method is not allowed"),
            Self::BodyTooLarge => (413, "body_too_large", "the body is too large"),
            Self::BodyTooSlow => (408, "body_too_slow", "the body came too slowly"),
            Self::QueueFull => (429, "queue_full", "the queue is full"),
            Self::DiskFull => (503, "disk_full", "nothing can be written at present"),
            Self::Busy => (503, "busy", "the daemon is busy"),
            Self::Stopping => (503, "stopping", "the daemon is stopping"),
            Self::TooManyStreams => (503, "too_many_streams", "too many streams are open"),
            Self::Ledger => (500, "ledger", "the ledger cannot be used"),
        }
    }

    /// Seconds after which a client may try again.
    const fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::QueueFull | Self::Busy | Self::TooManyStreams => Some("5"),
            Self::DiskFull | Self::Stopping => Some("30"),
            _ => None,
        }
    }
}

impl Refused {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, code, title) = kind.row();
        let problem = Problem {
            kind: format!("urn:headcount:problem:{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            ..Problem::default()
        };
        Self {
            kind,
            problem: Box::new(problem),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }

    pub(crate) fn problems(mut self, problems: Vec<ProblemItem>) -> Self {
        self.problem.problems = problems;
        self
    }

    pub(crate) fn impossible(mut self, impossible: headcount_api::Impossible) -> Self {
        self.problem.impossible = Some(impossible);
        self
    }

    pub(crate) fn stopping() -> Self {
        Self::new(
            Kind::Stopping,
            "the daemon is stopping and takes no new work",
        )
        .hint("send it again when the daemon has started again; accepted jobs are kept")
    }
}

impl From<headcount_controller::Stopped> for Refused {
    fn from(_: headcount_controller::Stopped) -> Self {
        Self::stopping()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Full(_) => Self::new(Kind::DiskFull, detail)
                .hint("make room on the disk that holds the state directory"),
            StoreError::Busy(_) => Self::new(Kind::Busy, detail).hint("send it again"),
            StoreError::Conflict(_) => Self::new(Kind::KeyConflict, detail),
            StoreError::Broken(_) => {
                tracing::error!(error = %detail, "the ledger could not answer a request");
                Self::new(Kind::Ledger, detail).hint("look at the daemon's log")
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Only texts and numbers, which always can be written as JSON.
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.kind.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if self.kind == Kind::Unauthorized {
            let scheme = HeaderValue::from_static("Bearer realm=\"headcount\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_an_error_status() {
        let codes: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.row().1).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let (status, code, _) = kind.row();
            assert!((400..600).contains(&status), "{code}");
            assert!(StatusCode::from_u16(status).is_ok(), "{code}");
        }
    }

    #[test]
    fn store_errors_tell_what_to_do() {
        for (error, code, detail) in [
            (
                StoreError::Full("3 MiB left".into()),
                "disk_full",
                "state disk is full: 3 MiB left",
            ),
            (
                StoreError::Busy("locked".into()),
                "busy",
                "ledger is busy: locked",
            ),
            (StoreError::Broken("torn".into()), "ledger", "torn"),
        ] {
            let refused = Refused::from(error);
            assert_eq!(refused.problem.code, code);
            assert_eq!(refused.problem.detail, detail);
            assert!(refused.problem.hint.is_some());
        }
    }
}
