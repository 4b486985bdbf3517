//! What every call shows besides its answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::provisioner::Observer;
use headcount_calls::{CallError, Said};

/// Sentences of one kind that are kept; the rest is counted with the last.
const KEPT: usize = 3;

/// Looks at every call of the program under test.
pub(super) struct Witness {
    /// Stands in every start-up script.
    pub(super) secret: String,
    seen: Mutex<Seen>,
}

/// What was seen, as sentences.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) calls: usize,
    pub(super) late: Vec<String>,
    pub(super) left: Vec<String>,
    pub(super) told: Vec<String>,
    pub(super) loud: Vec<String>,
    pub(super) slowest: Duration,
}

impl Witness {
    pub(super) fn new(secret: String) -> Self {
        Self {
            secret,
            seen: Mutex::default(),
        }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody's arguments, which everybody on the host can read, name the secret.
    pub(super) fn look_at_arguments(&self) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let path = entry.path().join("cmdline");
            let line = std::fs::read(path).unwrap_or_default();
            if contains(&line, &self.secret) {
                let pid = entry.file_name().to_string_lossy().into_owned();
                let sentence = format!("process {pid} has the start-up script in its arguments");
                keep(&mut self.seen().told, sentence);
            }
        }
    }
}

impl Observer for Witness {
    fn note(&self, verb: &str, took: Duration, ended: &Result<Said, CallError>) {
        let mut seen = self.seen();
        seen.calls += 1;
        seen.slowest = seen.slowest.max(took);
        match ended {
            Ok(said) => {
                if said.left {
                    keep(&mut seen.left, format!("`{verb}` left a process behind"));
                }
                if contains(&said.output, &self.secret) {
                    keep(&mut seen.told, format!("the answer to `{verb}` has it"));
                }
                if said.words.contains(&self.secret) {
                    keep(&mut seen.told, format!("standard error of `{verb}` has it"));
                }
            }
            Err(error @ CallError::Late { .. }) => keep(&mut seen.late, format!("{verb}: {error}")),
            Err(error @ CallError::TooMuch { .. }) => {
                keep(&mut seen.loud, format!("{verb}: {error}"));
            }
            Err(CallError::NotStarted { .. } | CallError::Lost { .. }) => {}
        }
    }
}

fn keep(list: &mut Vec<String>, sentence: String) {
    if list.len() < KEPT {
        list.push(sentence);
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
