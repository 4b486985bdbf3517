//! The ledger among daemons that share its files: several in one process, and real ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod damage;
mod leases;
mod processes;
mod vectors;
