//! YAML 1.2 text to a small tree in which everything knows its place.
//!
//! Promise: any text yields a tree or problems, never a panic, in bounded memory: depth,
//! number of nodes (aliases expanded) and size have limits. Plain words mean what the
//! core schema says, so `yes` is a text. Leaves what keys mean to [`crate::read`].

mod node;
mod parse;
mod places;
mod scalar;

pub(crate) use node::{Entry, Kind, Node, Plain, Scalar};
pub(crate) use parse::{Budget, Document, MAX_DEPTH, is_printable, parse, parse_many};

/// Whether a text without quotes means itself.
pub(crate) fn means_text(text: &str) -> bool {
    scalar::resolve(text) == Plain::Text
}
