//! The agent's program: holds attempts, claims before it runs, repeats what was not
//! answered. It goes on living when the daemon dies.
//!
//! Promise: says and does what the real agent does (see its `desk` and `lifecycle`), so
//! far as the daemon can see it. Pure: knows no time and no connection but its number.

use std::collections::BTreeMap;

use headcount_model::{Digest, Held, JobId, Outcome, Timestamp};

/// One agent's process.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) token: Digest,
    pub(crate) session: Digest,
    /// Whether the daemon welcomed it once: from then on it resumes.
    pub(crate) welcomed: bool,
    /// Its connection, open as far as it knows.
    pub(crate) conn: Option<u64>,
    /// Whether that connection was welcomed.
    pub(crate) up: bool,
    pub(crate) down_since: Timestamp,
    /// Hears offers and does nothing.
    pub(crate) deaf: bool,
    /// Does not leave when the daemon tells it to.
    pub(crate) stubborn: bool,
    /// Is not one that speaks to the daemon.
    pub(crate) worker: bool,
    slots: usize,
    leaving: bool,
    leave_said: bool,
    held: BTreeMap<(JobId, u32), Ran>,
}

/// An attempt it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ran {
    pub(crate) stage: Stage,
    pub(crate) outcome: Option<Outcome>,
}

/// How far an attempt is in the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// The claim is not answered.
    Claiming,
    /// As claiming, but cancelled: it will not run.
    Withdrawn,
    Running,
    /// It is being ended and nobody wants its result.
    Disowned,
    /// It ended; the result is not recorded.
    Ended,
}

/// What it says to the daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    Greeting,
    Claim(JobId, u32),
    Decline(JobId, u32),
    Finished(JobId, u32, Outcome),
    Leaving,
}

/// What it does beside talking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Nothing,
    Start(JobId, u32),
    Stop(JobId, u32),
}

impl Program {
    pub(crate) fn new(token: Digest, session: Digest, slots: u32, now: Timestamp) -> Self {
        Self {
            token,
            session,
            welcomed: false,
            conn: None,
            up: false,
            down_since: now,
            deaf: false,
            stubborn: false,
            worker: false,
            slots: usize::try_from(slots).unwrap_or(1),
            leaving: false,
            leave_said: false,
            held: BTreeMap::new(),
        }
    }

    /// What it answers for, or is about to claim again. What it was told not to run is not
    /// among them.
    pub(crate) fn held(&self) -> Vec<Held> {
        let held = self.held.iter();
        let held = held.filter(|(_, ran)| ran.stage != Stage::Disowned);
        held.map(|((job, attempt), ran)| Held {
            job: *job,
            attempt: *attempt,
            granted: matches!(ran.stage, Stage::Running | Stage::Ended),
        })
        .collect()
    }

