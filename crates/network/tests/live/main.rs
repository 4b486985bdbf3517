//! Network policy, shown by agents that try to connect: each test has network namespaces
//! of its own for a host, the outside and its agents, so that nothing of the machine's own
//! network is touched. Needs root, `nft` and `ip`; says so where they are missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod changes;
mod crashes;
mod netns;
mod reach;
mod refusals;
mod world;
