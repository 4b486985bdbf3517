//! Runs of programs of the user.
//!
//! Promise: a run ends by its deadline; the program is the leader of a process group of its
//! own, and nothing of that group outlives the call. It gets the variables it is given and
//! nothing else; what it says is bounded. Two kinds: [`Call::run`] talks through pipes and
//! ends the program when it is dropped; [`Call::run_on`] lets the program write to a file
//! and go on when nobody waits for it any more, the daemon's end included: it is found
//! again, by what was noted of it ([`Maker`]) or by the file it writes ([`Writer`]), and can
//! still be ended.
//!
//! Leaves to others: what programs are asked, and what their answers mean.

mod call;
mod child;
mod maker;
mod output;
mod writer;

pub use call::{Call, CallError, Said, last_words};
pub use maker::Maker;
pub use writer::Writer;

#[cfg(test)]
mod tests;
