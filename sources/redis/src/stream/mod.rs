//! What of a stream is counted, one mode per file: which commands are sent together, and
//! what their answers mean. Nothing here waits, except for counts that the server cannot
//! tell by itself ([`count`]).
//!
//! Source of the modes: the KEDA `ScaledJob` reference, sections 3.1, 5 and 7.

pub(crate) mod backlog;
pub(crate) mod count;
pub(crate) mod groups;
pub(crate) mod id;
pub(crate) mod lag;
pub(crate) mod length;
pub(crate) mod pending;
mod silent;
#[cfg(test)]
mod vectors;
