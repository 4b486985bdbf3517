//! Patterns of labels: which are allowed, and what they match.
//!
//! Promise: one meaning everywhere. The command line, the API and the queue refuse the
//! same patterns with the same words ([`check`], [`Checked`]), and what passes there is what the
//! planner matches ([`Matcher`]). Reading a pattern and matching a label take bounded time
//! and memory, whatever is written: regular expressions become automata of bounded size,
//! which look at each byte of a label once. The crate is `no_std + alloc`.
//! Leaves to others: what a pattern is as data (`model`), which pools it leads to
//! (`planner`), how lists of labels are split at commas (`api`).
#![no_std]

extern crate alloc;

mod check;
mod error;
mod expression;
mod glob;
mod matcher;

pub use check::{Checked, MAX_DIFFERENT, MAX_PATTERN_BYTES, MAX_PATTERNS, check};
pub use error::PatternError;
pub use matcher::Matcher;
