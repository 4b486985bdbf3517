//! Files that users of other programs have, each read by one module.
//!
//! Promise: a format is recognised by its content and yields what a native file yields, so
//! that everything after it is the same; what cannot be honoured is named with its place.

pub(crate) mod scaled_job;

/// Whether a text is a file of Kubernetes objects: no native file has their key.
pub(crate) fn is_manifest(text: &str) -> bool {
    let json = text.trim_start().starts_with('{') && text.contains("\"apiVersion\"");
    json || text.lines().any(|line| line.starts_with("apiVersion:"))
}
