//! The agents' own listener on the daemon's side.
//!
//! Promise: agent tokens are accepted and nothing else; nobody is heard before the
//! controller has accepted who they are; a claim, output or a result is acknowledged only
//! once it is durable; whatever arrives has a size and a deadline. While no agent is
//! connected no timer runs.
//!
//! Leaves to others: who is an agent and what it may run (the controller, asked through
//! [`LinkInbox`](headcount_ports::LinkInbox)), keeping output
//! ([`LogBook`](headcount_ports::LogBook)).
//!
//! ```text
//! listen        the sockets: bind, accept
//!   tls           what is shown to agents of other machines
//! serve         HTTP up to the upgrade, within bounds
//! gateway       the handle: words to agents, counters
//!   seat          per agent: its connection, what it was granted
//! connection    one connection from its greeting to its end
//!   greeting      who is it?
//!   conversation  claims, output, results, in order
//!   writer        what is said to it
//! convert       the wire's words and the house's
//! ```

mod connection;
mod conversation;
mod convert;
mod gateway;
mod greeting;
mod listen;
mod options;
mod refusal;
mod seat;
mod serve;
mod stats;
mod tls;
mod writer;

pub use gateway::Gateway;
pub use listen::{AgentListener, BindError};
pub use options::GatewayOptions;
pub use stats::GatewayStats;
pub use tls::{AgentCertificate, CertificateError, CertificateSource, ShownCertificate};
