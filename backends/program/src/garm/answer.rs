//! What a GARM provider answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_model::InstanceState;
use headcount_ports::texts::one_line;
use serde::Deserialize;

use crate::fault::Fault;
use crate::provisioner::ended;

/// Characters of a reason in base64 that are read; whole groups of four.
const MAX_FAULT: usize = 4000;
/// Bytes of output that are shown where nothing else tells a reason.
const MAX_RAW: usize = 1000;
/// Bytes that are quoted of an answer nobody understands.
const MAX_QUOTED: usize = 80;

/// `ProviderInstance`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct InstanceSaid {
    pub(super) provider_id: String,
    pub(super) name: String,
    pub(super) status: StatusWord,
    #[serde(default)]
    provider_fault: Option<String>,
}

/// The states that a provider may tell; the others are the controller's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StatusWord {
    Running,
    Stopped,
    Error,
    Unknown,
}

impl StatusWord {
    pub(super) const fn state(self) -> InstanceState {
        match self {
            Self::Running => InstanceState::Running,
            // It is there, and nobody says more: never read as absent.
            Self::Unknown => InstanceState::Starting,
            Self::Stopped | Self::Error => ended(None),
        }
    }
}

impl InstanceSaid {
    /// The one of an answer.
    pub(super) fn one(output: &[u8]) -> Result<Self, Fault> {
        parse(output)
    }

    /// All of a list; `null` is what Go writes for none.
    pub(super) fn all(output: &[u8]) -> Result<Vec<Self>, Fault> {
        parse::<Option<Vec<Self>>>(output).map(Option::unwrap_or_default)
    }

    /// Why it is not well, one line.
    pub(super) fn fault(&self) -> Option<String> {
        decoded(self.provider_fault.as_deref()?)
    }
}

/// What a failed call has to say on standard output: the reason that stands in base64 in an
/// instance, or its beginning as it is.
pub(super) fn of_failure(output: &[u8]) -> String {
    /// Of what it prints in its trouble.
    #[derive(Deserialize)]
    struct Failed {
        provider_fault: String,
    }
    let failed = serde_json::from_slice::<Failed>(output).ok();
    failed
        .and_then(|failed| decoded(&failed.provider_fault))
        .unwrap_or_else(|| begin(output, MAX_RAW))
}

/// The beginning of a reason in base64; `None` of none.
fn decoded(text: &str) -> Option<String> {
    let text = text.get(..MAX_FAULT).unwrap_or(text);
    let bytes = STANDARD.decode(text).ok().filter(|it| !it.is_empty())?;
    Some(one_line(&String::from_utf8_lossy(&bytes)))
}

fn begin(output: &[u8], most: usize) -> String {
    String::from_utf8_lossy(output.get(..most).unwrap_or(output)).into_owned()
}

fn parse<T: for<'a> Deserialize<'a>>(output: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(output).map_err(|error| {
        let begin = one_line(&begin(output, MAX_QUOTED));
        Fault::unknown(format!(
            "its answer is no ProviderInstance: {error}; it begins with `{begin}`"
        ))
    })
}
