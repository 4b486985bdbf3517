//! HTTP routes, live events, the web page, metrics.
//!
//! Promise: whatever a client sends, it gets an answer that says what is wrong and what
//! to do, and the daemon goes on: every body, wait, stream and connection has a bound.
//! Nothing runs here while nobody asks and nothing happens.
//!
//! Leaves to others: every decision (the controller, asked through its handle), what
//! jobs may be (the queue), how a configuration is read (behind [`Daemon`]). Who wires
//! it up:
//!
//! ```text
//! Feed::new() --> WatchedBook::new(book, feed) --> the queue source is built over it
//!             \-> Server::new(Parts { .. }) --> router(), merged with other routes --> serve()
//! ```

mod access;
mod feed;
mod metrics;
mod needs;
mod openapi;
mod page;
mod read;
mod refused;
mod routes;
mod serve;
mod server;
mod show;
mod submit;

pub use access::{Access, BindRefused, check_bind};
pub use feed::{Feed, WatchedBook};
pub use needs::{
    CancelRefused, Cancelled, Candidate, Daemon, Grammar, GrammarError, JobDefaults, JobWatch,
    Queue, ReloadRefused, Reloaded, StreamNumbers, SubmitRefused,
};
pub use openapi::openapi;
pub use serve::{MAX_CONNECTIONS, serve};
pub use server::{MAX_STREAMS, Parts, Server, router};
