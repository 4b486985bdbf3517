//! What every end-to-end test stands on: a house with a daemon in it, its API, its command
//! line, and the processes of this host.
//!
//! Promise: a test sees only what a user sees; whatever it starts is gone when it ends, and
//! a process that is left behind fails it. Waiting has a deadline and says what it waited for.

mod api;
mod command;
mod consumers;
mod daemon;
mod engines;
mod house;
mod ledger;
mod most;
mod patience;
mod pods;
mod processes;
mod random;
mod relay;
mod sampler;

pub use api::{Answer, Api, QUICK, script};
pub use command::content;
pub use consumers::{Consumers, Notes, STREAM, Wanted, configure};
pub use engines::on_each_engine;
pub use house::{House, pool_of};
pub use ledger::Ledger;
pub use most::{Counts, Most};
pub use patience::until;
pub use pods::Pods;
pub use processes::Process;
pub use random::Random;
pub use relay::Relay;
pub use sampler::Sampler;
