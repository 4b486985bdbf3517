//! The wire's words and the house's.
//!
//! Promise: nothing is lost or invented on the way; what does not fit the house's types is
//! an error, never a default.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_api::agent as wire;
use headcount_model::{
    AgentId, Command, Digest, Exit, Held, JobId, JobWork, LinkEvent, LogPressure, Outcome,
    Timestamp,
};
use headcount_ports::{AssignRequest, LogChunk, Stream};
use sha2::{Digest as _, Sha256};

/// SHA-256 of the text of a credential.
pub(crate) fn digest(credential: &wire::Credential) -> Digest {
    Digest(Sha256::digest(credential.expose().as_bytes()).into())
}

/// A digest as it is written on the wire: 64 hex digits in lower case.
pub(crate) fn parse_digest(text: &str) -> Option<Digest> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (value, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        *value = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(Digest(digest))
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(crate) fn held(attempt: &wire::AttemptRef, granted: bool) -> Held {
    Held {
        job: JobId(attempt.job),
        attempt: attempt.attempt,
        granted,
    }
}

pub(crate) fn claimed(agent: AgentId, attempt: wire::AttemptRef) -> LinkEvent {
    LinkEvent::Claimed {
        agent,
        job: JobId(attempt.job),
        attempt: attempt.attempt,
    }
}

pub(crate) fn declined(agent: AgentId, attempt: wire::AttemptRef) -> LinkEvent {
    LinkEvent::Declined {
        agent,
        job: JobId(attempt.job),
        attempt: attempt.attempt,
    }
}

pub(crate) fn finished(agent: AgentId, attempt: wire::AttemptRef, how: wire::Outcome) -> LinkEvent {
    LinkEvent::Finished {
        agent,
        job: JobId(attempt.job),
        attempt: attempt.attempt,
        outcome: outcome(how),
    }
}

fn outcome(outcome: wire::Outcome) -> Outcome {
    match outcome {
        wire::Outcome::Exited { code } => Outcome::Exited(Exit::Code(code)),
        wire::Outcome::Signalled { signal } => Outcome::Exited(Exit::Signal(signal)),
        wire::Outcome::Unseen => Outcome::Exited(Exit::Unknown),
        wire::Outcome::TimedOut => Outcome::TimedOut,
        wire::Outcome::Cancelled => Outcome::Cancelled,
        wire::Outcome::NotStarted { message } => Outcome::NotStarted(message),
    }
}

/// `None` when the bytes are not base64.
pub(crate) fn chunk(chunk: wire::Chunk) -> Option<LogChunk> {
    Some(LogChunk {
        number: chunk.number,
        at: Timestamp::from_millis(chunk.at_ms),
        stream: match chunk.stream {
            wire::Stream::Out => Stream::Out,
            wire::Stream::Err => Stream::Err,
            wire::Stream::Note => Stream::Note,
        },
        bytes: STANDARD.decode(chunk.data).ok()?,
    })
}

pub(crate) fn assign(request: AssignRequest) -> wire::ToAgent {
    wire::ToAgent::Assign {
        attempt: request.attempt,
        work: work(request.work),
    }
}

fn work(work: JobWork) -> wire::Work {
    wire::Work {
        job: work.job.0,
        name: work.name,
        command: match work.command {
            Command::Argv(words) => wire::Command::Argv(words),
            Command::Script(text) => wire::Command::Script(text),
        },
        env: work.env,
        working_dir: work.working_dir,
        timeout_ms: work.timeout.map(millis),
        grace_ms: millis(work.grace),
        log_limit_bytes: work.log_limit_bytes,
        // The controller has filled it in; without a word nothing is lost.
        log_pressure: match work.log_pressure.unwrap_or_default() {
            LogPressure::Pause => wire::LogPressure::Pause,
            LogPressure::Drop => wire::LogPressure::Drop,
        },
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_of_the_text_and_read_back() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let abc = wire::Credential::new("abc".to_owned());
        assert_eq!(parse_digest(text), Some(digest(&abc)));
    }

    #[test]
    fn other_texts_are_no_digests() {
        let upper = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        for text in ["", "ba78", upper, &"é".repeat(32)] {
            assert_eq!(parse_digest(text), None, "{text}");
        }
    }

    #[test]
    fn chunks_that_are_not_base64_are_refused() {
        let mut sent = wire::Chunk {
            number: 3,
            at_ms: 5,
            stream: wire::Stream::Err,
            data: "AP8=".to_owned(),
        };
        assert_eq!(
            chunk(sent.clone()),
            Some(LogChunk {
                number: 3,
                at: Timestamp::from_millis(5),
                stream: Stream::Err,
                bytes: vec![0, 255],
            })
        );
        sent.data = "not base64!".to_owned();
        assert_eq!(chunk(sent), None);
    }

    #[test]
    fn every_outcome_has_its_twin() {
        for (sent, kept) in [
            (
                wire::Outcome::Exited { code: 7 },
                Outcome::Exited(Exit::Code(7)),
            ),
            (
                wire::Outcome::Signalled { signal: 9 },
                Outcome::Exited(Exit::Signal(9)),
            ),
            (wire::Outcome::Unseen, Outcome::Exited(Exit::Unknown)),
            (wire::Outcome::TimedOut, Outcome::TimedOut),
            (wire::Outcome::Cancelled, Outcome::Cancelled),
            (
                wire::Outcome::NotStarted {
                    message: "no".into(),
                },
                Outcome::NotStarted("no".into()),
            ),
        ] {
            assert_eq!(outcome(sent), kept);
        }
    }
}
