//! What a client sends to have jobs run.
//!
//! Texts such as `512m` and `10m` travel as they were written: the daemon reads them with
//! the one grammar that its configuration has too.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::JobState;

/// One job to be run. Exactly one of `command` and `script` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitJob {
    /// Program and arguments, executed as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["make", "test"]))]
    pub command: Option<Vec<String>>,
    /// Text given to `/bin/sh -e -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Labels an agent must have. A pattern (`gpu-*`, `/gpu-[0-9]+/`) is met by any label
    /// that it matches.
    #[serde(default, skip_serializing_if = "LabelList::is_empty")]
    pub runs_on: LabelList,
    /// Labels an agent must not have. A pattern rejects every label that it matches.
    #[serde(default, skip_serializing_if = "LabelList::is_empty")]
    pub exclude: LabelList,
    /// CPUs and memory.
    #[serde(default, skip_serializing_if = "AskedResources::is_empty")]
    pub resources: AskedResources,
    /// For people; need not be unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Chosen by the client: the same key is the same job, however often it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Set for the job. Forgotten when it has ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where to run; a fresh directory when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Ended after this long: `10m`, or a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Quantity>,
    /// Between TERM and KILL: `10s`, or a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Quantity>,
    /// Ends as expired if it still waits after this long: `24h`, or a number of seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Quantity>,
    /// Higher goes first; 0 when left out.
    #[serde(default, skip_serializing_if = "is_zero_i32")]
    pub priority: i32,
    /// Further attempts after a failed one.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub retries: u32,
    /// Stored output stops here, such as `64m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_limit: Option<Quantity>,
    /// What the agent does with output it cannot send as fast as it comes; as the pool
    /// says when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_pressure: Option<LogPressure>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_zero_i32(number: &i32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_zero_u32(number: &u32) -> bool {
    *number == 0
}

/// CPUs and memory: either `cpus` and `memory`, which are request and limit at once, or
/// `requests` and `limits`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskedResources {
    /// Number of CPUs, such as 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Quantity>,
    /// Amount of memory, such as `512m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
    /// What counts against caps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<AskedAmount>,
    /// What the backend enforces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<AskedAmount>,
}

impl AskedResources {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An amount as it was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskedAmount {
    /// Number of CPUs, such as 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Quantity>,
    /// Amount of memory, such as `512m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}

/// What the agent does with output it cannot send as fast as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogPressure {
    /// Stop reading the job's pipe: nothing is lost, the job may block.
    Pause,
    /// Keep reading and drop lines, with a remark that says how many.
    Drop,
}

/// A number, or a text with a unit, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A JSON number, in its shortest text.
    Number(String),
    /// A JSON text.
    Text(String),
}

impl Quantity {
    /// A text as somebody wrote it.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, number or not.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Text(text) => text,
        }
    }
}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Number);
        let text = ObjectBuilder::new().schema_type(Type::String);
        let description = "A number, or a text with a unit";
        OneOfBuilder::new()
            .item(number)
            .item(text)
            .description(Some(description))
            .into()
    }
}

