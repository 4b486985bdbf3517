//! The life of one attempt in the agent, from the offer to being forgotten.
//!
//! ```text
//! Claiming --granted--> Running --ended--> Ended --recorded or denied--> Gone
//!    |  \                  \
//!    |   cancel             denied
//!    |    \                   \
//!    |     Withdrawn           Disowned --ended--> Gone
//!    |       |    \
//!    |       |     granted--> Ended (it never ran)
//!    +-------+--denied--> Gone
//! ```
//!
//! Promise: `Start` comes once in a life, only after a grant, and never after a cancel.

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A slot is reserved; the claim is not answered.
    Claiming,
    /// As claiming, but it was cancelled: it will not run.
    Withdrawn,
    /// It runs.
    Running,
    /// It is being ended and nobody wants its result.
    Disowned,
    /// It ended; the result is not recorded.
    Ended,
    /// Nothing more is known of it.
    Gone,
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// It was offered (again).
    Assigned,
    /// The claim is durable.
    Granted,
    /// The claim, the output or the result is refused.
    Denied,
    /// Somebody wants it to end.
    Cancelled,
    /// Its run came to its end.
    RunEnded,
    /// The result is durable.
    Recorded,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask to run it.
    Claim,
    /// Run it.
    Start,
    /// Tell that it was cancelled before it ran.
    EndUnstarted,
    /// End the run: TERM, grace, KILL.
    Stop,
    /// Tell how it ended.
    Tell,
    /// Nothing is left to do for it.
    Forget,
    /// Nothing.
    Ignore,
}

/// The one transition function.
pub(crate) fn transition(phase: Phase, input: Input) -> (Phase, Step) {
    match (phase, input) {
        (Phase::Claiming | Phase::Withdrawn | Phase::Running, Input::Assigned) => {
            (phase, Step::Claim)
        }
        (Phase::Claiming, Input::Granted) => (Phase::Running, Step::Start),
        (Phase::Claiming, Input::Cancelled) => (Phase::Withdrawn, Step::Ignore),
        (Phase::Withdrawn, Input::Granted) => (Phase::Ended, Step::EndUnstarted),
        (Phase::Running, Input::Cancelled) => (phase, Step::Stop),
        (Phase::Running, Input::Denied) => (Phase::Disowned, Step::Stop),
        (Phase::Running, Input::RunEnded) => (Phase::Ended, Step::Tell),
        (Phase::Ended, Input::Assigned | Input::Cancelled) => (phase, Step::Tell),
        (Phase::Claiming | Phase::Withdrawn | Phase::Ended, Input::Denied)
        | (Phase::Disowned, Input::RunEnded)
        | (Phase::Ended, Input::Recorded) => (Phase::Gone, Step::Forget),
        (phase, _) => (phase, Step::Ignore),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_with_every_input() {
        use Input::{Assigned, Cancelled, Denied, Granted, Recorded, RunEnded};
        use Phase::{Claiming, Disowned, Ended, Gone, Running, Withdrawn};
        let inputs = [Assigned, Granted, Denied, Cancelled, RunEnded, Recorded];
        let same = |phase| (phase, Step::Ignore);
        let forget = (Gone, Step::Forget);
        let rows = [
            (
                Claiming,
                [
                    (Claiming, Step::Claim),
                    (Running, Step::Start),
                    forget,
                    (Withdrawn, Step::Ignore),
                    same(Claiming),
                    same(Claiming),
                ],
            ),
            (
                Withdrawn,
                [
                    (Withdrawn, Step::Claim),
                    (Ended, Step::EndUnstarted),
                    forget,
                    same(Withdrawn),
                    same(Withdrawn),
                    same(Withdrawn),
                ],
            ),
            (
                Running,
                [
                    (Running, Step::Claim),
                    same(Running),
                    (Disowned, Step::Stop),
                    (Running, Step::Stop),
                    (Ended, Step::Tell),
                    same(Running),
                ],
            ),
            (
                Disowned,
                [
                    same(Disowned),
                    same(Disowned),
                    same(Disowned),
                    same(Disowned),
                    forget,
                    same(Disowned),
                ],
            ),
            (
                Ended,
                [
                    (Ended, Step::Tell),
                    same(Ended),
                    forget,
                    (Ended, Step::Tell),
                    same(Ended),
                    forget,
                ],
            ),
            (Gone, [same(Gone); 6]),
        ];
        for (phase, expected) in rows {
            for (input, expected) in inputs.into_iter().zip(expected) {
                assert_eq!(transition(phase, input), expected, "{phase:?} {input:?}");
            }
        }
    }
}
