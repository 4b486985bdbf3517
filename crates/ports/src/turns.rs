//! Who acts on an agent's instance, one at a time, and which agents are over: for backends
//! whose instances somebody else keeps (an engine, a cluster).
//!
//! Promise: creating, destroying and burying one agent never overlap; a creation that was
//! asked for before a destruction is not made after it; the end of an agent is told once.
//! Leaves what exists to whoever keeps it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use headcount_model::{AgentId, Exit};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::BackendError;

/// Agents that are over and remembered.
const REMEMBERED: usize = 256;

/// Of all agents of one backend.
#[derive(Default)]
pub struct Turns {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    lines: HashMap<AgentId, Kept>,
    over: VecDeque<Over>,
}

/// A line, for as long as somebody is in it.
#[derive(Default)]
struct Kept {
    line: Arc<Line>,
    places: usize,
}

/// Those who wait to act on one agent.
#[derive(Default)]
struct Line {
    turn: Arc<Turn<()>>,
    /// Grows with each destruction that is asked for.
    unwanted: AtomicU64,
    /// How many of them make it.
    makers: AtomicU64,
}

/// An agent of which nothing is left.
#[derive(Clone, Debug)]
struct Over {
    agent: AgentId,
    exit: Exit,
    words: Vec<String>,
}

/// A place in the line of an agent. Leaving it forgets the line when nobody else is in it.
pub struct Place {
    agent: AgentId,
    line: Arc<Line>,
    unwanted: u64,
    makes: bool,
    inner: Arc<Mutex<Inner>>,
}

impl Turns {
    /// Takes a place now; the turn comes later.
    #[must_use]
    pub fn enter(&self, agent: AgentId) -> Place {
        let mut inner = self.lock();
        let kept = inner.lines.entry(agent).or_default();
        kept.places += 1;
        let line = kept.line.clone();
        Place {
            agent,
            unwanted: line.unwanted.load(Ordering::Acquire),
            makes: false,
            line,
            inner: self.inner.clone(),
        }
    }

    /// The same for who is going to make it.
    #[must_use]
    pub fn enter_to_make(&self, agent: AgentId) -> Place {
        let mut place = self.enter(agent);
        place.makes = true;
        place.line.makers.fetch_add(1, Ordering::AcqRel);
        place
    }

    /// Whether somebody acts on it, or is about to.
    #[must_use]
    pub fn is_taken(&self, agent: AgentId) -> bool {
        self.lock().lines.contains_key(&agent)
    }

    /// Everybody who is being made, or about to be.
    #[must_use]
    pub fn in_making(&self) -> HashSet<AgentId> {
        let inner = self.lock();
        let lines = inner.lines.iter();
        let making = lines.filter(|(_, kept)| kept.line.makers.load(Ordering::Acquire) > 0);
        making.map(|(agent, _)| *agent).collect()
    }

    /// How an agent ended, if it is over.
    #[must_use]
    pub fn over(&self, agent: AgentId) -> Option<Exit> {
        let inner = self.lock();
        let over = inner.over.iter().find(|over| over.agent == agent);
        over.map(|over| over.exit)
    }

    /// Nothing of it is left. False when that is known already.
    pub fn note_over(&self, agent: AgentId, exit: Exit, words: Vec<String>) -> bool {
        let mut inner = self.lock();
        if inner.over.iter().any(|over| over.agent == agent) {
            return false;
        }
        if inner.over.len() >= REMEMBERED {
            inner.over.pop_front();
        }
        inner.over.push_back(Over { agent, exit, words });
        true
    }

