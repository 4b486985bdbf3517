//! How the nouns are written down: one explicit twin per noun, so that renaming a field
//! of the model never changes a file on somebody's disk.
//!
//! Promise: every value comes back as it was; a row that cannot be read says which it is.

mod agent;
mod attempt;
mod job;
mod number;
mod outcome;
mod resources;
mod status;

pub(crate) use agent::{account_from_json, agent_from_json, agent_to_json};
pub(crate) use attempt::{attempt_from_json, attempt_to_json, last_moment};
pub(crate) use job::{Wants, WorkRow, env_from_json, env_to_json, wants_from_json, wants_to_json};
pub(crate) use number::{count, count32, moment, sql, sql_moment};
pub(crate) use outcome::{end_from_json, end_to_json};
pub(crate) use status::{ALL as STATUSES, status_from_number, status_to_number};

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// Any twin as JSON. Twins have string keys and no floats, so this cannot fail; if it
/// ever did, the write is refused rather than half made.
pub(crate) fn to_json(twin: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(twin).map_err(|error| Fault::Row(format!("cannot write row: {error}")))
}

/// A twin from JSON; `what` names the row for the error.
pub(crate) fn from_json<T: DeserializeOwned>(what: impl Display, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| unreadable(what, error))
}

fn unreadable(what: impl Display, why: impl Display) -> Fault {
    Fault::Row(format!("the row of {what} cannot be read: {why}"))
}
