//! How a job that runs comes to its end.
//!
//! ```text
//! Running --exit--> Over (how it ended)
//!    | time up or cancel: TERM
//! Terminating --exit--> Over (why it was ended)
//!    | grace over: KILL
//! Killing --exit--> Over (why it was ended)
//! ```
//!
//! Promise: the first cause counts: a job that was cancelled is cancelled whatever it
//! returns, one that returned by itself keeps its exit code. Leaves to others: signals
//! and clocks (`run`).

/// Why a job is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its time is up.
    Time,
    /// Somebody cancelled it.
    Cancel,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It runs.
    Running,
    /// TERM was sent.
    Terminating(Cause),
    /// KILL was sent.
    Killing(Cause),
    /// Its main process is gone; with the cause, if it did not end by itself.
    Over(Option<Cause>),
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Time is up, or somebody cancelled it.
    End(Cause),
    /// The time between TERM and KILL is over.
    GraceOver,
    /// The main process is gone.
    Exited,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send TERM to all of it and start the grace.
    Terminate,
    /// Send KILL to all of it.
    Kill,
    /// Nothing.
    Ignore,
}

/// The one transition function.
pub(crate) fn transition(phase: Phase, input: Input) -> (Phase, Step) {
    match (phase, input) {
        (Phase::Running, Input::End(cause)) => (Phase::Terminating(cause), Step::Terminate),
        (Phase::Terminating(cause), Input::GraceOver) => (Phase::Killing(cause), Step::Kill),
        (Phase::Running, Input::Exited) => (Phase::Over(None), Step::Ignore),
        (Phase::Terminating(cause) | Phase::Killing(cause), Input::Exited) => {
            (Phase::Over(Some(cause)), Step::Ignore)
        }
        (phase, _) => (phase, Step::Ignore),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_with_every_input() {
        use Cause::{Cancel, Time};
        use Phase::{Killing, Over, Running, Terminating};
        let inputs = [
            Input::End(Time),
            Input::End(Cancel),
            Input::GraceOver,
            Input::Exited,
        ];
        let same = |phase| (phase, Step::Ignore);
        let rows = [
            (
                Running,
                [
                    (Terminating(Time), Step::Terminate),
                    (Terminating(Cancel), Step::Terminate),
                    same(Running),
                    same(Over(None)),
                ],
            ),
            (
                Terminating(Time),
                [
                    same(Terminating(Time)),
                    same(Terminating(Time)),
                    (Killing(Time), Step::Kill),
                    same(Over(Some(Time))),
                ],
            ),
            (
                Terminating(Cancel),
                [
                    same(Terminating(Cancel)),
                    same(Terminating(Cancel)),
                    (Killing(Cancel), Step::Kill),
                    same(Over(Some(Cancel))),
                ],
            ),
            (
                Killing(Time),
                [
                    same(Killing(Time)),
                    same(Killing(Time)),
                    same(Killing(Time)),
                    same(Over(Some(Time))),
                ],
            ),
            (
                Killing(Cancel),
                [
                    same(Killing(Cancel)),
                    same(Killing(Cancel)),
                    same(Killing(Cancel)),
                    same(Over(Some(Cancel))),
                ],
            ),
            (Over(None), [same(Over(None)); 4]),
            (Over(Some(Time)), [same(Over(Some(Time))); 4]),
            (Over(Some(Cancel)), [same(Over(Some(Cancel))); 4]),
        ];
        for (phase, expected) in rows {
            for (input, expected) in inputs.into_iter().zip(expected) {
                assert_eq!(transition(phase, input), expected, "{phase:?} {input:?}");
            }
        }
    }
}
