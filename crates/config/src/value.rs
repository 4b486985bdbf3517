//! Small texts with a grammar of their own: memory, CPUs, spans of time, labels.
//!
//! Promise: the same parser serves the configuration file and jobs, so that `2g` means
//! one thing everywhere; what a `format_*` writes is read back as the same value.

mod cpus;
mod duration;
mod error;
mod label;
mod memory;

pub use cpus::{MAX_CPUS, format_cpus, parse_cpus};
pub use duration::{format_duration, parse_duration};
pub use error::ValueError;
pub use label::{MAX_LABEL_BYTES, check_label};
pub use memory::{format_memory, parse_memory};

pub(crate) use cpus::{cpu_millis, parse_cpu_number};
pub(crate) use label::check_own_label;
