//! How patient a scaler is.

use std::time::Duration;

use super::shapes::{LONGEST, WAIT};
use crate::read::{SpanText, default, integer, object};

object! {
    /// How long to wait for agents before giving one up.
    Timeouts, "`timeouts`" {
        /// For one creation at the backend.
        create: Duration = "create", WAIT, default("1m; 20m for machines of `docker-machine`");
        /// From creation to ready; then the agent is destroyed and its place is free.
        launch: Duration = "launch", WAIT, default("5m; 30m for machines of `docker-machine`");
        /// For an agent to claim a job it was given; then the job waits again.
        claim: Duration = "claim", WAIT, default("10s");
        /// For a lost agent to come back: longer than an agent's longest delay before it
        /// tries again, which is 30s.
        recovery: Duration = "recovery", RECOVERY, default("2m");
        /// For a drained or retired agent to leave by itself; then it is destroyed, and a second
        /// after it has broken off its connection.
        retire: Duration = "retire", WAIT, default("10s");
        /// For one destruction at the backend.
        destroy: Duration = "destroy", WAIT, default("30s; 20m for machines of `docker-machine`");
        /// How long an agent lives, from when it is ready: then it takes no further job, and
        /// a fresh one takes its place once it has none. No running job is ended by it.
        /// Workers (`command`) live as long as they like.
        lifetime: Duration = "lifetime", LIFETIME, default("never");
    }
}

object! {
    /// How soon a failed creation is tried again.
    Retry, "`retry`" {
        /// After the first failure in a row; it doubles with each further one.
        first_delay: Duration = "firstDelay", WAIT, default("1s");
        /// The longest delay; at least `firstDelay`.
        max_delay: Duration = "maxDelay", WAIT, default("5m");
        /// So many failures in a row leave one creation at a time, as a probe.
        open_after: u32 = "openAfter", integer(1..=1000), default("5");
    }
}

/// A shorter life would be spent on replacing agents.
const LIFETIME: SpanText = SpanText {
    min: Duration::from_secs(60),
    max: LONGEST,
};

/// An agent waits up to 30 s before it connects again; a shorter recovery would give up
/// agents that are well.
const RECOVERY: SpanText = SpanText {
    min: Duration::from_secs(31),
    max: LONGEST,
};
