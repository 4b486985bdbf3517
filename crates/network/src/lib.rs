//! Network policy of agents that have addresses of their own, held by nftables.
//!
//! Promise: whatever comes from the agents' bridge is dropped unless an admitted agent
//! sent it from its own address to something its policy allows. So a backend that admits
//! an agent before it starts it never has an unfiltered moment, and a crash between any
//! two steps leaves agents with less than their policy, never with more. Every change is
//! one transaction of the kernel; what is admitted is read back from the kernel, not
//! remembered. Only tables named after this owner and bridge are touched.
//!
//! Leaves to others: making the bridge, choosing addresses, masquerading (the engine does
//! all three), and when to admit and withdraw (the backend does). All base chains of a
//! host must accept a packet: an accept here does not lift a drop of another firewall.
//!
//! The rules:
//! - *Other agents* are never reached, not even through an allow list.
//! - *Services* (the daemon's own listener) are reached under every policy.
//! - *The allow list* is reached next, host addresses in it included.
//! - *Resolvers* are reached on port 53 over UDP and TCP, except under `denyAll`, where a
//!   name look-up would carry data out: there a resolver must be in the allow list.
//! - *The host*, on whichever of its addresses, and the ranges of [`default_block`] are
//!   not reached otherwise; public addresses are, except under `denyAll`.
//! - Replies pass only where a connection that an agent may open asked for them; nothing
//!   opens a connection to an agent.

mod admission;
mod blocked;
mod bridged;
mod error;
mod nft;
mod place;
mod readback;
mod script;
mod sweep;
mod table;

pub use admission::{Addresses, Admission};
pub use blocked::default_block;
pub use error::NetworkError;
pub use nft::Nft;
pub use sweep::sweep;
pub use table::Table;
