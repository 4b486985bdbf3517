//! What is refused, in which words, and what passes matches.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and the place is told"
)]

use headcount_model::{Label, Pattern, Selectors};
use headcount_patterns::{Checked, MAX_DIFFERENT, MAX_PATTERNS, Matcher, check};
use proptest::prelude::*;

fn pattern(text: &str) -> Pattern {
    Pattern::read(text).unwrap()
}

fn refusal(text: &str) -> String {
    let error = check(&pattern(text)).unwrap_err();
    format!("{error}; {}", error.hint())
}

fn matches(text: &str, label: &str) -> bool {
    check(&pattern(text)).unwrap();
    Matcher::of(&pattern(text))
        .unwrap()
        .matches(&Label::new(label))
}

#[test]
fn an_expression_matches_the_whole_label_without_case() {
    for (text, label, expected) in [
        ("/gpu-[0-9]{1,2}/", "gpu-12", true),
        ("/gpu-[0-9]{1,2}/", "gpu-123", false),
        ("/gpu/", "gpu-1", false),
        ("/gpu/", "my-gpu", false),
        ("/a|ab/", "ab", true),
        ("/a|b/", "ab", false),
        ("/GPU-[A-C]+/", "gpu-abc", true),
        ("/gpu/", "GPU", true),
        (r"/\D+/", "abc", true),
        (r"/\D+/", "a1c", false),
        ("/^gpu$/", "gpu", true),
        ("/.*/", "anything", true),
        ("/x*/", "y", false),
        ("/(?-i)gpu/", "gpu", true),
        ("/Größe-[0-9]/", "größe-1", true),
        ("/gr.+e/", "größe", true),
        ("/(?x) gpu # a remark/", "gpu", true),
        ("/a/b/", "a/b", true),
        (r"/\bgpu\b.*/", "gpu-1", true),
    ] {
        assert_eq!(matches(text, label), expected, "{text} {label}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let hint = "write one such as `/gpu-[0-9]+/`, or a simpler pattern such as `gpu-*`";
    for (text, expected) in [
        (
            "/gpu-[0-9/",
            "`/gpu-[0-9/` is not a regular expression: unclosed character class, at character 6, \
             `[0-9/`",
        ),
        (
            "/*gpu/",
            "`/*gpu/` is not a regular expression: repetition operator missing expression, at \
             character 2, `*gpu/`",
        ),
        (
            "/(a/",
            "`/(a/` is not a regular expression: unclosed group, at character 2, `(a/`",
        ),
        (
            r"/(a)\1/",
            r"`/(a)\1/` is not a regular expression: backreferences are not supported, at character 5, `\1/`",
        ),
        (
            "/a(?=b)/",
            "`/a(?=b)/` is not a regular expression: look-around, including look-ahead and \
             look-behind, is not supported, at character 3, `(?=b)/`",
        ),
        (
            "/ä{2,1}/",
            "`/ä{2,1}/` is not a regular expression: invalid repetition count range, the start \
             must be <= the end, at character 3, `{2,1}/`",
        ),
    ] {
        assert_eq!(refusal(text), format!("{expected}; {hint}"));
    }
}

#[test]
fn what_could_match_no_label_or_takes_too_much_is_refused() {
    let long = format!("{}*", "x".repeat(256));
    let shown = "x".repeat(60);
    for (text, expected) in [
        (
            "//",
            "the regular expression `//` is empty; write one that matches a whole label, such as \
             `/gpu-[0-9]+/`"
                .to_owned(),
        ),
        (
            "a*,b",
            "the pattern `a*,b` holds a comma; no label holds one; write one pattern for each of \
             its parts"
                .to_owned(),
        ),
        (
            " a*",
            "the pattern ` a*` begins or ends with a blank; remove the blank".to_owned(),
        ),
        (
            "a\u{7}*",
            "the pattern `a\\u{7}*` holds a control character; remove it; no label holds one"
                .to_owned(),
        ),
        (
            &long,
            format!("the pattern `{shown}...` is longer than 256 bytes; write a shorter one"),
        ),
        (
            "/((a{100}){100}){100}/",
            "the regular expression `/((a{100}){100}){100}/` is too large when its repetitions \
             are written out; repeat less, or write a simpler pattern such as `gpu-*`"
                .to_owned(),
        ),
        (
            "/.*a.{40}/",
            "the regular expression `/.*a.{40}/` is too large when its repetitions are written \
             out; repeat less, or write a simpler pattern such as `gpu-*`"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn a_list_holds_so_many_and_all_that_is_wrong_is_told() {
    let many: Vec<String> = (0..=MAX_PATTERNS).map(|n| format!("l{n}*")).collect();
    let told = |texts: &[String]| -> Vec<String> {
        let found = Checked::default().problems(&Selectors::new(texts));
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(told(&many), ["at most 8 patterns are taken, these are 9"]);
    assert_eq!(told(&many[1..]), Vec::<String>::new());
    let wrong = ["linux", "//", "/(/"].map(str::to_owned);
    assert_eq!(told(&wrong).len(), 2, "{:?}", told(&wrong));
}

#[test]
fn one_call_holds_so_many_different_patterns_however_often_each() {
    let mut checked = Checked::default();
    let one = |n: usize| Selectors::new([format!("l{n}-*")]);
    for n in (0..MAX_DIFFERENT).chain(0..MAX_DIFFERENT) {
        assert_eq!(checked.problems(&one(n)), [], "{n}");
    }
    let found = checked.problems(&one(MAX_DIFFERENT));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["one call holds at most 1000 different patterns"]);
}

proptest! {
    #[test]
    fn no_text_panics_and_what_passes_matches(text in "/[a-c0-9.|()\\[\\]{}?*+^$\\\\ö,-]{0,12}/") {
        let pattern = pattern(&text);
        if check(&pattern).is_ok() {
            let matcher = Matcher::of(&pattern).unwrap();
            let own = regex::bytes::RegexBuilder::new(&format!("^(?:{})$", pattern.body()))
                .unicode(false)
                .case_insensitive(true)
                .build()
                .unwrap();
            for label in ["a", "abc", "a-1", "10", "ö", "b,c", ""] {
                let expected = own.is_match(label.as_bytes());
                prop_assert_eq!(matcher.matches(&Label::new(label)), expected, "{}", label);
            }
        }
    }
}
