//! Paths and queries.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use headcount_model::{AgentId, JobId};
use serde::de::DeserializeOwned;

use super::suggest::nearest_in;
use crate::refused::{Answer, Kind, Refused};

/// The parameters of a query; unknown ones are errors.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|error| {
            let text = error.body_text();
            let prefix = "Failed to deserialize query string: ";
            let message = text.strip_prefix(prefix).unwrap_or(&text).to_owned();
            let hint = nearest_in(&message).map(|name| format!("write `{name}`"));
            let refused = Refused::new(Kind::InvalidRequest, format!("the query: {message}"));
            match hint {
                Some(hint) => refused.hint(hint),
                None => refused,
            }
        })
    }
}

/// The job that a path names.
pub(crate) fn job_id(text: &str) -> Answer<JobId> {
    text.parse()
        .map_err(|error| Refused::new(Kind::InvalidRequest, format!("{text:?} is {error}")))
}

/// The agent that a path names.
pub(crate) fn agent_id(text: &str) -> Answer<AgentId> {
    text.parse()
        .map_err(|error| Refused::new(Kind::InvalidRequest, format!("{text:?} is {error}")))
}
