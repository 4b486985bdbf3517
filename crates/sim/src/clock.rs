//! Virtual time: a queue of things that will happen.
//!
//! Promise: time moves only to the next thing, never backwards, and things of one moment
//! happen in the order in which they were asked for.

use std::collections::{BTreeMap, VecDeque};

use headcount_model::Timestamp;

/// Things that will happen, in order of time and then of asking.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    moments: BTreeMap<Timestamp, VecDeque<E>>,
}

impl<E> Queue<E> {
    pub(crate) const fn new() -> Self {
        Self {
            moments: BTreeMap::new(),
        }
    }

    pub(crate) fn push(&mut self, at: Timestamp, event: E) {
        self.moments.entry(at).or_default().push_back(event);
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.moments.first_key_value().map(|(at, _)| *at)
    }

    /// The next thing, if it happens at `now` or was to happen before.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<E> {
        let mut first = self
            .moments
            .first_entry()
            .filter(|first| *first.key() <= now)?;
        let event = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn things_happen_in_order_of_time_and_then_of_asking() {
        let mut queue = Queue::new();
        for (millis, name) in [(20, "c"), (10, "a"), (10, "b"), (30, "d")] {
            queue.push(at(millis), name);
        }
        assert_eq!(queue.next_at(), Some(at(10)));
        let happened: Vec<_> = std::iter::from_fn(|| queue.pop(at(20))).collect();
        assert_eq!(happened, ["a", "b", "c"]);
        assert_eq!(queue.next_at(), Some(at(30)));
    }
}
