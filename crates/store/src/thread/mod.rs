//! The threads that own the connections: one that writes, a few that read.

mod reader;
mod step;
mod writer;

pub(crate) use reader::{READERS, Read, read_all, snapshot};
pub(crate) use step::{Pending, Step, Write};
pub(crate) use writer::Writer;
