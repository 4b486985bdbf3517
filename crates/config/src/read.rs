//! From the tree to typed values.
//!
//! Promise: what a key may hold is said once, by a [`Shape`]; reading, complaining, the
//! schema for editors and the table in the documentation all come from it. Every wrong
//! value is a problem and reading goes on. Leaves what keys exist to [`crate::written`].

mod choice;
mod list;
mod loose;
mod map;
mod number;
mod object;
mod shape;
mod text;
mod tree;

pub(crate) use choice::{Choice, MaxJobsShape};
pub(crate) use list::List;
pub(crate) use loose::{
    CommaList, Interval, Loose, LooseFlag, LooseInteger, LooseNumber, go_boolean, loose_integer,
};
pub(crate) use map::{Environment, fits_a_variable, unfit_for_a_variable};
pub(crate) use number::{CpuCap, Cpus, Factor, Flag, Integer, PriceNumber, integer};
pub(crate) use object::{
    Key, Nested, Object, default, missing_key, object, optional, read_entry, read_object, required,
};
pub(crate) use shape::{Shape, Slot};
pub(crate) use text::{Memory, SpanText, Text};
pub(crate) use tree::{TextMap, Tree, TreeOrList, to_json};
