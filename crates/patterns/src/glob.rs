//! Globs: `*` stands for any text, also none; `?` for one character; all else for itself.
//!
//! Promise: never more steps than letters of the glob times letters of the label, and no
//! memory: a star gives back one character at a time, and only the last star does.

/// Whether the whole of `text` matches.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob, text);
    // Behind the last star, and the text that it has not swallowed.
    let mut star: Option<(&str, &str)> = None;
    loop {
        let (wanted, found) = (glob.chars().next(), text.chars().next());
        match (wanted, found) {
            (None, None) => return true,
            (Some('*'), _) => {
                glob = rest(glob);
                star = Some((glob, text));
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                (glob, text) = (rest(glob), rest(text));
            }
            _ => match star {
                Some((behind, left)) if !left.is_empty() => {
                    (glob, text) = (behind, rest(left));
                    star = Some((behind, text));
                }
                _ => return false,
            },
        }
    }
}

/// All but the first character.
fn rest(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (glob, text, expected) in [
            ("*", "linux", true),
            ("lin*", "linux", true),
            ("lin*", "lin", true),
            ("lin*", "lin*", true),
            ("lin*", "alinux", false),
            ("*x", "linux", true),
            ("*x", "linuxy", false),
            ("l*n*x", "linnnnux", true),
            ("l*n*x", "lx", false),
            ("gpu-?", "gpu-1", true),
            ("gpu-?", "gpu-?", true),
            ("gpu-?", "gpu-", false),
            ("gpu-?", "gpu-12", false),
            ("gr?ße", "größe", true),
            ("*ß*", "größe", true),
            ("?", "ö", true),
            ("**", "a", true),
            ("*?", "a", true),
            ("a.c*", "abc", false),
            ("[ab]*", "a", false),
            ("kici:os:*", "kici:os:linux", true),
            ("*a*b", "xaxxbxb", true),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }

    /// The same rule, said in the plainest way.
    fn plainly(glob: &[char], text: &[char]) -> bool {
        match (glob, text) {
            ([], []) => true,
            (['*', glob @ ..], _) => (0..=text.len()).any(|n| plainly(glob, &text[n..])),
            (['?', glob @ ..], [_, text @ ..]) => plainly(glob, text),
            ([a, glob @ ..], [b, text @ ..]) => a == b && plainly(glob, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_plain_rule(glob in "[abö?*]{0,7}", text in "[abö*]{0,9}") {
            let chars = |text: &String| text.chars().collect::<alloc::vec::Vec<_>>();
            prop_assert_eq!(matches(&glob, &text), plainly(&chars(&glob), &chars(&text)));
        }
    }

    #[test]
    fn a_hostile_glob_takes_no_longer_than_its_letters_times_those_of_the_label() {
        let glob = "*a".repeat(120) + "b";
        assert!(!matches(&glob, &"a".repeat(100_000)));
    }
}
