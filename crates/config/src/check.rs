//! What keys mean together: from mappings as they are written to [`Settings`].
//!
//! Promise: every check is made on whatever could be read, so that a wrong value in one
//! place hides no problem in another.

mod backend;
mod cron;
mod docker_machine;
mod garm;
mod idle;
mod job_template;
mod kubernetes;
mod label_set;
mod overlap;
mod patience;
mod program;
mod queue;
mod readiness;
mod redis;
mod resources;
mod scaler;
mod source;
mod top;
mod trigger;

pub use overlap::{Overlap, overlaps};
pub(crate) use top::check;

use crate::source::Spanned;

#[cfg(doc)]
use crate::settings::Settings;

/// The value without its place, if there is one.
fn value<T: Clone>(written: Option<&Spanned<T>>) -> Option<T> {
    written.map(|spanned| spanned.value.clone())
}

/// The values of a list without their places; none when the list is not written.
fn values<T: Clone>(written: Option<&Spanned<Vec<Spanned<T>>>>) -> Vec<T> {
    let items = written.map(|list| list.value.iter());
    items
        .into_iter()
        .flatten()
        .map(|item| item.value.clone())
        .collect()
}
