//! What the agent holds, and what is to be said about it.
//!
//! Promise: a slot is reserved before the claim is sent, so two offers never share one;
//! whatever was not answered when a connection broke is said again on the next one; a
//! result is said after all output before it. Pure: no clock, no socket, no process.
//!
//! Leaves to others: running (`run`), carrying (`line`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_api::agent::{AttemptRef, Chunk, FromAgent, Outcome, Work};
use tokio::sync::Notify;

use crate::capture::SharedOutbox;
use crate::lifecycle::{Input, Phase, Step, transition};
use crate::outbox::{Due, Outbox, Piece};

/// Ended attempts whose results are not recorded; beyond this no job is taken.
const MAX_UNRECORDED: usize = 64;
/// Offers that are to be declined; beyond this the daemon's claim deadline says it.
const MAX_DECLINES: usize = 256;
/// Output in one message, in bytes before encoding, with an allowance for each chunk.
const BATCH_BYTES: usize = 256 * 1024;

/// What the agent holds.
pub(crate) struct Desk {
    slots: usize,
    held: BTreeMap<AttemptRef, Entry>,
    declines: VecDeque<AttemptRef>,
    departure: Departure,
    /// Where the search for output to send begins, so that every attempt has its turn.
    turn: Option<AttemptRef>,
    /// Woken when an outbox has something to send.
    work: Arc<Notify>,
}

struct Entry {
    phase: Phase,
    /// Taken when the run starts.
    work: Option<Work>,
    outbox: Arc<SharedOutbox>,
    claim_due: bool,
    result: Option<Outcome>,
    result_due: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Departure {
    Staying,
    /// It leaves; whether the daemon is to be told.
    Leaving {
        due: bool,
    },
}

/// What the agent's loop is to do about a message.
pub(crate) enum Todo {
    /// Run it.
    Start(AttemptRef, Work, Arc<SharedOutbox>),
    /// End its run.
    Stop(AttemptRef),
    /// Nothing.
    Nothing,
}

impl Desk {
    pub(crate) fn new(slots: usize, work: Arc<Notify>) -> Self {
        Self {
            slots,
            held: BTreeMap::new(),
            declines: VecDeque::new(),
            departure: Departure::Staying,
            turn: None,
            work,
        }
    }

    /// An attempt is offered: a slot is reserved, or it is declined.
    pub(crate) fn assigned(&mut self, attempt: AttemptRef, work: Work) {
        if self.held.contains_key(&attempt) {
            self.apply(attempt, Input::Assigned);
        } else if self.has_free_slot() {
            let outbox = Outbox::new(work.log_pressure, work.log_limit_bytes);
            let entry = Entry {
                phase: Phase::Claiming,
                work: Some(work),
                outbox: SharedOutbox::new(outbox, Arc::clone(&self.work)),
                claim_due: true,
                result: None,
                result_due: false,
            };
            self.held.insert(attempt, entry);
        } else if self.declines.len() < MAX_DECLINES {
            self.declines.push_back(attempt);
        }
    }

    /// The daemon, or the run, said something about an attempt.
    pub(crate) fn apply(&mut self, attempt: AttemptRef, input: Input) -> Todo {
        let Some(entry) = self.held.get_mut(&attempt) else {
            return Todo::Nothing;
        };
        let (phase, step) = transition(entry.phase, input);
        entry.phase = phase;
        match step {
            Step::Claim => entry.claim_due = true,
            Step::Start => {
                if let Some(work) = entry.work.take() {
                    return Todo::Start(attempt, work, Arc::clone(&entry.outbox));
                }
            }
            Step::EndUnstarted => entry.tell(Outcome::Cancelled),
            Step::Tell => entry.result_due = true,
            Step::Stop => return Todo::Stop(attempt),
            Step::Forget => {
                self.held.remove(&attempt);
            }
            Step::Ignore => {}
        }
        Todo::Nothing
    }

    /// A run came to its end.
    pub(crate) fn run_ended(&mut self, attempt: AttemptRef, outcome: Outcome) {
        if let Some(entry) = self.held.get_mut(&attempt) {
            entry.tell(outcome);
        }
        self.apply(attempt, Input::RunEnded);
    }

    /// Output of an attempt is stored through a number.
    pub(crate) fn stored(&self, attempt: AttemptRef, through: u64) {
        if let Some(entry) = self.held.get(&attempt) {
            entry.outbox.stored(through);
        }
    }

    /// Takes nothing new from now on.
    pub(crate) fn leave(&mut self) {
        if self.departure == Departure::Staying {
            self.departure = Departure::Leaving { due: true };
        }
    }

    /// A new connection: everything unanswered is due again.
    pub(crate) fn reconnected(&mut self) {
        self.declines.clear();
        if self.is_leaving() {
            self.departure = Departure::Leaving { due: true };
        }
        for entry in self.held.values_mut() {
            entry.claim_due = matches!(entry.phase, Phase::Claiming | Phase::Withdrawn);
            entry.result_due = entry.phase == Phase::Ended;
            entry.outbox.lock().rewind();
        }
    }

