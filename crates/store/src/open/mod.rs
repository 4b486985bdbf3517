//! From a path to an open, checked and current state file that nobody else has open.

mod dir;
mod error;
mod file;
mod schema;

pub use dir::{LOCK_NAME, StateDir};
pub use error::OpenError;
pub use file::FILE_NAME;
pub(crate) use file::{open_reader, open_writer};
pub use schema::SCHEMA;
