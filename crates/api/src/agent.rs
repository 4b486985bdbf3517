//! The agent protocol: JSON text frames over a WebSocket, one message a frame, the
//! field `type` selects.
//!
//! ```text
//! agent                                   daemon
//!   register (token, session's digest) ->
//!                                      <- welcome | refused, close
//!                                      <- assign
//!   claim                              ->          (durable before it is granted)
//!                                      <- granted | denied
//!   output, output, ...                ->
//!                                      <- stored (through a number)
//!   finished                           ->          (durable before it is acknowledged)
//!                                      <- recorded
//!   leaving                            ->
//! ```
//!
//! After a broken connection the agent sends `resume` instead of `register` and then
//! everything that was not answered: claims, output after the last `stored`, results.
//! Every message may arrive twice; none does harm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod pin;

pub use pin::{NotAPin, Pin};

/// The version both sides speak. One version back is served, anything else is refused.
pub const PROTOCOL: u32 = 1;
/// The oldest version that is still served.
pub const OLDEST_PROTOCOL: u32 = 1;
/// The path of the agents' listener.
pub const PATH: &str = "/agent/v1";
/// The largest frame either side accepts, in bytes: a job of 1 MiB, the largest that the
/// queue takes, fits even if every character of it must be escaped.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;
/// How often an agent sends a ping, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 20;
/// A connection on which nothing arrived for this long is given up, in seconds.
pub const SILENCE_SECONDS: u64 = 60;
/// The longest delay before an agent tries to connect again, in seconds. The daemon's
/// recovery time is longer.
pub const MAX_RECONNECT_SECONDS: u64 = 30;

/// Environment given to the agent program. None of it reaches a job, but
/// [`ORIGIN`](env::ORIGIN) and [`MACHINE_DIR`](env::MACHINE_DIR).
pub mod env {
    /// Where the daemon listens: `unix:/path/agents.sock` or `wss://host:port`, `ws://` for
    /// loopback only.
    pub const URL: &str = "HEADCOUNT_AGENT_URL";
    /// Which keys the daemon's certificate, or one that it is signed by, must have: pins with
    /// commas between. Unset for `wss://` are the authorities that the agent's host trusts.
    pub const PIN: &str = "HEADCOUNT_AGENT_PIN";
    /// The agent's id.
    pub const ID: &str = "HEADCOUNT_AGENT_ID";
    /// A file with the one-time token; the agent removes it once it is registered, or
    /// empties one that is mounted.
    pub const TOKEN_FILE: &str = "HEADCOUNT_AGENT_TOKEN_FILE";
    /// Comma-joined labels.
    pub const LABELS: &str = "HEADCOUNT_AGENT_LABELS";
    /// Jobs it runs at once.
    pub const SLOTS: &str = "HEADCOUNT_AGENT_SLOTS";
    /// A directory of the agent's own, for the jobs' working directories. The agent makes
    /// it, where only its parent is there.
    pub const DIR: &str = "HEADCOUNT_AGENT_DIR";
    /// Marks everything that descends from the agent. It is passed on to jobs, and no job can
    /// replace it.
    pub const ORIGIN: &str = "HEADCOUNT_ORIGIN";
    /// The folder of the machine, where its provisioner gave it one. It is passed on to jobs
    /// like the origin, so that whoever ends the machine finds all that runs on it.
    pub const MACHINE_DIR: &str = "HEADCOUNT_MACHINE_DIR";
    /// Prefix of everything the daemon forwards from its own environment.
    pub const FORWARD_PREFIX: &str = "HEADCOUNT_AGENT_ENV_";
}

/// Files an agent keeps in its own directory ([`env::DIR`]), so that whoever made it finds
/// what it leaves behind when it is killed.
///
/// ```text
/// <dir>/jobs/mark         one line: the agent's mark, random, new at each start
/// <dir>/jobs/12-1.pid     one line: "<pid> <start time>" of the main process of job 12's
///                         first attempt, which leads a session and a group of its own;
///                         start time is field 22 of /proc/<pid>/stat
/// <dir>/work/12-1/        its fresh working directory
/// ```
///
/// A pid file is written right after the process started and removed when nothing of the
/// job is left. Every process of a job inherits [`JOB_MARK`](files::JOB_MARK) with the value
/// `<agent's mark>/<job>-<attempt>`, so that one that left its group and session is still
/// found by its environment.
pub mod files {
    /// Folder of the pid files and of the mark.
    pub const JOBS: &str = "jobs";
    /// The agent's mark.
    pub const MARK: &str = "mark";
    /// Folder of the fresh working directories.
    pub const WORK: &str = "work";
    /// Environment variable of every process of a job.
    pub const JOB_MARK: &str = "HEADCOUNT_JOB_MARK";

    /// Name of the pid file of an attempt.
    #[must_use]
    pub fn pid_file(attempt: super::AttemptRef) -> String {
        format!("{}.pid", stem(attempt))
    }

    /// What is common to all names of an attempt: `<job>-<attempt>`.
    #[must_use]
    pub fn stem(attempt: super::AttemptRef) -> String {
        format!("{}-{}", attempt.job, attempt.attempt)
    }

    /// The text of a pid file.
    #[must_use]
    pub fn format_pid(pid: i32, start_time: u64) -> String {
        format!("{pid} {start_time}\n")
    }

    /// Reads the text of a pid file; `None` when it is cut short or something else.
    #[must_use]
    pub fn parse_pid(text: &str) -> Option<(i32, u64)> {
        let (pid, start_time) = text.strip_suffix('\n')?.split_once(' ')?;
        let pid: i32 = pid.parse().ok().filter(|pid| *pid > 0)?;
        Some((pid, start_time.parse().ok()?))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn pid_files_read_back_and_anything_else_is_refused() {
            assert_eq!(parse_pid(&format_pid(42, 977)), Some((42, 977)));
            for text in [
                "", "42", "42 977", "0 977\n", "-1 977\n", "42 x\n", "42  9\n",
            ] {
                assert_eq!(parse_pid(text), None, "{text:?}");
            }
        }
    }
}

