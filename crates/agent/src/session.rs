//! The states of the connection to the daemon.
//!
//! ```text
//!              Opened              Welcomed
//! Connecting ----------> Greeting ----------> Up
//!   |  ^                    |                  |
//!   |  |     Waited         | Broken, RefusedForNow
//!   |  +------------ Waiting <-----------------+
//!   | Broken            ^   |                   Broken, Lost
//!   +-------------------+   | Refused (from Greeting)
//!                           v
//!                         Over
//! ```
//!
//! Promise: delays grow over failures in a row; a connection that is welcomed and breaks
//! at once counts as a failure, so that nothing is repeated at full speed. Leaves to
//! others: what the first message is (`identity`), sockets and time (`line`).

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A stream is being opened; after this many failures in a row.
    Connecting(u32),
    /// The first message is sent, the answer awaited.
    Greeting(u32),
    /// Welcomed; after this many failures in a row.
    Up(u32),
    /// A delay before the next try.
    Waiting(u32),
    /// Refused for good.
    Over,
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The stream is open.
    Opened,
    /// It could not be opened, or broke, or was silent for too long.
    Broken,
    /// It broke after it had been up for a good while.
    Lost,
    /// The daemon welcomed us.
    Welcomed,
    /// The daemon refused us, and coming back may help.
    RefusedForNow,
    /// The daemon refused us for good.
    Refused,
    /// The delay is over.
    Waited,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Open a stream.
    Connect,
    /// Send the first message.
    Greet,
    /// Pump frames.
    Serve,
    /// Wait for the delay after this many failures in a row.
    Wait(u32),
    /// Tell, and end.
    End,
    /// It makes no sense in this state (a message that comes twice): nothing.
    Ignore,
}

/// The one transition function.
pub(crate) fn transition(state: State, input: Input) -> (State, Step) {
    match (state, input) {
        (State::Connecting(tries), Input::Opened) => (State::Greeting(tries), Step::Greet),
        (State::Greeting(tries), Input::Welcomed) => (State::Up(tries), Step::Serve),
        (State::Greeting(_) | State::Up(_), Input::Refused) => (State::Over, Step::End),
        (State::Greeting(tries) | State::Up(tries), Input::Broken | Input::RefusedForNow)
        | (State::Connecting(tries), Input::Broken) => {
            (State::Waiting(tries.saturating_add(1)), Step::Wait(tries))
        }
        (State::Up(_), Input::Lost) => (State::Waiting(1), Step::Wait(0)),
        (State::Waiting(tries), Input::Waited) => (State::Connecting(tries), Step::Connect),
        (state, _) => (state, Step::Ignore),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_with_every_input() {
        use Input::{Broken, Lost, Opened, Refused, RefusedForNow, Waited, Welcomed};
        use State::{Connecting, Greeting, Over, Up, Waiting};
        let inputs = [
            Opened,
            Broken,
            Lost,
            Welcomed,
            RefusedForNow,
            Refused,
            Waited,
        ];
        let same = |state| (state, Step::Ignore);
        let wait = (Waiting(3), Step::Wait(2));
        let over = (Over, Step::End);
        #[rustfmt::skip]
        let rows = [
            (Connecting(2), [(Greeting(2), Step::Greet), wait, same(Connecting(2)), same(Connecting(2)),
                same(Connecting(2)), same(Connecting(2)), same(Connecting(2))]),
            (Greeting(2), [same(Greeting(2)), wait, same(Greeting(2)), (Up(2), Step::Serve),
                wait, over, same(Greeting(2))]),
            (Up(2), [same(Up(2)), wait, (Waiting(1), Step::Wait(0)), same(Up(2)),
                wait, over, same(Up(2))]),
            (Waiting(3), [same(Waiting(3)), same(Waiting(3)), same(Waiting(3)), same(Waiting(3)),
                same(Waiting(3)), same(Waiting(3)), (Connecting(3), Step::Connect)]),
            (Over, [same(Over); 7]),
        ];
        for (state, expected) in rows {
            for (input, expected) in inputs.into_iter().zip(expected) {
                assert_eq!(transition(state, input), expected, "{state:?} {input:?}");
            }
        }
    }
}
