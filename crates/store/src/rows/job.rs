//! Twins of a job: what the queue must know of it, what an agent must know of it, and its
//! environment, which is forgotten first.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{Command, Layer, LogPressure, Selectors};
use headcount_ports::NewJob;
use serde::{Deserialize, Serialize};

use super::resources::{LayerRow, is_default};
use super::{from_json, to_json};
use crate::fault::Fault;

/// What the queue must know. Jobs of one kind share the same text, so it can be looked up
/// instead of read again.
#[derive(Clone)]
pub(crate) struct Wants {
    pub(crate) runs_on: Selectors,
    pub(crate) exclude: Selectors,
    pub(crate) resources: Layer,
    pub(crate) timeout: Option<Duration>,
}

pub(crate) fn wants_to_json(job: &NewJob) -> Result<String, Fault> {
    to_json(&WantsRow {
        runs_on: job.runs_on.iter().collect(),
        exclude: job.exclude.iter().collect(),
        resources: job.resources.into(),
        timeout: job.timeout,
    })
}

pub(crate) fn wants_from_json(text: &str) -> Result<Wants, Fault> {
    let row: WantsRow<String> = from_json("a job", text)?;
    Ok(Wants {
        runs_on: Selectors::new(row.runs_on),
        exclude: Selectors::new(row.exclude),
        resources: row.resources.into(),
        timeout: row.timeout,
    })
}

#[derive(Serialize, Deserialize)]
struct WantsRow<S> {
    runs_on: Vec<S>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<S>,
    #[serde(default, skip_serializing_if = "is_default")]
    resources: LayerRow,
    timeout: Option<Duration>,
}

/// What an agent must know, but for the environment.
#[derive(Serialize, Deserialize)]
pub(crate) struct WorkRow {
    command: CommandRow,
    pub(crate) working_dir: Option<String>,
    pub(crate) grace: Duration,
    pub(crate) log_limit_bytes: u64,
    log_pressure: Option<LogPressureRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CommandRow {
    Argv(Vec<String>),
    Script(String),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogPressureRow {
    Pause,
    Drop,
}

impl WorkRow {
    pub(crate) fn new(job: &NewJob) -> Self {
        Self {
            command: match &job.command {
                Command::Argv(argv) => CommandRow::Argv(argv.clone()),
                Command::Script(text) => CommandRow::Script(text.clone()),
            },
            working_dir: job.working_dir.clone(),
            grace: job.grace,
            log_limit_bytes: job.log_limit_bytes,
            log_pressure: job.log_pressure.map(|pressure| match pressure {
                LogPressure::Pause => LogPressureRow::Pause,
                LogPressure::Drop => LogPressureRow::Drop,
            }),
        }
    }

    pub(crate) fn command(&self) -> Command {
        match &self.command {
            CommandRow::Argv(argv) => Command::Argv(argv.clone()),
            CommandRow::Script(text) => Command::Script(text.clone()),
        }
    }

    pub(crate) fn log_pressure(&self) -> Option<LogPressure> {
        self.log_pressure.map(|pressure| match pressure {
            LogPressureRow::Pause => LogPressure::Pause,
            LogPressureRow::Drop => LogPressure::Drop,
        })
    }
}

/// Nothing at all for an empty environment.
pub(crate) fn env_to_json(env: &BTreeMap<String, String>) -> Result<Option<String>, Fault> {
    (!env.is_empty()).then(|| to_json(env)).transpose()
}

pub(crate) fn env_from_json(text: Option<&str>) -> Result<BTreeMap<String, String>, Fault> {
    text.map_or_else(|| Ok(BTreeMap::new()), |text| from_json("a job", text))
}

#[cfg(test)]
mod tests {
    use headcount_model::Selectors;

    use super::*;

    /// What was an odd label when it was written down is read as what it looks like now;
    /// nothing that was accepted once keeps a store from being read.
    #[test]
    fn records_from_before_there_were_patterns_are_read() {
        let text = r#"{"runs_on":["linux","lin*","/(/"],"exclude":["a?"],"timeout":null}"#;
        let wants = wants_from_json(text).unwrap_or_else(|_| panic!("it is read"));
        assert_eq!(wants.runs_on, Selectors::new(["linux", "lin*", "/(/"]));
        assert_eq!(wants.exclude, Selectors::new(["a?"]));
    }
}
