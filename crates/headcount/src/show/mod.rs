//! How things look on a terminal.
//!
//! Promise: plain values in, text out; the same input gives the same text. Leaves asking
//! and writing to [`crate::commands`].

pub(crate) mod amount;
pub(crate) mod change;
pub(crate) mod command_line;
pub(crate) mod ending;
pub(crate) mod explanation;
pub(crate) mod paint;
pub(crate) mod table;
pub(crate) mod time;
