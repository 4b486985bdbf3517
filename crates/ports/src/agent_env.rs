//! The environment a backend gives to what it makes: names, and the rules for them.
//!
//! Promise: one spelling and one rule for every backend. Those the agent program knows
//! as well stand in `headcount_api::agent` too (a backend does not know the wire types); a
//! test of the binary holds the two lists together.
//!
//! ```text
//! call_back   where agents of other machines reach the daemon, and how they know it
//! remote      everything such an agent needs
//! ```

mod call_back;
mod remote;

pub use call_back::{CallBack, CallBackError, Told, check_url, host_of};
pub use remote::{Places, RemoteAgent, Variable};

use std::collections::BTreeMap;

use headcount_model::LogPressure;

use crate::BackendError;

/// Where the daemon listens for agents.
pub const URL: &str = "HEADCOUNT_AGENT_URL";
/// Whose keys the daemon may have where it is reached with TLS.
pub const PIN: &str = "HEADCOUNT_AGENT_PIN";
/// The agent's id.
pub const ID: &str = "HEADCOUNT_AGENT_ID";
/// A file with the one-time token; the agent removes it once it is registered.
pub const TOKEN_FILE: &str = "HEADCOUNT_AGENT_TOKEN_FILE";
/// Comma-joined labels.
pub const LABELS: &str = "HEADCOUNT_AGENT_LABELS";
/// Jobs it runs at once.
pub const SLOTS: &str = "HEADCOUNT_AGENT_SLOTS";
/// A directory of the agent's own.
pub const DIR: &str = "HEADCOUNT_AGENT_DIR";
/// Prefix of everything the daemon forwards from its own environment.
pub const FORWARD_PREFIX: &str = "HEADCOUNT_AGENT_ENV_";
/// The same prefix as users of the KiCI auto-scaler write it.
pub const FORWARD_PREFIX_ALIAS: &str = "KICI_AGENT_ENV_";
/// What the agent does with output it cannot send: `pause` or `drop`.
pub const LOG_PRESSURE: &str = "HEADCOUNT_AGENT_LOG_PRESSURE";
/// Prefix of every name an agent is told about itself. Neither forwarded values nor a
/// label set's `env` replace a name that starts so.
pub const IDENTITY_PREFIX: &str = "HEADCOUNT_AGENT_";
/// Marks an instance: `<owner>/<pool>/<agent>`. The agent program passes it on to no job.
pub const INSTANCE_MARK: &str = "HEADCOUNT_INSTANCE_MARK";
/// Marks everything that descends from an instance, jobs included: `<owner>/<agent>`,
/// comma-joined, outermost first, where one fleet runs inside another. Passed on.
pub const ORIGIN: &str = "HEADCOUNT_ORIGIN";
/// Marks everything that descends from one job: `<mark of the agent>/<attempt>`.
pub const JOB_MARK: &str = "HEADCOUNT_JOB_MARK";
/// Folder below [`DIR`] in which an agent names what it started: pid files
/// (`<pid> <start time>`) and [`MARK_FILE`].
pub const JOBS_FOLDER: &str = "jobs";
/// File in [`JOBS_FOLDER`] with the agent's own mark, one line.
pub const MARK_FILE: &str = "mark";

/// Whether a name tells an agent about itself: nothing forwarded and nothing of a label
/// set's `env` replaces it.
#[must_use]
pub fn is_identity(name: &str) -> bool {
    name.starts_with(IDENTITY_PREFIX) || [INSTANCE_MARK, ORIGIN, JOB_MARK].contains(&name)
}

/// Whether a process can be given such a variable.
///
/// # Errors
/// [`BackendError::Invalid`] when it cannot; the value is not repeated.
pub fn check_variable(name: &str, value: &str) -> Result<(), BackendError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(BackendError::Invalid(format!(
            "`{}` cannot be the name of an environment variable; rename it in the label set's `env`",
            name.escape_default()
        )));
    }
    if value.contains('\0') {
        return Err(BackendError::Invalid(format!(
            "the value of environment variable `{name}` contains a NUL byte; remove it"
        )));
    }
    Ok(())
}

/// Variables that an agent is given, the weaker first: what is forwarded, the label set's.
/// None of them may replace what an agent is told about itself.
///
/// # Errors
/// [`BackendError::Invalid`] for a name or value no process can be given.
pub fn given<'a>(
    variables: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<BTreeMap<String, String>, BackendError> {
    let mut merged = BTreeMap::new();
    for (name, value) in variables {
        check_variable(name, value)?;
        if !is_identity(name) {
            merged.insert(name.clone(), value.clone());
        }
    }
    Ok(merged)
}

/// The value of [`LOG_PRESSURE`].
#[must_use]
pub const fn log_pressure(pressure: LogPressure) -> &'static str {
    match pressure {
        LogPressure::Pause => "pause",
        LogPressure::Drop => "drop",
    }
}
