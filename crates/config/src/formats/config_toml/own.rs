//! `[runners.headcount]`: what a `config.toml` has no words for.
//!
//! GitLab Runner passes over tables that it does not know, so that one file serves both.

use super::keys::OWN;
use super::table::{Table, inner};
use crate::problem::Problems;
use crate::read::{Choice, read_entry};
use crate::source::Spanned;
use crate::written::{CompatWord, HOST_PATH, PROGRAM_PATH, TEXT, labels};

#[derive(Default)]
pub(super) struct Own {
    pub labels: Option<Spanned<Vec<Spanned<String>>>>,
    pub compat: Option<Spanned<CompatWord>>,
    pub program: Option<Spanned<String>>,
    pub store: Option<Spanned<String>>,
    pub orchestrator_url: Option<Spanned<String>>,
}

impl Own {
    /// Whether GitLab Runner's own arithmetic is asked for.
    pub fn is_as_gitlab(&self) -> bool {
        let compat = self.compat.as_ref();
        compat.is_some_and(|compat| compat.value == CompatWord::Gitlab)
    }
}

pub(super) fn own(runner: &Table<'_>, problems: &mut Problems) -> Own {
    let noun = "`[runners.headcount]`";
    let Some(table) = inner(runner, "headcount", noun, OWN, problems) else {
        return Own::default();
    };
    let mut own = Own::default();
    if let Some(entry) = table.get("labels") {
        own.labels = read_entry(&labels(true), entry, problems);
    }
    if let Some(entry) = table.get("compat") {
        own.compat = read_entry(&COMPAT, entry, problems);
    }
    if let Some(entry) = table.get("program") {
        own.program = read_entry(&PROGRAM_PATH, entry, problems);
    }
    if let Some(entry) = table.get("store") {
        own.store = read_entry(&HOST_PATH, entry, problems);
    }
    if let Some(entry) = table.get("orchestratorUrl") {
        own.orchestrator_url = read_entry(&TEXT, entry, problems);
    }
    own
}

const COMPAT: Choice<CompatWord> = Choice {
    words: &[
        ("headcount", CompatWord::Headcount),
        ("gitlab", CompatWord::Gitlab),
    ],
    others: &[],
};
