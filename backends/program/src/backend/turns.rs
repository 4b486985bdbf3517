//! Who acts on an agent's machine, one at a time.
//!
//! Promise: creating and destroying one agent never overlap; a creation that was asked for
//! before a destruction is not made after it. Leaves what exists to the provisioner.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::AgentId;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

#[derive(Default)]
pub(super) struct Turns {
    lines: Arc<Lines>,
}

type Lines = Mutex<HashMap<AgentId, Arc<Line>>>;

/// Those who wait to act on one agent.
#[derive(Default)]
struct Line {
    turn: Arc<Turn<()>>,
    /// Grows with each destruction that is asked for.
    unwanted: AtomicU64,
}

/// A place in the line of an agent. Leaving it forgets the line when nobody else is in it.
pub(super) struct Place {
    agent: AgentId,
    line: Arc<Line>,
    unwanted: u64,
    lines: Arc<Lines>,
}

impl Turns {
    /// Takes a place now; the turn comes later.
    pub(super) fn enter(&self, agent: AgentId) -> Place {
        let line = lock(&self.lines).entry(agent).or_default().clone();
        Place {
            agent,
            unwanted: line.unwanted.load(Ordering::Acquire),
            line,
            lines: self.lines.clone(),
        }
    }

    /// Whether somebody acts on it, or is about to.
    pub(super) fn is_taken(&self, agent: AgentId) -> bool {
        lock(&self.lines).contains_key(&agent)
    }
}

impl Place {
    /// Creations that stand in line now come to nothing.
    pub(super) fn unwant(&self) {
        self.line.unwanted.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a destruction was asked for since this place was taken.
    pub(super) fn is_unwanted(&self) -> bool {
        self.line.unwanted.load(Ordering::Acquire) != self.unwanted
    }

    /// The turn; it ends when the guard is dropped. Safe to cancel.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.line.turn.clone().lock_owned().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        // The table's own and this one.
        if Arc::strong_count(&self.line) <= 2 {
            lines.remove(&self.agent);
        }
    }
}

fn lock(lines: &Lines) -> MutexGuard<'_, HashMap<AgentId, Arc<Line>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 1,
    };

    #[tokio::test]
    async fn turns_of_one_agent_do_not_overlap_and_lines_are_forgotten() {
        let turns = Turns::default();
        let (first, second) = (turns.enter(AGENT), turns.enter(AGENT));
        let held = first.turn().await;
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, second.turn()).await;
        assert!(waiting.is_err(), "the turn is taken");
        drop(held);
        drop(second.turn().await);
        drop((first, second));
        assert_eq!(lock(&turns.lines).len(), 0);
    }

    #[test]
    fn a_destruction_undoes_creations_that_stand_in_line() {
        let turns = Turns::default();
        let (create, destroy) = (turns.enter(AGENT), turns.enter(AGENT));
        destroy.unwant();
        assert!(create.is_unwanted());
        assert!(!turns.enter(AGENT).is_unwanted(), "a later one is wanted");
    }
}