/// A text that proves who somebody is. It is sent, and never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credential(String);

impl Credential {
    /// Wraps a token or a session secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that checks it. Digests are SHA-256 over its bytes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[credential]")
    }
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FromAgent {
    /// First message of a new agent.
    Register {
        /// Version it speaks.
        protocol: u32,
        /// Its id.
        agent: String,
        /// Its one-time token.
        token: Credential,
        /// SHA-256 of the text of the session secret it chose, in lower-case hex.
        session_digest: String,
        /// Its program version.
        version: String,
        /// Its host, for people.
        hostname: String,
    },
    /// First message after a broken connection.
    Resume {
        /// Version it speaks.
        protocol: u32,
        /// Its id.
        agent: String,
        /// The session secret it chose.
        session: Credential,
        /// Attempts it was granted, and of which no end is recorded.
        held: Vec<AttemptRef>,
        /// Attempts it claimed without having seen an answer. It claims them again, so one
        /// whose claim was recorded is not lost.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        claiming: Vec<AttemptRef>,
    },
    /// May I run it?
    Claim(AttemptRef),
    /// I cannot take it now.
    Decline(AttemptRef),
    /// Output of an attempt.
    Output {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptRef,
        /// In order.
        chunks: Vec<Chunk>,
    },
    /// An attempt ended. Sent after all of its output.
    Finished {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptRef,
        /// How.
        outcome: Outcome,
    },
    /// It takes nothing new and leaves once its jobs have ended.
    Leaving,
}

/// What the daemon says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ToAgent {
    /// Registered, or resumed.
    Welcome {
        /// Version the daemon speaks.
        protocol: u32,
    },
    /// Not registered or resumed; the connection closes. The agent ends what it runs and
    /// exits, unless `retry` is set.
    Refused {
        /// A word for programs.
        code: String,
        /// A sentence for people.
        message: String,
        /// Whether coming back later may help.
        retry: bool,
    },
    /// Here is a job; claim it before running it.
    Assign {
        /// Which attempt, from 1.
        attempt: u32,
        /// What to run.
        work: Work,
    },
    /// The claim is durable: run it, unless it runs or ended already.
    Granted(AttemptRef),
    /// Do not run it, end it if it runs, and forget it, its result included.
    Denied {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptRef,
        /// A word for programs.
        code: String,
    },
    /// End it: TERM, grace, KILL. Answer with `finished`.
    Cancel(AttemptRef),
    /// Output is stored through this number.
    Stored {
        /// Which attempt.
        #[serde(flatten)]
        attempt: AttemptRef,
        /// The highest number stored without a gap.
        through: u64,
    },
    /// The result is recorded: forget it.
    Recorded(AttemptRef),
    /// Take nothing new; leave once your jobs have ended.
    Drain,
}

/// One attempt of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRef {
    /// The job's number.
    pub job: u64,
    /// From 1.
    pub attempt: u32,
}

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// Counts up from 1 over both streams.
    pub number: u64,
    /// When it was read, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Where it came from.
    pub stream: Stream,
    /// The bytes, in standard base64.
    pub data: String,
}

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// A remark of the agent: one line, without a line end.
    Note,
}

/// Everything needed to run a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// The job's number.
    pub job: u64,
    /// The name its owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What to execute.
    pub command: Command,
    /// Set for the job.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where to run; unset is a fresh directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// TERM after this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Between TERM and KILL.
    pub grace_ms: u64,
    /// Output beyond this is not sent, in bytes.
    pub log_limit_bytes: u64,
    /// What to do with output that cannot be sent.
    pub log_pressure: LogPressure,
}

/// What to execute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Program and arguments.
    Argv(Vec<String>),
    /// Text for `/bin/sh -e -c`.
    Script(String),
}

/// What to do with output that cannot be sent as fast as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogPressure {
    /// Stop reading the job's pipe.
    Pause,
    /// Keep reading and drop lines.
    Drop,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It returned.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// Which.
        signal: i32,
    },
    /// Nobody saw how.
    Unseen,
    /// Its time was up.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// It could not be started.
    NotStarted {
        /// Why.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_look_as_documented() {
        let attempt = AttemptRef { job: 7, attempt: 1 };
        let finished = FromAgent::Finished {
            attempt,
            outcome: Outcome::Exited { code: 3 },
        };
        let text = serde_json::to_string(&finished).unwrap();
        assert_eq!(
            text,
            r#"{"type":"finished","job":7,"attempt":1,"outcome":{"kind":"exited","code":3}}"#
        );
        let granted = serde_json::to_string(&ToAgent::Granted(attempt)).unwrap();
        assert_eq!(granted, r#"{"type":"granted","job":7,"attempt":1}"#);
        assert_eq!(
            serde_json::from_str::<ToAgent>(&granted).unwrap(),
            ToAgent::Granted(attempt)
        );
    }

    #[test]
    fn credentials_are_sent_and_never_printed() {
        let hello = FromAgent::Resume {
            protocol: PROTOCOL,
            agent: "a-1-1".to_owned(),
            session: Credential::new("hunter2".to_owned()),
            held: Vec::new(),
            claiming: Vec::new(),
        };
        assert!(!format!("{hello:?}").contains("hunter2"));
        let text = serde_json::to_string(&hello).unwrap();
        assert!(text.contains(r#""session":"hunter2""#));
        assert_eq!(serde_json::from_str::<FromAgent>(&text).unwrap(), hello);
    }
}
