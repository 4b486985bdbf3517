//! One granted job, from its directory to its outcome.
//!
//! Promise: returns once nothing of the job is left running (or could not be ended within
//! [`SWEEP_LIMIT`]) and all of its output is in the outbox. Never fails: what goes wrong
//! is an outcome. Leaves to others: sending output and outcome.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use headcount_api::agent::{AttemptRef, Outcome, Work};
use rustix::process::{Signal, WaitStatus};
use tokio::sync::Notify;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::capture::{Pipes, SharedOutbox};
use crate::command;
use crate::ending::{Cause, Input, Phase, Step, transition};
use crate::place::{self, Place};
use crate::warden::{Started, Warden};

/// Processes that outlive the main process of a job which ended by itself have this long
/// between TERM and KILL.
const LEFTOVER_GRACE: Duration = Duration::from_millis(200);
/// Ending what is left of a job takes at most this long; only a process that hangs in the
/// kernel takes longer.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);
/// Between two looks at processes that were killed, where no death of a child tells.
const SWEEP_LOOK: Duration = Duration::from_millis(20);
/// Pipes that somebody keeps open after the end are read for this long.
const PIPE_LIMIT: Duration = Duration::from_secs(1);
/// Why a job could not be started is told in at most this much; the program's name, which
/// is part of it, may be anything.
const MAX_MESSAGE_BYTES: usize = 4096;
/// A timeout or a grace beyond this is cut: clocks cannot count further.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What a run needs.
pub(crate) struct Run {
    pub(crate) attempt: AttemptRef,
    pub(crate) work: Work,
    pub(crate) place: Place,
    pub(crate) warden: Warden,
    pub(crate) outbox: Arc<SharedOutbox>,
    /// Told when the job should end.
    pub(crate) stop: Arc<Notify>,
}

/// How it went, and the directory that is to be removed.
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    pub(crate) leftover: Option<PathBuf>,
}

impl Run {
    /// Runs the job to its end.
    pub(crate) async fn run(self) -> Finished {
        let (dir, leftover) = match self.make_dir() {
            Ok(dirs) => dirs,
            Err(message) => return not_started(message, None),
        };
        let started = match self.start(&dir).await {
            Ok(started) => started,
            Err(message) => return not_started(message, leftover),
        };
        tracing::info!(
            job = self.attempt.job,
            attempt = self.attempt.attempt,
            pid = started.pid,
            "job started"
        );
        let outcome = self.attend(started).await;
        self.place.remove_pid(self.attempt);
        tracing::info!(
            job = self.attempt.job,
            attempt = self.attempt.attempt,
            ?outcome,
            "job ended"
        );
        Finished { outcome, leftover }
    }

    /// Where to run, and what to remove afterwards.
    fn make_dir(&self) -> Result<(PathBuf, Option<PathBuf>), String> {
        if let Some(dir) = &self.work.working_dir {
            return Ok((dir.into(), None));
        }
        let fresh = self.place.make_work_dir(self.attempt);
        let fresh = fresh.map_err(|error| format!("no working directory can be made: {error}"))?;
        Ok((fresh.clone(), Some(fresh)))
    }

    async fn start(&self, dir: &Path) -> Result<Started, String> {
        let mark = self.place.mark_of(self.attempt);
        let command = command::build(&self.work, self.attempt, dir, &mark, std::env::vars_os())?;
        let (place, attempt) = (self.place.clone(), self.attempt);
        let note = Box::new(move |pid, start_time| place.write_pid(attempt, pid, start_time));
        let started = self.warden.spawn(attempt, mark, command, note).await;
        started.map_err(|error| command::explain(&error, &self.work, dir))
    }

