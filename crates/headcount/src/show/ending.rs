//! How a job stands or ended, in a few words, and as an exit code.

use std::time::Duration;

use headcount_api::{Job, JobState};
use headcount_model::Reason;

use super::time::span;

/// It ran longer than its timeout.
const TIMED_OUT: u8 = 124;
/// Somebody cancelled it.
const CANCELLED: u8 = 125;
/// It could not be started or delivered, or its agent was lost.
const NOT_RUN: u8 = 126;
/// It waited too long.
const EXPIRED: u8 = 127;
/// It failed, and nobody knows how.
const UNKNOWN: u8 = 1;

/// The code that `submit --wait` exits with once the job has ended.
pub(crate) fn exit_code(job: &Job) -> u8 {
    match job.state {
        JobState::Succeeded => 0,
        JobState::Cancelled => CANCELLED,
        JobState::Expired => EXPIRED,
        JobState::Failed => failed(job),
        JobState::Queued | JobState::Assigned | JobState::Running => UNKNOWN,
    }
}

fn failed(job: &Job) -> u8 {
    match job.reason.as_deref().and_then(Reason::from_code) {
        Some(Reason::TimedOut) => TIMED_OUT,
        Some(
            Reason::NotStarted | Reason::Undeliverable | Reason::AgentLost | Reason::NeverFits,
        ) => NOT_RUN,
        _ => match (job.exit_code, job.signal) {
            // A failed job never looks like one that succeeded.
            (Some(code), _) => u8::try_from(code & 0xff)
                .ok()
                .filter(|c| *c > 0)
                .unwrap_or(UNKNOWN),
            (None, Some(signal)) => u8::try_from(signal & 0x7f).map_or(UNKNOWN, |n| 128 | n),
            (None, None) => UNKNOWN,
        },
    }
}

/// A few words: why it waits, or how it ended.
pub(crate) fn words(job: &Job) -> String {
    let told = || job.reason_text.clone().unwrap_or_default();
    match (job.state, job.exit_code, job.signal) {
        (JobState::Succeeded, ..) => String::new(),
        (JobState::Failed, _, _) if job.reason.as_deref() != Some("command_failed") => {
            match &job.message {
                Some(message) => format!("{}: {message}", told()),
                None => told(),
            }
        }
        (JobState::Failed, Some(code), _) => format!("exit code {code}"),
        (JobState::Failed, None, Some(signal)) => format!("ended by {}", signal_name(signal)),
        (JobState::Cancelled | JobState::Expired, ..) => String::new(),
        _ => told(),
    }
}

/// One sentence about a job that has ended, or that stands still.
pub(crate) fn sentence(job: &Job) -> String {
    let mut text = format!("{} {}", job.id, job.state.word());
    let words = words(job);
    if !words.is_empty() {
        text.push_str(&format!(": {words}"));
    }
    if let Some(ran) = ran(job, None) {
        text.push_str(&format!(" (ran {})", span(ran)));
    }
    if job.attempts > 1 {
        text.push_str(&format!(", attempt {}", job.attempts));
    }
    text
}

/// How long its latest attempt ran; with `now`, also one that still runs.
pub(crate) fn ran(job: &Job, now_millis: Option<u64>) -> Option<Duration> {
    let started = job.started_at?.as_millis();
    let running = matches!(job.state, JobState::Running).then_some(now_millis);
    let attempt_end = job.latest.as_ref().and_then(|latest| latest.ended_at);
    let ended = attempt_end
        .or(job.ended_at)
        .map(headcount_api::Moment::as_millis);
    let end = running.flatten().or(ended)?;
    Some(Duration::from_millis(end.saturating_sub(started)))
}

fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        _ => return format!("signal {number}"),
    };
    format!("signal {number} ({name})")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A job with these fields set.
    pub(crate) fn job(fields: Value) -> Job {
        let mut job = json!({
            "id": "job-1", "state": "queued", "runsOn": [], "exclude": [], "priority": 0,
            "command": ["make"], "graceMs": 10_000, "retries": 0, "logLimitBytes": 0,
            "acceptedAt": "1970-01-01T00:00:00Z", "attempts": 0
        });
        for (key, value) in fields.as_object().unwrap() {
            job[key] = value.clone();
        }
        serde_json::from_value(job).unwrap()
    }

    fn failed_with(reason: &str, more: Value) -> Job {
        let mut fields = json!({"state": "failed", "reason": reason});
        if let Some(reason) = Reason::from_code(reason) {
            fields["reasonText"] = json!(reason.sentence());
        }
        for (key, value) in more.as_object().unwrap() {
            fields[key] = value.clone();
        }
        job(fields)
    }

    #[test]
    fn every_end_has_its_code() {
        let none = || json!({});
        for (job, code) in [
            (job(json!({"state": "succeeded", "exitCode": 0})), 0),
            (job(json!({"state": "cancelled"})), 125),
            (job(json!({"state": "expired"})), 127),
            (failed_with("command_failed", json!({"exitCode": 7})), 7),
            (failed_with("command_failed", json!({"exitCode": 255})), 255),
            (failed_with("command_failed", json!({"exitCode": 256})), 1),
            (failed_with("command_failed", json!({"exitCode": 0})), 1),
            (failed_with("command_failed", json!({"signal": 9})), 137),
            (failed_with("command_failed", json!({"signal": 15})), 143),
            (failed_with("command_failed", none()), 1),
            (failed_with("timed_out", json!({"signal": 15})), 124),
            (failed_with("not_started", none()), 126),
            (failed_with("undeliverable", none()), 126),
            (failed_with("agent_lost", none()), 126),
            (failed_with("never_fits", none()), 126),
            (failed_with("something_new", none()), 1),
        ] {
            assert_eq!(exit_code(&job), code, "{job:?}");
        }
    }

    #[test]
    fn every_end_has_its_sentence() {
        let ran = json!({
            "exitCode": 7, "attempts": 2,
            "startedAt": "1970-01-01T00:00:01Z", "endedAt": "1970-01-01T00:00:04.25Z"
        });
        for (job, text) in [
            (
                failed_with("command_failed", ran),
                "job-1 failed: exit code 7 (ran 3.2s), attempt 2",
            ),
            (
                failed_with("command_failed", json!({"signal": 9})),
                "job-1 failed: ended by signal 9 (KILL)",
            ),
            (
                failed_with("timed_out", json!({})),
                "job-1 failed: it ran longer than its timeout",
            ),
            (
                failed_with("not_started", json!({"message": "no such program"})),
                "job-1 failed: the agent could not start its command: no such program",
            ),
            (job(json!({"state": "succeeded"})), "job-1 succeeded"),
            (job(json!({"state": "cancelled"})), "job-1 cancelled"),
            (job(json!({"state": "expired"})), "job-1 expired"),
            (
                job(json!({"reasonText": "the fleet is full"})),
                "job-1 queued: the fleet is full",
            ),
        ] {
            assert_eq!(sentence(&job), text);
        }
    }

    #[test]
    fn a_running_job_has_run_until_now() {
        let running = job(json!({"state": "running", "startedAt": "1970-01-01T00:00:01Z"}));
        assert_eq!(ran(&running, Some(3_000)), Some(Duration::from_secs(2)));
        assert_eq!(ran(&running, None), None);
        assert_eq!(ran(&job(json!({})), Some(3_000)), None);
    }
}