impl ToSchema for Quantity {}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(text) => match text.parse::<f64>() {
                Ok(number) => serializer.serialize_f64(number),
                Err(_) => serializer.serialize_str(text),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text with a unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        Ok(Quantity::Text(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
        Ok(Quantity::Number(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
        Ok(Quantity::Number(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Quantity, E> {
        Ok(Quantity::Number(number.to_string()))
    }
}

/// Labels and patterns of them: a list, or one text with commas. `*` and `?` make a
/// pattern; between slashes stands a regular expression, which a whole label must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(example = json!(["linux", "gpu"]))]
pub struct LabelList(pub Vec<String>);

impl LabelList {
    /// The labels of a text with commas; blanks around them do not count. What begins with
    /// a slash reaches to the next slash that a comma or the end follows, if there is one:
    /// a regular expression keeps its commas.
    #[must_use]
    pub fn from_commas(text: &str) -> Self {
        let mut labels = Vec::new();
        let mut rest = Some(text).filter(|text| !text.trim().is_empty());
        while let Some(text) = rest {
            let end = first_end(text);
            labels.push(text[..end].trim().to_owned());
            rest = text.get(end + 1..);
        }
        Self(labels)
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where the first element of a text with commas ends: at a comma, or at the end.
fn first_end(text: &str) -> usize {
    let comma = || text.find(',').unwrap_or(text.len());
    let blanks = text.len() - text.trim_start().len();
    if !text[blanks..].starts_with('/') {
        return comma();
    }
    let slashes = text.match_indices('/').filter(|(at, _)| *at > blanks);
    let ends = slashes.filter_map(|(at, _)| {
        let behind = &text[at + 1..];
        let left = behind.trim_start();
        let closes = left.is_empty() || left.starts_with(',');
        closes.then_some(text.len() - left.len())
    });
    ends.min().unwrap_or_else(comma)
}

impl<'de> Deserialize<'de> for LabelList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelListVisitor)
    }
}

struct LabelListVisitor;

impl<'de> Visitor<'de> for LabelListVisitor {
    type Value = LabelList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of labels, or one text with commas")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<LabelList, E> {
        Ok(LabelList::from_commas(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<LabelList, A::Error> {
        let mut labels = Vec::new();
        while let Some(label) = list.next_element()? {
            labels.push(label);
        }
        Ok(LabelList(labels))
    }
}

/// What became of one submitted job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedJob {
    /// Its id.
    #[schema(example = "job-42")]
    pub id: String,
    /// How it stands.
    pub state: JobState,
    /// Whether its key was known already.
    pub existed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_as_list_or_text() {
        for text in [r#"["a","b"]"#, r#""a,b""#, r#"" a , b ""#] {
            let labels: LabelList = serde_json::from_str(text).unwrap();
            assert_eq!(labels.0, ["a", "b"], "{text}");
        }
        assert!(
            serde_json::from_str::<LabelList>(r#""""#)
                .unwrap()
                .is_empty()
        );
        assert_eq!(LabelList::from_commas("a,,b").0, ["a", "", "b"]);
        let error = serde_json::from_str::<LabelList>("7").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid type: integer `7`, expected a list of labels, or one text with commas \
             at line 1 column 1"
        );
    }

    #[test]
    fn commas_between_slashes_belong_to_the_expression() {
        for (text, labels) in [
            ("/gpu-[0-9]{1,2}/", &["/gpu-[0-9]{1,2}/"] as &[&str]),
            ("linux, /a{1,2}/ ,gpu-*", &["linux", "/a{1,2}/", "gpu-*"]),
            ("/a,b/,/c,d/", &["/a,b/", "/c,d/"]),
            ("/a/b,c/", &["/a/b,c/"]),
            ("/a/,b", &["/a/", "b"]),
            ("/a/,", &["/a/", ""]),
            ("/opt,linux", &["/opt", "linux"]),
            ("/", &["/"]),
            ("//,a", &["//", "a"]),
            ("a/b,c/d", &["a/b", "c/d"]),
            ("a,", &["a", ""]),
            (" , ", &["", ""]),
            ("/ö{1,2}/,ä", &["/ö{1,2}/", "ä"]),
        ] {
            assert_eq!(LabelList::from_commas(text).0, labels, "{text}");
        }
    }

    #[test]
    fn quantities_are_numbers_or_texts() {
        for (text, quantity) in [
            ("2", Quantity::Number("2".to_owned())),
            ("0.5", Quantity::Number("0.5".to_owned())),
            ("-1", Quantity::Number("-1".to_owned())),
            (r#""10m""#, Quantity::text("10m")),
        ] {
            assert_eq!(serde_json::from_str::<Quantity>(text).unwrap(), quantity);
        }
        assert!(serde_json::from_str::<Quantity>("true").is_err());
    }

    #[test]
    fn a_submission_says_only_what_is_asked_for() {
        let job = SubmitJob {
            command: Some(vec!["true".to_owned()]),
            timeout: Some(Quantity::text("10m")),
            ..SubmitJob::default()
        };
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(text, r#"{"command":["true"],"timeout":"10m"}"#);
        assert_eq!(serde_json::from_str::<SubmitJob>(&text).unwrap(), job);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error = serde_json::from_str::<SubmitJob>(r#"{"runOn":["a"]}"#).unwrap_err();
        assert!(error.to_string().starts_with("unknown field `runOn`"));
    }
}
