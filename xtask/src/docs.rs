//! Documentation made from the code: one page per reason.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use headcount_model::Reason;

/// Where the pages lie, from the root.
const FOLDER: &str = "docs/reasons";

/// Writes every page, and removes those of reasons that are no more.
pub(crate) fn write(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        fs::remove_file(entry?.path())?;
    }
    for (name, text) in pages() {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    }
    println!("{} pages in {FOLDER}", Reason::ALL.len() + 1);
    Ok(())
}

/// Every page: its file name and its text.
fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Reason::ALL
        .iter()
        .map(|reason| (format!("{}.md", reason.code()), page(*reason)))
        .collect();
    pages.push(("README.md".into(), index()));
    pages
}

fn page(reason: Reason) -> String {
    format!(
        "# `{}`\n\n**{}.**\n\n## What to do\n\n{}\n\n[All reasons](README.md)\n",
        reason.code(),
        sentence(reason),
        reason.advice()
    )
}

fn index() -> String {
    let mut text = String::from(
        "# Reasons\n\nEvery waiting job, every agent and every action has exactly one of these. \
         They appear under these words in tables, JSON, metrics and logs. Made by \
         `cargo xtask docs`.\n\n| Reason | Means |\n|---|---|\n",
    );
    for reason in Reason::ALL {
        let code = reason.code();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| [`{code}`]({code}.md) | {} |", reason.sentence());
    }
    text
}

fn sentence(reason: Reason) -> String {
    let text = reason.sentence();
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_on_disk_are_the_ones_the_code_makes() {
        let folder = crate::run::root().join(FOLDER);
        let on_disk = fs::read_dir(&folder).unwrap().count();
        assert_eq!(on_disk, pages().len(), "run `cargo xtask docs`");
        for (name, text) in pages() {
            let found = fs::read_to_string(folder.join(&name)).unwrap_or_default();
            assert_eq!(found, text, "{name}: run `cargo xtask docs`");
        }
    }
}
