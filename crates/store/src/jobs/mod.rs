//! The job book: accepting jobs, noting what becomes of them, finding them again.

mod book;
mod change;
mod find;
mod status;
mod submit;

pub(crate) use status::refresh_status;
