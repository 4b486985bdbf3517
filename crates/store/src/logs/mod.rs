//! The log book: output in order, bounded, and a word to whoever follows it.

mod append;
mod book;
mod page;
mod watch;

pub(crate) use watch::Followers;
pub use watch::{LogWatch, MAX_WATCHED_JOBS};
