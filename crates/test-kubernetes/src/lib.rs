//! A double of a Kubernetes API server, for tests.
//!
//! Promise: it is a double, in memory, on loopback, and speaks the part of the API that an
//! autoscaler of Jobs meets with the server's own semantics: resource versions that only
//! grow, lists in consistent pages, watches with bookmarks that expire, `Status` bodies,
//! conflicts, deletion propagation, finalizers, conditions, and fields that are checked. A
//! Job controller makes and counts pods as the real one does; the kubelet is a test, which
//! says what becomes of each pod, or obeys the container's command when it is automatic.
//! Time stands still until a test moves it.
//!
//! Leaves to others: everything an agent of ours does not use (other groups, patches,
//! schedulers, networks), TLS and logins.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "only tests use it: what is broken in it must fail them at once"
)]

mod clock;
mod cluster;
mod control;
mod deletion;
mod faults;
mod kubelet;
mod lists;
mod objects;
mod path;
mod requests;
mod selector;
mod serve;
mod state;
mod status;
mod validate;
mod watch;

pub use cluster::Cluster;
pub use faults::{Fault, Trouble};
pub use kubelet::Kubelet;
pub use requests::Granted;