    async fn attend(&self, started: Started) -> Outcome {
        let Started {
            stdout,
            stderr,
            exit,
            ..
        } = started;
        let mut pipes = Pipes::new(stdout, stderr);
        if let Err(error) = &pipes {
            tracing::error!(%error, "output of the job cannot be read");
        }
        let capture = async {
            if let Ok(pipes) = &mut pipes {
                pipes.drain_into(&self.outbox).await;
            }
        };
        tokio::pin!(capture);
        let supervision = self.supervise(exit);
        tokio::pin!(supervision);
        let mut captured = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut supervision => break outcome,
                () = &mut capture, if !captured => captured = true,
            }
        };
        self.outbox.lift();
        if !captured && timeout(PIPE_LIMIT, capture).await.is_err() {
            tracing::warn!(
                job = self.attempt.job,
                "a process that outlived the job keeps its output open; the rest is not read"
            );
        }
        self.outbox.close();
        outcome
    }

    /// Waits for the main process, ends it when asked, then ends what it left behind.
    async fn supervise(&self, mut exit: oneshot::Receiver<WaitStatus>) -> Outcome {
        let begun = Instant::now();
        let time_up = self.work.timeout_ms.map(|ms| begun + span(ms));
        let mut grace_over = None;
        let mut phase = Phase::Running;
        let status = loop {
            let input = tokio::select! {
                status = &mut exit => break status.ok(),
                () = self.stop.notified() => Input::End(Cause::Cancel),
                () = at(time_up), if phase == Phase::Running => Input::End(Cause::Time),
                () = at(grace_over), if matches!(phase, Phase::Terminating(_)) => Input::GraceOver,
            };
            let (next, step) = transition(phase, input);
            phase = next;
            match step {
                Step::Terminate => {
                    grace_over = Some(Instant::now() + span(self.work.grace_ms));
                    self.warden.signal(self.attempt, Signal::TERM).await;
                }
                Step::Kill => {
                    self.warden.signal(self.attempt, Signal::KILL).await;
                }
                Step::Ignore => {}
            }
        };
        let (phase, _) = transition(phase, Input::Exited);
        self.sweep(grace_over.unwrap_or_else(|| Instant::now() + LEFTOVER_GRACE))
            .await;
        outcome(phase, status)
    }

    /// Ends everything that is left: TERM until `grace_over`, then KILL.
    async fn sweep(&self, grace_over: Instant) {
        let give_up = grace_over.max(Instant::now()) + SWEEP_LIMIT;
        let mut deaths = self.warden.deaths();
        loop {
            deaths.mark_unchanged();
            let now = Instant::now();
            let polite = now < grace_over;
            let signal = if polite { Signal::TERM } else { Signal::KILL };
            if self.warden.signal(self.attempt, signal).await == 0 {
                break;
            }
            if now >= give_up {
                tracing::error!(
                    job = self.attempt.job,
                    "processes of the job cannot be ended"
                );
                break;
            }
            let next_look = if polite { grace_over } else { now + SWEEP_LOOK };
            // Whether a death or the time came, there is another look.
            let _ = timeout_at(next_look, deaths.changed()).await;
        }
        self.warden.forget(self.attempt).await;
    }
}

fn not_started(mut message: String, leftover: Option<PathBuf>) -> Finished {
    message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
    Finished {
        outcome: Outcome::NotStarted { message },
        leftover,
    }
}

/// Removes the directory of a run. What cannot be removed is left to the backend, which
/// removes the agent's whole directory.
pub(crate) fn remove_leftover(dir: &Path) {
    if let Err(error) = place::remove_tree(dir) {
        tracing::warn!(dir = %dir.display(), %error, "working directory cannot be removed");
    }
}

fn outcome(phase: Phase, status: Option<WaitStatus>) -> Outcome {
    match (phase, status) {
        (Phase::Over(Some(Cause::Time)), _) => Outcome::TimedOut,
        (Phase::Over(Some(Cause::Cancel)), _) => Outcome::Cancelled,
        (_, Some(status)) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Outcome::Exited { code },
            (None, Some(signal)) => Outcome::Signalled { signal },
            (None, None) => Outcome::Unseen,
        },
        (_, None) => Outcome::Unseen,
    }
}

fn span(ms: u64) -> Duration {
    Duration::from_millis(ms).min(LONGEST)
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
