//! `[runners.cache]`: checked, and not honoured.
//!
//! Headcount keeps no cache. Its settings are not handed to jobs either: without the
//! credentials, which need not be on any machine, nothing could be done with them there.

use super::keys::{AZURE, CACHE, GCS, S3};
use super::table::{Table, asks_for_nothing, inner};
use crate::manifest::scalar;
use crate::problem::{Draft, Problems};
use crate::suggest::{choices, quoted};
use crate::yaml::Entry;

const TYPES: &[&str] = &["s3", "gcs", "azure"];
const AUTHENTICATION: &[&str] = &["access-key", "iam"];
const ENCRYPTION: &[&str] = &["S3", "AES256", "KMS", "aws:kms", "DSSE-KMS"];

/// Says once that nothing is kept, and what is wrong in it.
pub(super) fn cache(runner: &Table<'_>, problems: &mut Problems) {
    let noun = "`[runners.cache]`";
    let Some(cache) = inner(runner, "cache", noun, CACHE, problems) else {
        return;
    };
    word("Type", cache.get("Type"), TYPES, problems);
    if let Some(s3) = inner(&cache, "s3", "`[runners.cache.s3]`", S3, problems) {
        word(
            "AuthenticationType",
            s3.get("AuthenticationType"),
            AUTHENTICATION,
            problems,
        );
        word(
            "ServerSideEncryption",
            s3.get("ServerSideEncryption"),
            ENCRYPTION,
            problems,
        );
    }
    inner(&cache, "gcs", "`[runners.cache.gcs]`", GCS, problems);
    inner(&cache, "azure", "`[runners.cache.azure]`", AZURE, problems);
    if cache.entries().all(|entry| asks_for_nothing(&entry.value)) {
        return;
    }
    let draft = Draft::difference("there is no cache: nothing is kept between jobs here")
        .label("read and checked, and used by nobody")
        .hint(
            "let jobs that need one use their own tools; no credentials of it reach a machine, \
             and none are shown",
        );
    problems.at(cache.place, draft);
}

fn word(name: &str, entry: Option<&Entry>, words: &[&str], problems: &mut Problems) {
    let Some(entry) = entry else { return };
    match scalar(&entry.value) {
        Some("") => {}
        Some(text) if words.iter().any(|word| word.eq_ignore_ascii_case(text)) => {}
        Some(text) => {
            let draft = Draft::error(format!("`{name}` cannot be {}", quoted(text)))
                .hint(format!("write {}", choices(words)));
            problems.at(entry.place(), draft);
        }
        None => {
            let draft = Draft::error(format!("`{name}` must be a text"))
                .label(format!("this is {}", super::table::called(&entry.value)));
            problems.at(entry.place(), draft);
        }
    }
}