    /// Whether it has nothing to do with any attempt.
    pub(crate) fn is_free(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = (JobId, u32)> {
        let held = self.held.iter();
        let running = held.filter(|(_, ran)| matches!(ran.stage, Stage::Running | Stage::Disowned));
        running.map(|(attempt, _)| *attempt)
    }

    /// A job is offered.
    pub(crate) fn offered(&mut self, job: JobId, attempt: u32, declines: bool) -> Option<Said> {
        if self.deaf {
            return None;
        }
        if let Some(ran) = self.held.get(&(job, attempt)) {
            return match ran.stage {
                Stage::Claiming | Stage::Withdrawn | Stage::Running => {
                    Some(Said::Claim(job, attempt))
                }
                Stage::Disowned => None,
                Stage::Ended => self.result(job, attempt),
            };
        }
        let ended = self
            .held
            .values()
            .filter(|ran| ran.stage == Stage::Ended)
            .count();
        if declines || self.leaving || self.held.len() - ended >= self.slots {
            return Some(Said::Decline(job, attempt));
        }
        let ran = Ran {
            stage: Stage::Claiming,
            outcome: None,
        };
        self.held.insert((job, attempt), ran);
        Some(Said::Claim(job, attempt))
    }

    pub(crate) fn granted(&mut self, job: JobId, attempt: u32) -> (Doing, Option<Said>) {
        let Some(ran) = self.held.get_mut(&(job, attempt)) else {
            return (Doing::Nothing, None);
        };
        match ran.stage {
            Stage::Claiming => {
                ran.stage = Stage::Running;
                (Doing::Start(job, attempt), None)
            }
            Stage::Withdrawn => {
                ran.stage = Stage::Ended;
                ran.outcome = Some(Outcome::Cancelled);
                (Doing::Nothing, self.result(job, attempt))
            }
            _ => (Doing::Nothing, None),
        }
    }

    /// The claim or the result is refused.
    pub(crate) fn denied(&mut self, job: JobId, attempt: u32) -> Doing {
        let Some(ran) = self.held.get_mut(&(job, attempt)) else {
            return Doing::Nothing;
        };
        match ran.stage {
            Stage::Running => {
                ran.stage = Stage::Disowned;
                Doing::Stop(job, attempt)
            }
            Stage::Disowned => Doing::Nothing,
            Stage::Claiming | Stage::Withdrawn | Stage::Ended => {
                self.held.remove(&(job, attempt));
                Doing::Nothing
            }
        }
    }

    pub(crate) fn cancelled(&mut self, job: JobId, attempt: u32) -> (Doing, Option<Said>) {
        let Some(ran) = self.held.get_mut(&(job, attempt)) else {
            return (Doing::Nothing, None);
        };
        match ran.stage {
            Stage::Claiming => {
                ran.stage = Stage::Withdrawn;
                (Doing::Nothing, None)
            }
            Stage::Running => (Doing::Stop(job, attempt), None),
            Stage::Ended => (Doing::Nothing, self.result(job, attempt)),
            Stage::Withdrawn | Stage::Disowned => (Doing::Nothing, None),
        }
    }

    /// A run came to its end.
    pub(crate) fn run_ended(&mut self, job: JobId, attempt: u32, outcome: Outcome) -> Option<Said> {
        let ran = self.held.get_mut(&(job, attempt))?;
        if ran.stage == Stage::Disowned {
            self.held.remove(&(job, attempt));
            return None;
        }
        ran.stage = Stage::Ended;
        ran.outcome = Some(outcome);
        self.result(job, attempt)
    }

    pub(crate) fn recorded(&mut self, job: JobId, attempt: u32) {
        let ended = self.held.get(&(job, attempt));
        if ended.is_some_and(|ran| ran.stage == Stage::Ended) {
            self.held.remove(&(job, attempt));
        }
    }

    /// Takes nothing new from now on.
    pub(crate) fn leave(&mut self) -> Option<Said> {
        let new = !std::mem::replace(&mut self.leaving, true);
        (new && self.up).then(|| {
            self.leave_said = true;
            Said::Leaving
        })
    }

    /// Whether it has nothing left to do or to say.
    pub(crate) fn has_left(&self) -> bool {
        self.leaving && self.held.is_empty() && (!self.up || self.leave_said)
    }

    /// A new connection was welcomed: everything unanswered is said again.
    pub(crate) fn reconnected(&mut self) -> Vec<Said> {
        self.welcomed = true;
        self.up = true;
        let mut said = Vec::new();
        if self.leaving {
            self.leave_said = true;
            said.push(Said::Leaving);
        }
        for ((job, attempt), ran) in &self.held {
            match ran.stage {
                Stage::Claiming | Stage::Withdrawn => said.push(Said::Claim(*job, *attempt)),
                Stage::Ended => said.extend(self.result(*job, *attempt)),
                Stage::Running | Stage::Disowned => {}
            }
        }
        said
    }

    fn result(&self, job: JobId, attempt: u32) -> Option<Said> {
        let outcome = self.held.get(&(job, attempt))?.outcome.clone()?;
        Some(Said::Finished(job, attempt, outcome))
    }

    pub(crate) fn is_held(&self, job: JobId, attempt: u32) -> Option<Stage> {
        self.held.get(&(job, attempt)).map(|ran| ran.stage)
    }

    /// Sabotage: it runs this from now on, asked or not.
    pub(crate) fn runs_unasked(&mut self, job: JobId, attempt: u32) {
        let ran = Ran {
            stage: Stage::Running,
            outcome: None,
        };
        self.held.insert((job, attempt), ran);
    }
}
