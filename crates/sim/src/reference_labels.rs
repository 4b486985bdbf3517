//! The reference model of labels: which labels meet what a class asks for.
//!
//! Written apart from the planner, by rules simple enough to see: globs by trying every
//! split, expressions by another engine, nothing kept between two questions.

use headcount_model::{Labels, Pattern, PatternKind, Selectors};

/// What is asked for and not among these labels, as written.
pub(crate) fn unmet<'s>(asked: &'s Selectors, labels: &Labels) -> Option<&'s str> {
    let mut named = asked.labels().iter();
    let mut patterns = asked.patterns().iter();
    let named = named.find(|label| !labels.contains(label));
    let pattern = patterns.find(|pattern| !any(labels, pattern));
    let named = named.map(headcount_model::Label::as_str);
    named.or(pattern.map(Pattern::as_str))
}

/// What is excluded and among these labels, as written.
pub(crate) fn hit<'s>(excluded: &'s Selectors, labels: &Labels) -> Option<&'s str> {
    let mut named = excluded.labels().iter();
    let mut patterns = excluded.patterns().iter();
    let named = named.find(|label| labels.contains(label));
    let pattern = patterns.find(|pattern| any(labels, pattern));
    let named = named.map(headcount_model::Label::as_str);
    named.or(pattern.map(Pattern::as_str))
}

fn any(labels: &Labels, pattern: &Pattern) -> bool {
    let whole = format!("^(?:{})$", pattern.body());
    labels.iter().any(|label| match pattern.kind() {
        PatternKind::Glob => globs(pattern.as_str().as_bytes(), label.as_str().as_bytes()),
        PatternKind::Regex => regex::bytes::RegexBuilder::new(&whole)
            .unicode(false)
            .case_insensitive(true)
            .build()
            .is_ok_and(|regex| regex.is_match(label.as_str().as_bytes())),
    })
}

/// Labels of stories are ASCII: a byte is a character.
fn globs(glob: &[u8], text: &[u8]) -> bool {
    match (glob, text) {
        ([], []) => true,
        ([b'*', glob @ ..], _) => (0..=text.len()).any(|n| globs(glob, &text[n..])),
        ([b'?', glob @ ..], [_, text @ ..]) => globs(glob, text),
        ([a, glob @ ..], [b, text @ ..]) => a == b && globs(glob, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_met_by_a_whole_label() {
        let labels = Labels::new(["linux", "node20"]);
        for (asked, met) in [
            ("linux", true),
            ("lin", false),
            ("lin*", true),
            ("node2?", true),
            ("node?", false),
            ("/node[0-9]+/", true),
            ("/node/", false),
        ] {
            let asked = Selectors::new([asked]);
            assert_eq!(unmet(&asked, &labels).is_none(), met, "{asked}");
            assert_eq!(hit(&asked, &labels).is_some(), met, "{asked}");
        }
    }
}
