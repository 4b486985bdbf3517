//! Per agent: its connection, and the attempts it may speak about.
//!
//! Promise: one connection per agent is heard, the newest that was accepted; words to an
//! agent that is being accepted wait for its welcome instead of getting lost; arrivals
//! and departures of one agent are told to the controller one at a time, in order.
//! Outlives connections, so that a reconnect loses nothing; ends with `forget`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_api::agent::{AttemptRef, ToAgent};
use headcount_model::AgentId;
use headcount_ports::LinkError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Words that wait for one agent to read them.
const MAX_WORDS: usize = 256;
/// Attempts remembered per agent; far above any number of slots.
const MAX_ATTEMPTS: usize = 4096;

/// All seats.
#[derive(Default)]
pub(crate) struct Seats {
    seats: Mutex<BTreeMap<AgentId, Arc<Seat>>>,
}

/// One agent's seat.
#[derive(Default)]
pub(crate) struct Seat {
    /// Held while an arrival or a departure is told to the controller.
    pub(crate) gate: tokio::sync::Mutex<()>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Heard and spoken to.
    current: Option<Wire>,
    /// Asked about at the controller. It is spoken to already: when the controller has
    /// accepted it, its next word may come before we know. The writer waits.
    candidate: Option<Wire>,
    attempts: BTreeMap<AttemptRef, Attempt>,
}

#[derive(Clone, Copy)]
struct Attempt {
    log_limit: u64,
    granted: bool,
}

/// The daemon's end of a connection, kept in the seat.
struct Wire {
    words: mpsc::Sender<ToAgent>,
    goodbye: oneshot::Sender<Goodbye>,
}

/// The connection's end of it.
pub(crate) struct Ends {
    pub(crate) words: mpsc::Receiver<ToAgent>,
    pub(crate) goodbye: oneshot::Receiver<Goodbye>,
    /// The connection's own answers take the same way as the daemon's words.
    pub(crate) answers: mpsc::Sender<ToAgent>,
}

/// Why a connection is ended from this side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goodbye {
    /// A newer connection of the agent was accepted.
    Replaced,
    /// The agent must not come back.
    Forgotten,
}

impl Seats {
    /// The agent's seat, made if there is none.
    pub(crate) fn enter(&self, agent: AgentId) -> Arc<Seat> {
        Arc::clone(self.lock().entry(agent).or_default())
    }

    /// The agent's seat, if it was here.
    pub(crate) fn find(&self, agent: AgentId) -> Option<Arc<Seat>> {
        self.lock().get(&agent).cloned()
    }

    /// Whoever knocked was refused: a seat that nobody uses was made for nothing.
    pub(crate) fn vacate(&self, agent: AgentId, seat: Arc<Seat>) {
        let mut seats = self.lock();
        drop(seat);
        let unused = |seat: &Arc<Seat>| Arc::strong_count(seat) == 1 && seat.is_empty();
        if seats.get(&agent).is_some_and(unused) {
            seats.remove(&agent);
        }
    }

