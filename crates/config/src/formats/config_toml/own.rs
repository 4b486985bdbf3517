//! `[runners.headcount]`: what a `config.toml` has no words for.
//!
//! GitLab Runner passes over tables that it does not know, so that one file serves both.

use super::keys::OWN;
use super::table::{Table, inner};
use crate::problem::Problems;
use crate::read::{Choice, read_entry};
use crate::source::Spanned;
use crate::written::{CompatWord, labels};

#[derive(Default)]
pub(super) struct Own {
    pub labels: Option<Spanned<Vec<Spanned<String>>>>,
    pub compat: Option<Spanned<CompatWord>>,
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
    let given = table.get("labels");
    let compat = table.get("compat");
    Own {
        labels: given.and_then(|entry| read_entry(&labels(true), entry, problems)),
        compat: compat.and_then(|entry| read_entry(&COMPAT, entry, problems)),
    }
}

const COMPAT: Choice<CompatWord> = Choice {
    words: &[
        ("headcount", CompatWord::Headcount),
        ("gitlab", CompatWord::Gitlab),
    ],
    others: &[],
};
