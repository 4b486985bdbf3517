//! What a provisioner answers.

use std::time::Duration;

use headcount_model::InstanceState;
use headcount_ports::texts::one_line;
use serde::Deserialize;
use serde_json::Value;

use super::{CONTRACT, Verb};
use crate::fault::{Fault, Verdict};
use crate::provisioner::ended;

/// The longest time a provisioner can ask to be left alone.
const LONGEST_REST: f64 = 24.0 * 60.0 * 60.0;

/// One document on standard output. Keys that are not known are left alone: later versions
/// of the contract may add some.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    contract: String,
    pub(crate) machine: Option<MachineSaid>,
    pub(crate) machines: Option<Vec<MachineSaid>>,
    pub(crate) complete: Option<bool>,
    pub(crate) error: Option<ErrorSaid>,
    /// Read where several machines were asked for alone: elsewhere nobody knows the key.
    pub(crate) errors: Option<Value>,
}

/// A machine, with the marks it was made with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineSaid {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: StatusWord,
    pub(crate) owner: String,
    pub(crate) pool: String,
    pub(crate) agent: String,
    pub(crate) lease_until: Option<String>,
    pub(crate) lease_seconds: Option<u64>,
    pub(crate) generation: Option<u64>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) message: Option<String>,
    pub(crate) price_per_hour: Option<f64>,
}

/// How a machine stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatusWord {
    /// It will run without being asked again.
    Starting,
    /// It runs.
    Running,
    /// It was told to go and is still there.
    Stopping,
    /// It runs no more; what is left of it can be removed.
    Ended,
}

/// Why something was not done.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorSaid {
    kind: String,
    #[serde(default)]
    message: String,
    retry_after_seconds: Option<f64>,
}

impl Answer {
    /// Reads it whole. The error is the end of a sentence that begins with who said it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err("is empty; write one JSON document on standard output".to_owned());
        }
        let answer: Self = serde_json::from_slice(text).map_err(|error| {
            let begin = String::from_utf8_lossy(text.get(..80).unwrap_or(text)).into_owned();
            let begin = one_line(&begin);
            format!("is no document of `{CONTRACT}`: {error}; it begins with `{begin}`")
        })?;
        match answer.contract == CONTRACT {
            true => Ok(answer),
            false => Err(format!(
                "is of the contract `{}`, not of `{CONTRACT}`",
                answer.contract.escape_debug()
            )),
        }
    }
}

impl ErrorSaid {
    /// What it comes to; `None` where its kind is not known.
    pub(super) fn fault(&self) -> Option<Fault> {
        let verdict = Verdict::of_word(&self.kind)?;
        let mut fault = Fault::new(verdict, one_line(&self.message));
        fault.retry_after = self.rest();
        Some(fault)
    }

    /// Its words, for a person.
    pub(super) fn text(&self) -> String {
        one_line(&format!("{} {}", self.kind, self.message))
    }

    /// How long it asks to be left alone, within bounds.
    fn rest(&self) -> Option<Duration> {
        let rest = self.retry_after_seconds;
        let rest = rest.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        rest.map(|seconds| Duration::from_secs_f64(seconds.min(LONGEST_REST)))
    }
}

impl StatusWord {
    pub(crate) const fn state(self, exit_code: Option<i32>) -> InstanceState {
        match self {
            Self::Starting => InstanceState::Starting,
            Self::Running | Self::Stopping => InstanceState::Running,
            Self::Ended => ended(exit_code),
        }
    }
}

/// What a failed call says: by its document, else by its exit code, else nobody knows.
pub(crate) fn refusal(verb: Verb, code: i32, answer: Option<Answer>, words: &str) -> Fault {
    let said = answer.and_then(|answer| answer.error);
    let by_word = said.as_ref().map(|error| Verdict::of_word(&error.kind));
    let verdict = match by_word {
        Some(verdict) => verdict,
        None => Verdict::of_code(code),
    };
    let message = said.as_ref().map(|error| one_line(&error.message));
    let message = message.filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| words.to_owned());
    let Some(verdict) = verdict else {
        let words = if message.is_empty() {
            String::new()
        } else {
            format!(": {message}")
        };
        return Fault::unknown(format!("`{verb}` ended with code {code}{words}"));
    };
    let mut fault = Fault::new(
        verdict,
        match message.is_empty() {
            true => format!("`{verb}` ended with code {code} and no message"),
            false => message,
        },
    );
    fault.retry_after = said.and_then(|error| error.rest());
    fault
}
