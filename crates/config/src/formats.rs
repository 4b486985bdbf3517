//! Files that users of other programs have, each read by one module.
//!
//! Promise: a format is recognised by its content and yields what a native file yields, so
//! that everything after it is the same; what cannot be honoured is named with its place.

pub(crate) mod config_toml;
pub(crate) mod scaled_job;

/// Whether a text is a file of Kubernetes objects: no native file has their key.
pub(crate) fn is_manifest(text: &str) -> bool {
    let json = text.trim_start().starts_with('{') && text.contains("\"apiVersion\"");
    json || text.lines().any(|line| line.starts_with("apiVersion:"))
}

/// Whether a text is TOML: its first line that says anything is a table's head or a key with
/// `=`, neither of which can open a mapping of YAML.
pub(crate) fn is_toml(text: &str) -> bool {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut said = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = said.next() else {
        return false;
    };
    let head = first
        .strip_prefix('[')
        .map(|rest| rest.trim_start_matches('['));
    if let Some(head) = head {
        let name = head.split(']').next().unwrap_or_default();
        return head.contains(']') && is_key(name);
    }
    first.split_once('=').is_some_and(|(key, _)| is_key(key))
}

/// Words of TOML's keys, in quotes or not, with dots between.
fn is_key(text: &str) -> bool {
    let usual = |c: char| c.is_ascii_alphanumeric() || "-_.\"' \t".contains(c);
    let text = text.trim();
    let blank = text.contains([' ', '\t']);
    !text.is_empty() && text.chars().all(usual) && (!blank || text.starts_with(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_is_told_from_yaml_by_its_first_line() {
        for text in [
            "concurrent = 1",
            "concurrent=1",
            "# x\n\n  [[runners]]\n",
            "\u{feff}[ session_server ] # x",
            "\"a b\".c = 5",
        ] {
            assert!(is_toml(text), "{text}");
        }
        for text in [
            "",
            "# only",
            "version: 1",
            "version: 1 # a = b",
            "- a = b: c",
            "{\"a\": \"b = c\"}",
            "[1, 2]",
            "[]",
            "---\na: b",
        ] {
            assert!(!is_toml(text), "{text}");
        }
    }
}
