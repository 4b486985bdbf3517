//! A job's output as one JSON object a line (`format=ndjson`): safe for any bytes, and
//! able to be resumed with `attempt` and `after`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JobState, Moment};

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum LogLine {
    /// A piece of output.
    Output {
        /// Which attempt, from 1.
        attempt: u32,
        /// Counts up from 1 over both streams of an attempt; `after` for a resumption.
        number: u64,
        /// When the agent read it.
        at: Moment,
        /// Where it came from.
        stream: Stream,
        /// What it is; not necessarily whole lines.
        #[serde(flatten)]
        text: LogText,
    },
    /// Output of this attempt beyond the job's limit was not stored.
    Truncated {
        /// Which attempt.
        attempt: u32,
    },
    /// The job has ended and all of its output was sent. A stream that stops without it
    /// was broken, or did not follow.
    End {
        /// How the job ended.
        state: JobState,
    },
}

/// Bytes: as a text where they are UTF-8, else in standard base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LogText {
    /// UTF-8.
    Text(String),
    /// Standard base64, with padding.
    Base64(String),
}

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// A remark of the agent or the daemon: one line, without a line end.
    Note,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_as_documented() {
        let line = LogLine::Output {
            attempt: 1,
            number: 3,
            at: Moment::from_millis(0),
            stream: Stream::Out,
            text: LogText::Base64("/w==".to_owned()),
        };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(
            text,
            r#"{"type":"output","attempt":1,"number":3,"at":"1970-01-01T00:00:00.000Z","stream":"out","base64":"/w=="}"#
        );
        assert_eq!(serde_json::from_str::<LogLine>(&text).unwrap(), line);
        let end = LogLine::End {
            state: JobState::Failed,
        };
        let text = serde_json::to_string(&end).unwrap();
        assert_eq!(text, r#"{"type":"end","state":"failed"}"#);
    }
}
