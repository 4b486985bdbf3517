//! Whatever the text: no panic, and an answer that holds together.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{
    ConfigTexts, Platform, effective_yaml, format_cpus, format_duration, format_memory, load_texts,
    parse_cpus, parse_duration, parse_memory, parse_texts,
};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("everything.yaml");
const MANIFEST: &str = include_str!("manifest.yaml");
const CONFIG_TOML: &str = include_str!("config.toml");

/// Reads a text in every way; what is refused has an error, what is understood is
/// written and read back as the same.
fn survives(text: &str) {
    let texts = ConfigTexts::single("p", text);
    if let Err(problems) = load_texts(texts.clone(), &Platform::current()) {
        assert!(problems.has_errors());
        assert!(!problems.render(true, 60).is_empty());
    }
    let parsed = parse_texts(texts);
    if let Err(problems) = &parsed {
        assert!(problems.has_errors(), "{problems}");
    }
    if let Ok(parsed) = parsed {
        let written = effective_yaml(&parsed.settings);
        let again = parse_texts(ConfigTexts::single("again", written.clone()));
        let again = again.unwrap_or_else(|problems| panic!("{written}\n{problems}"));
        assert_eq!(again.settings, parsed.settings, "{written}");
    }
}

/// The text with pieces of it replaced.
fn damaged(text: &str, cuts: Vec<(usize, usize, String)>) -> String {
    let mut text = text.to_owned();
    for (at, length, instead) in cuts {
        let at = at.min(text.len());
        let end = (at + length).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &instead);
        }
    }
    text
}

#[test]
fn every_key_is_written_and_read_back() {
    survives(EVERYTHING);
    let parsed = parse_texts(ConfigTexts::single("everything", EVERYTHING));
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
}

#[test]
fn a_whole_file_of_gitlab_runner_is_written_and_read_back() {
    survives(CONFIG_TOML);
    let parsed = parse_texts(ConfigTexts::single("c", CONFIG_TOML));
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems}"));
    let told = format!(
        "{:?}{}",
        parsed.settings,
        parsed.warnings.render(false, 200)
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(parsed.settings.scalers.len(), 2);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*|(?s).{0,200}") {
        survives(&text);
    }

    #[test]
    fn yaml_like_text_never_panics(text in "([-:?&*!|>'\"%@`{}\\[\\], #\n\t<ab1~.]|\u{e9}|\r\n){0,80}") {
        survives(&text);
    }

    /// A good file with a few bytes replaced, removed or doubled.
    #[test]
    fn damaged_files_never_panic(
        cuts in prop::collection::vec((0..EVERYTHING.len(), 0..12_usize, "\\PC{0,3}|[\n:{}\\[\\]*&-]"), 1..4)
    ) {
        survives(&damaged(EVERYTHING, cuts));
    }

    /// What is still understood of a damaged manifest reads back as native settings.
    #[test]
    fn damaged_manifests_never_panic(
        cuts in prop::collection::vec((0..MANIFEST.len(), 0..12_usize, "\\PC{0,3}|[\n:{}\\[\\]*&-]"), 1..4)
    ) {
        survives(&damaged(MANIFEST, cuts));
    }

    /// What is still understood of a damaged `config.toml` reads back as native settings.
    #[test]
    fn damaged_files_of_gitlab_runner_never_panic(
        cuts in prop::collection::vec(
            (0..CONFIG_TOML.len(), 0..12_usize, "\\PC{0,3}|[\n=\"'{}\\[\\]#,.-]|\"\"\""),
            1..4,
        )
    ) {
        survives(&damaged(CONFIG_TOML, cuts));
    }

    #[test]
    fn toml_like_text_never_panics(
        text in "a=1\n([-=\"'{}\\[\\], #\n\t<ab1~.]|\u{e9}|\r\n|token|\"\"\"){0,80}"
    ) {
        survives(&text);
    }

    #[test]
    fn texts_survive_writing(value in "(?s).{0,30}", label in "[^,]{1,20}") {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let text = format!(
            "version: 1\nscalers: [{{name: a, type: bare-metal, maxAgents: 1, labelSets: \
             [{{labels: [{}], command: [x, {}]}}]}}]\n",
            quoted(&label),
            quoted(&value),
        );
        survives(&text);
    }

    #[test]
    fn memory_reads_back(bytes: u64) {
        prop_assert_eq!(parse_memory(&format_memory(bytes)), Ok(bytes));
    }

    #[test]
    fn cpus_read_back(millis in 1..=256_000_u64) {
        prop_assert_eq!(parse_cpus(&format_cpus(millis)), Ok(millis));
    }

    #[test]
    fn durations_read_back(millis: u64) {
        let span = Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&format_duration(span)), Ok(span));
    }

    #[test]
    fn small_grammars_never_panic(text in "\\PC*|[0-9.kmgKMGsh ]{0,12}") {
        let _ = (parse_memory(&text), parse_cpus(&text), parse_duration(&text));
    }
}
