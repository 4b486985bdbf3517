//! How long the gateway waits for what, and how much it takes.

use std::time::Duration;

use headcount_api::agent::{HEARTBEAT_SECONDS, SILENCE_SECONDS};

/// Bounds of the gateway. The defaults are what is documented; tests shorten.
#[derive(Clone, Copy, Debug)]
pub struct GatewayOptions {
    /// A connection has this long to send its request, and then its first message.
    pub greeting: Duration,
    /// A connection on which nothing was sent for this long gets a ping.
    pub heartbeat: Duration,
    /// A connection from which nothing arrives for this long is closed.
    pub silence: Duration,
    /// The controller has this long to answer; then the connection is closed and the agent
    /// asks again.
    pub answer: Duration,
    /// The first and the longest delay before output that could not be stored is tried again.
    pub store_retry: (Duration, Duration),
    /// Connections that have not said who they are.
    pub max_strangers: usize,
    /// Connections in all.
    pub max_connections: usize,
    /// Stored output of an attempt whose own limit is not known, in bytes.
    pub default_log_limit: u64,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(5),
            heartbeat: Duration::from_secs(HEARTBEAT_SECONDS),
            silence: Duration::from_secs(SILENCE_SECONDS),
            answer: Duration::from_secs(SILENCE_SECONDS),
            store_retry: (Duration::from_millis(100), Duration::from_secs(5)),
            max_strangers: 256,
            max_connections: 100_000,
            default_log_limit: 64 * 1024 * 1024,
        }
    }
}
