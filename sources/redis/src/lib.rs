//! Signals of pools that are read from Redis, and from windows of time; and streams as
//! sources of jobs ([`RedisSource`]).
//!
//! Promise of the signals: a number is what the server said at one moment, or it is unknown and says why
//! and what to do; reading changes nothing on the server. Every trigger of a pool is read
//! in one round trip over one connection per server, shared by all pools; a longer count
//! follows only where the server cannot tell a number itself. A write to what a pool reads
//! is seen at once where the server tells of it; a write that is not told of is found by the
//! next reading, so nothing depends on being told.
//! Leaves to others: when to read (`planner`), what the numbers ask for (`planner`), and
//! what patterns of time mean (`periods`).

mod arrival;
mod connection;
mod cron;
mod entries;
mod fault;
mod key;
mod link;
mod pool;
mod reply;
mod signals;
mod source;
mod stream;
mod trigger;
mod watch;
mod wire;

pub use connection::CONNECT_PATIENCE;
pub use entries::{
    Entries, Entry, EntryId, FIELD_PREFIX, Field, Group, MAX_ENTRIES, MAX_ENVIRONMENT_BYTES,
    MAX_VARIABLE_BYTES, Poisoned, environment,
};
pub use pool::READING_PATIENCE;
pub use signals::{Clock, RedisSignals};
pub use source::{RedisSource, SourceStats};
pub use watch::{SPACING, WATCH_HEARTBEAT};
pub use wire::COMMAND_PATIENCE;
