//! What every implementation of a port must pass, and twins in memory to test against.
//!
//! Promise: a suite asks only for what the trait's documentation says, and panics with a
//! sentence about the promise that is broken. Leaves to others: what an implementation
//! promises on top (crashes, full disks, speed), which its own crate tests.

pub mod backend;
pub mod memory;
pub mod store;