    /// The attempts it was granted and still answers for, for `resume`.
    pub(crate) fn granted(&self) -> Vec<AttemptRef> {
        self.those(|phase| matches!(phase, Phase::Running | Phase::Ended))
    }

    /// The attempts whose claim was not answered, for `resume`. It is sent again, and may be
    /// denied by then.
    pub(crate) fn claiming(&self) -> Vec<AttemptRef> {
        self.those(|phase| matches!(phase, Phase::Claiming | Phase::Withdrawn))
    }

    fn those(&self, wanted: impl Fn(Phase) -> bool) -> Vec<AttemptRef> {
        let those = self.held.iter().filter(|(_, entry)| wanted(entry.phase));
        those.map(|(attempt, _)| *attempt).collect()
    }

    /// Whether it has nothing left to do or to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether it takes nothing new.
    pub(crate) fn is_leaving(&self) -> bool {
        self.departure != Departure::Staying
    }

    /// Whether anything is still to be said that nobody asked for: departure and declines.
    pub(crate) fn has_last_words(&self) -> bool {
        self.departure == Departure::Leaving { due: true } || !self.declines.is_empty()
    }

    /// When the next message is to be sent.
    pub(crate) fn due(&self, now: Instant) -> Due {
        if self.has_last_words() || self.held.values().any(|entry| entry.claim_due) {
            return Due::Now;
        }
        let dues = self.held.values().map(|entry| entry.due(now));
        dues.fold(Due::Never, sooner)
    }

    /// The next message, most urgent first.
    pub(crate) fn next_message(&mut self, now: Instant) -> Option<FromAgent> {
        self.next_claim()
            .or_else(|| self.declines.pop_front().map(FromAgent::Decline))
            .or_else(|| self.next_departure())
            .or_else(|| self.next_about_runs(now))
    }

    fn next_claim(&mut self) -> Option<FromAgent> {
        let mut entries = self.held.iter_mut();
        let (attempt, entry) = entries.find(|(_, entry)| entry.claim_due)?;
        entry.claim_due = false;
        Some(FromAgent::Claim(*attempt))
    }

    fn next_departure(&mut self) -> Option<FromAgent> {
        let due = self.departure == Departure::Leaving { due: true };
        due.then(|| {
            self.departure = Departure::Leaving { due: false };
            FromAgent::Leaving
        })
    }

    /// Output, or a result; the attempts take turns.
    fn next_about_runs(&mut self, now: Instant) -> Option<FromAgent> {
        let last = self.turn;
        let is_due = |entry: &Entry| entry.due(now) == Due::Now;
        let after = |attempt: &AttemptRef| last.is_none_or(|last| *attempt > last);
        let mut due = self
            .held
            .iter()
            .filter(|(_, entry)| is_due(entry))
            .map(|(a, _)| *a);
        let first = due.clone().find(after);
        let attempt = first.or_else(|| due.next())?;
        self.turn = Some(attempt);
        let entry = self.held.get_mut(&attempt)?;
        Some(entry.message(attempt, now))
    }

    fn has_free_slot(&self) -> bool {
        let ended = |entry: &&Entry| entry.phase == Phase::Ended;
        let n_ended = self.held.values().filter(ended).count();
        let n_busy = self.held.len() - n_ended;
        !self.is_leaving() && n_busy < self.slots && n_ended < MAX_UNRECORDED
    }
}

impl Entry {
    fn tell(&mut self, outcome: Outcome) {
        self.result = Some(outcome);
        self.result_due = true;
    }

    fn due(&self, now: Instant) -> Due {
        match self.phase {
            Phase::Running | Phase::Ended => {}
            Phase::Claiming | Phase::Withdrawn | Phase::Disowned | Phase::Gone => {
                return Due::Never;
            }
        }
        let outbox = self.outbox.lock();
        if self.result_due && outbox.all_sent() {
            return Due::Now;
        }
        outbox.due(now)
    }

    /// Output while there is any, then the result. Called only when one is due.
    fn message(&mut self, attempt: AttemptRef, now: Instant) -> FromAgent {
        let pieces = self.outbox.lock().take(now, BATCH_BYTES);
        match &self.result {
            Some(outcome) if pieces.is_empty() => {
                self.result_due = false;
                FromAgent::Finished {
                    attempt,
                    outcome: outcome.clone(),
                }
            }
            _ => FromAgent::Output {
                attempt,
                chunks: pieces.into_iter().map(to_chunk).collect(),
            },
        }
    }
}

fn to_chunk(piece: Piece) -> Chunk {
    Chunk {
        number: piece.number,
        at_ms: piece.at_ms,
        stream: piece.stream,
        data: STANDARD.encode(&piece.bytes),
    }
}

fn sooner(one: Due, other: Due) -> Due {
    match (one, other) {
        (Due::Now, _) | (_, Due::Now) => Due::Now,
        (Due::At(one), Due::At(other)) => Due::At(one.min(other)),
        (Due::At(at), Due::Never) | (Due::Never, Due::At(at)) => Due::At(at),
        (Due::Never, Due::Never) => Due::Never,
    }
}

#[cfg(test)]
mod tests;