    /// The last output of an agent that is over.
    #[must_use]
    pub fn words(&self, agent: AgentId, max_lines: usize) -> Option<Vec<String>> {
        let inner = self.lock();
        let over = inner.over.iter().find(|over| over.agent == agent)?;
        let from = over.words.len().saturating_sub(max_lines);
        over.words.get(from..).map(<[String]>::to_vec)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Place {
    /// Creations that stand in line now come to nothing.
    pub fn unwant(&self) {
        self.line.unwanted.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a destruction was asked for since this place was taken.
    #[must_use]
    pub fn is_unwanted(&self) -> bool {
        self.line.unwanted.load(Ordering::Acquire) != self.unwanted
    }

    /// Goes on only while the instance is wanted and somebody waits for it.
    ///
    /// # Errors
    /// [`BackendError::Transient`]: it was given up before it was made.
    pub fn still_wanted(&self, asker: &Asker) -> Result<(), BackendError> {
        if self.is_unwanted() || asker.is_gone() {
            let given_up = format!("{} was given up before it was made", self.agent);
            return Err(BackendError::Transient(given_up));
        }
        Ok(())
    }

    /// The turn; it ends when the guard is dropped. Safe to cancel.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.line.turn.clone().lock_owned().await
    }
}

/// Whoever asked for an instance.
pub struct Asker(Weak<()>);

impl Asker {
    /// Nobody waits for the answer any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Makes an instance to the end, also when whoever asked stops waiting: it then shows in
/// the next list. What has not begun by then may see that by the [`Asker`].
///
/// # Errors
/// Those of the making; [`BackendError::Unknown`] when the runtime ended under it.
pub async fn to_the_end<F>(making: impl FnOnce(Asker) -> F) -> Result<(), BackendError>
where
    F: Future<Output = Result<(), BackendError>> + Send + 'static,
{
    let waits = Arc::new(());
    let made = tokio::spawn(making(Asker(Arc::downgrade(&waits)))).await;
    drop(waits);
    made.unwrap_or_else(|_| Err(BackendError::Unknown("the daemon is ending".into())))
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = lock(&self.inner);
        if self.makes {
            self.line.makers.fetch_sub(1, Ordering::AcqRel);
        }
        if let Entry::Occupied(mut kept) = inner.lines.entry(self.agent) {
            kept.get_mut().places -= 1;
            if kept.get().places == 0 {
                kept.remove();
            }
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: u32) -> AgentId {
        AgentId { epoch: 1, number }
    }

    #[tokio::test]
    async fn turns_of_one_agent_do_not_overlap_and_lines_are_forgotten() {
        let turns = Turns::default();
        let (first, second, other) = (
            turns.enter(agent(1)),
            turns.enter(agent(1)),
            turns.enter(agent(2)),
        );
        let held = first.turn().await;
        let _elsewhere = other.turn().await;
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, second.turn()).await;
        assert!(waiting.is_err(), "the turn is taken");
        drop(held);
        let _ = second.turn().await;
        drop((first, second));
        assert_eq!(turns.lock().lines.len(), 1);
        drop(other);
        assert_eq!(turns.lock().lines.len(), 0);
    }

    #[test]
    fn a_destruction_undoes_creations_that_stand_in_line() {
        let turns = Turns::default();
        let create = turns.enter(agent(1));
        let destroy = turns.enter(agent(1));
        destroy.unwant();
        assert!(create.is_unwanted());
        assert!(
            !turns.enter(agent(1)).is_unwanted(),
            "a later one is wanted"
        );
    }

    #[tokio::test]
    async fn a_making_goes_on_without_its_asker_and_knows_it() {
        let (go, wait) = tokio::sync::oneshot::channel();
        let (tell, told) = tokio::sync::oneshot::channel();
        let making = to_the_end(|asker| async move {
            assert!(!asker.is_gone());
            wait.await.expect("the test lets it go on");
            tell.send(asker.is_gone()).expect("the test listens");
            Ok(())
        });
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), making).await;
        assert!(given_up.is_err());
        go.send(()).expect("it goes on");
        assert_eq!(told.await, Ok(true));
        let refused = || BackendError::Invalid("no".into());
        let answer = to_the_end(|_| async move { Err(refused()) }).await;
        assert_eq!(answer, Err(refused()));
    }

    #[test]
    fn who_is_made_is_told_from_who_is_ended() {
        let turns = Turns::default();
        let (_ending, making) = (turns.enter(agent(1)), turns.enter_to_make(agent(2)));
        let twice = (turns.enter(agent(2)), turns.enter_to_make(agent(2)));
        assert_eq!(turns.in_making(), HashSet::from([agent(2)]));
        drop(twice);
        assert_eq!(turns.in_making(), HashSet::from([agent(2)]));
        drop(making);
        assert_eq!(turns.in_making(), HashSet::new());
    }

    #[test]
    fn an_end_is_noted_once_and_memory_is_bounded() {
        let turns = Turns::default();
        let words = vec!["a".to_owned(), "b".to_owned()];
        assert!(turns.note_over(agent(0), Exit::Code(3), words));
        assert!(!turns.note_over(agent(0), Exit::Unknown, Vec::new()));
        assert_eq!(turns.over(agent(0)), Some(Exit::Code(3)));
        assert_eq!(turns.words(agent(0), 1), Some(vec!["b".to_owned()]));
        for number in 1..=REMEMBERED as u32 {
            turns.note_over(agent(number), Exit::Unknown, Vec::new());
        }
        assert_eq!(turns.over(agent(0)), None);
        assert_eq!(turns.words(agent(0), 1), None);
    }
}
