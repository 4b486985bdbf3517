//! From what a client sends to jobs that the queue accepts.
//!
//! Promise: all problems of a batch are told at once, each with its job and its field,
//! and nothing of the batch is accepted. Leaves the bounds of a job to the queue.

mod admit;
mod class;
mod parse;

pub(crate) use admit::admit;
pub(crate) use class::{AskedClass, class_key};
pub(crate) use parse::parse_all;
