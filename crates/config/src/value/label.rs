//! What a label may look like.

use super::ValueError;
use crate::suggest::quoted;

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 128;
/// Labels that begin with one of these are given by the house alone.
pub(crate) const RESERVED_PREFIXES: [&str; 2] = ["kici:", "headcount:"];

/// Whether a text can be a label, of a job or of an agent, in either case.
///
/// # Errors
/// When it is empty or longer than [`MAX_LABEL_BYTES`], holds a comma or a control
/// character, or begins or ends with a blank.
pub fn check_label(text: &str) -> Result<(), ValueError> {
    let refuse = |what: &str, hint: &str| {
        let message = format!("the label {} {what}", quoted(text));
        Err(ValueError::new(message, hint))
    };
    if text.is_empty() {
        return Err(ValueError::new(
            "a label must not be empty",
            "remove it, or write a word such as `linux`",
        ));
    }
    if text.len() > MAX_LABEL_BYTES {
        return refuse("is longer than 128 bytes", "write a shorter one");
    }
    if text.contains(',') {
        return refuse("holds a comma", "write one label for each of its parts");
    }
    if text.trim() != text {
        return refuse("begins or ends with a blank", "remove the blank");
    }
    if text.chars().any(char::is_control) {
        return refuse("holds a control character", "remove it");
    }
    Ok(())
}

/// The same for a label that the configuration gives to agents: those that begin with
/// `kici:` or `headcount:`, in any case, are kept for the house.
pub(crate) fn check_own_label(text: &str) -> Result<(), ValueError> {
    check_label(text)?;
    let lower = text.to_lowercase();
    match RESERVED_PREFIXES.iter().find(|p| lower.starts_with(**p)) {
        None => Ok(()),
        Some(prefix) => Err(ValueError::new(
            format!(
                "the label {} begins with `{prefix}`, which is kept for system labels",
                quoted(text)
            ),
            "write another word; agents get their system labels by themselves",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_labels_pass() {
        for text in ["linux", "GPU", "ubuntu-24.04", "a b", "é", "kici:os:linux"] {
            assert_eq!(check_label(text), Ok(()), "{text}");
        }
        assert_eq!(check_own_label("headcounted"), Ok(()));
    }

    #[test]
    fn refusals_say_what_to_write() {
        let long = "x".repeat(129);
        let shown = format!("`{}...`", "x".repeat(60));
        for (text, expected) in [
            (
                "",
                "a label must not be empty; remove it, or write a word such as `linux`".to_owned(),
            ),
            (
                "a,b",
                "the label `a,b` holds a comma; write one label for each of its parts".to_owned(),
            ),
            (
                " a",
                "the label ` a` begins or ends with a blank; remove the blank".to_owned(),
            ),
            (
                "a\u{7}b",
                "the label `a\\u{7}b` holds a control character; remove it".to_owned(),
            ),
            (
                &long,
                format!("the label {shown} is longer than 128 bytes; write a shorter one"),
            ),
        ] {
            assert_eq!(check_label(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn c10_reserved_prefixes_in_any_case() {
        for text in ["KICI:x", "kici:role:builder", "Headcount:os:linux"] {
            assert!(check_own_label(text).is_err(), "{text}");
        }
        assert_eq!(
            check_own_label("KICI:x").unwrap_err().to_string(),
            "the label `KICI:x` begins with `kici:`, which is kept for system labels; write \
             another word; agents get their system labels by themselves"
        );
    }
}
