//! What a GARM provider answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_model::InstanceState;
use headcount_ports::texts::one_line;
use serde::Deserialize;

use crate::fault::Fault;
use crate::provisioner::ended;

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
        let text = self
            .provider_fault
            .as_deref()
            .filter(|text| !text.is_empty())?;
        let decoded = STANDARD.decode(text).ok();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(|text| one_line(&text))
    }
}

fn parse<T: for<'a> Deserialize<'a>>(output: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(output).map_err(|error| {
        let begin = String::from_utf8_lossy(output.get(..80).unwrap_or(output)).into_owned();
        let begin = one_line(&begin);
        Fault::unknown(format!(
            "its answer is no ProviderInstance: {error}; it begins with `{begin}`"
        ))
    })
}
