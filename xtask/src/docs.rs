//! Documentation made from the code: one page per reason, and the list of reasons in the
//! troubleshooting page.

mod troubleshooting;

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
    let path = root.join(troubleshooting::PAGE);
    let written =
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    fs::write(&path, troubleshooting::page(&written)?)
        .with_context(|| format!("could not write {}", path.display()))?;
    println!("the reasons in {}", troubleshooting::PAGE);
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

    #[test]
    fn the_troubleshooting_page_lists_the_reasons_as_they_are() {
        let path = crate::run::root().join(troubleshooting::PAGE);
        let written = fs::read_to_string(path).unwrap();
        let fresh = troubleshooting::page(&written).unwrap();
        assert!(written == fresh, "run `cargo xtask docs`");
    }

    /// Pages that people write by hand lead to pages that exist.
    #[test]
    fn links_between_pages_lead_somewhere() {
        let root = crate::run::root();
        let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
        for folder in ["docs", "docs/migrate", "docs/decisions"] {
            let entries = fs::read_dir(root.join(folder)).unwrap();
            let files = entries.map(|entry| entry.unwrap().path());
            pages.extend(files.filter(|path| path.extension().is_some_and(|it| it == "md")));
        }
        for page in pages {
            let text = fs::read_to_string(&page).unwrap();
            let links = text.split("](").skip(1);
            let links = links
                .filter_map(|rest| rest.split_once(')'))
                .map(|(to, _)| to);
            for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
                let file = link.split('#').next().unwrap_or(link);
                let target = page.parent().unwrap().join(file);
                assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            }
        }
    }
}