    /// The agent is gone for good.
    pub(crate) fn forget(&self, agent: AgentId) {
        let seat = self.lock().remove(&agent);
        if let Some(seat) = seat {
            seat.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgentId, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// A connection asks to be the agent's. Called with the gate held.
    pub(crate) fn propose(&self) -> Ends {
        let (words, receiver) = mpsc::channel(MAX_WORDS);
        let (goodbye, farewell) = oneshot::channel();
        let answers = words.clone();
        self.lock().candidate = Some(Wire { words, goodbye });
        Ends {
            words: receiver,
            goodbye: farewell,
            answers,
        }
    }

    /// The controller accepted it: it takes the place of the one before. Called with the
    /// gate held.
    pub(crate) fn accept(&self) {
        let mut inner = self.lock();
        let accepted = inner.candidate.take();
        let replaced = std::mem::replace(&mut inner.current, accepted);
        drop(inner);
        if let Some(replaced) = replaced {
            // A connection that ended by itself needs no goodbye.
            let _ = replaced.goodbye.send(Goodbye::Replaced);
        }
    }

    /// The controller refused it: words that were meant for the agent go where it is.
    /// Called with the gate held.
    pub(crate) fn reject(&self, mut ends: Ends) {
        self.lock().candidate = None;
        while let Ok(word) = ends.words.try_recv() {
            // A word that does not get through is as good as one the agent did not answer.
            let _ = self.say(word);
        }
    }

    /// A connection ended; whether it was the agent's. Called with the gate held.
    pub(crate) fn depart(&self, answers: &mpsc::Sender<ToAgent>) -> bool {
        let mut inner = self.lock();
        let was_current = |wire: &mut Wire| wire.words.same_channel(answers);
        inner.current.take_if(was_current).is_some()
    }

    /// Hands a word to the agent's connection.
    pub(crate) fn say(&self, word: ToAgent) -> Result<(), LinkError> {
        let inner = self.lock();
        let wire = inner.candidate.as_ref().or(inner.current.as_ref());
        let wire = wire.ok_or(LinkError::NotConnected)?;
        wire.words.try_send(word).map_err(|error| match error {
            TrySendError::Full(_) => LinkError::Congested,
            TrySendError::Closed(_) => LinkError::NotConnected,
        })
    }

    /// An attempt is offered.
    pub(crate) fn offered(&self, attempt: AttemptRef, log_limit: u64) {
        let mut inner = self.lock();
        inner.make_room();
        let known = inner.attempts.entry(attempt).or_insert(Attempt {
            log_limit,
            granted: false,
        });
        known.log_limit = log_limit;
    }

    /// The controller granted an attempt.
    pub(crate) fn granted(&self, attempt: AttemptRef, default_log_limit: u64) {
        let mut inner = self.lock();
        inner.make_room();
        let known = inner.attempts.entry(attempt).or_insert(Attempt {
            log_limit: default_log_limit,
            granted: true,
        });
        known.granted = true;
    }

    /// How much output of an attempt may be stored; `None` unless it was granted.
    pub(crate) fn log_limit(&self, attempt: AttemptRef) -> Option<u64> {
        let inner = self.lock();
        let known = inner.attempts.get(&attempt);
        known
            .filter(|known| known.granted)
            .map(|known| known.log_limit)
    }

    /// The attempt is over for this agent.
    pub(crate) fn over(&self, attempt: AttemptRef) {
        self.lock().attempts.remove(&attempt);
    }

    fn close(&self) {
        let mut inner = self.lock();
        let wires = [inner.current.take(), inner.candidate.take()];
        drop(inner);
        for wire in wires.into_iter().flatten() {
            // A connection that ended by itself needs no goodbye.
            let _ = wire.goodbye.send(Goodbye::Forgotten);
        }
    }

    fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.current.is_none() && inner.candidate.is_none() && inner.attempts.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets the oldest offer that nobody claimed, else the oldest attempt.
    fn make_room(&mut self) {
        if self.attempts.len() < MAX_ATTEMPTS {
            return;
        }
        let unclaimed = self.attempts.iter().find(|(_, known)| !known.granted);
        let oldest = unclaimed.or_else(|| self.attempts.iter().next());
        if let Some(oldest) = oldest.map(|(attempt, _)| *attempt) {
            self.attempts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 1,
    };
    const ATTEMPT: AttemptRef = AttemptRef { job: 7, attempt: 1 };

    #[test]
    fn words_wait_for_whoever_is_being_accepted() {
        let seat = Seat::default();
        assert_eq!(seat.say(ToAgent::Drain), Err(LinkError::NotConnected));
        let mut ends = seat.propose();
        assert_eq!(seat.say(ToAgent::Drain), Ok(()));
        seat.accept();
        assert_eq!(ends.words.try_recv(), Ok(ToAgent::Drain));
    }

    #[test]
    fn words_said_to_an_impostor_reach_the_agent() {
        let seat = Seat::default();
        let mut agent = seat.propose();
        seat.accept();
        let impostor = seat.propose();
        assert_eq!(seat.say(ToAgent::Drain), Ok(()));
        seat.reject(impostor);
        assert_eq!(agent.words.try_recv(), Ok(ToAgent::Drain));
        assert!(agent.goodbye.try_recv().is_err());
    }

    #[test]
    fn a_newer_connection_takes_the_place_of_the_older() {
        let seat = Seat::default();
        let mut old = seat.propose();
        seat.accept();
        let new = seat.propose();
        seat.accept();
        assert_eq!(old.goodbye.try_recv(), Ok(Goodbye::Replaced));
        assert!(!seat.depart(&old.answers));
        assert!(seat.depart(&new.answers));
        assert!(!seat.depart(&new.answers));
    }

    #[test]
    fn words_nobody_reads_are_bounded() {
        let seat = Seat::default();
        let _ends = seat.propose();
        for _ in 0..MAX_WORDS {
            assert_eq!(seat.say(ToAgent::Drain), Ok(()));
        }
        assert_eq!(seat.say(ToAgent::Drain), Err(LinkError::Congested));
    }

    #[test]
    fn only_granted_attempts_have_a_limit() {
        let seat = Seat::default();
        seat.offered(ATTEMPT, 5);
        assert_eq!(seat.log_limit(ATTEMPT), None);
        seat.granted(ATTEMPT, 9);
        assert_eq!(seat.log_limit(ATTEMPT), Some(5));
        seat.over(ATTEMPT);
        seat.granted(ATTEMPT, 9);
        assert_eq!(seat.log_limit(ATTEMPT), Some(9));
    }

    #[test]
    fn attempts_are_bounded_and_offers_go_first() {
        let seat = Seat::default();
        seat.granted(ATTEMPT, 5);
        for job in 100..100 + MAX_ATTEMPTS as u64 {
            seat.offered(AttemptRef { job, attempt: 1 }, 5);
        }
        assert_eq!(seat.lock().attempts.len(), MAX_ATTEMPTS);
        assert_eq!(seat.log_limit(ATTEMPT), Some(5));
    }

    #[test]
    fn seats_made_for_nothing_are_removed() {
        let seats = Seats::default();
        let seat = seats.enter(AGENT);
        seats.vacate(AGENT, seat);
        assert!(seats.find(AGENT).is_none());
        let seat = seats.enter(AGENT);
        let mut ends = seat.propose();
        seat.accept();
        seats.vacate(AGENT, seat);
        assert!(seats.find(AGENT).is_some());
        seats.forget(AGENT);
        assert_eq!(ends.goodbye.try_recv(), Ok(Goodbye::Forgotten));
        assert!(seats.find(AGENT).is_none());
    }
}
