//! Spans of time with units in the text: `500ms`, `30s`, `5m`, `2h`, `1d`, `1h30m`.

use std::time::Duration;

use super::ValueError;
use crate::suggest::quoted;

/// Largest first, as they must be written. Milliseconds in each.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A span such as `30s` or `1h30m`: whole numbers with units, larger units first, each
/// at most once.
///
/// # Errors
/// With a text to write instead when it is anything else.
pub fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    grammar(text).ok_or_else(|| {
        let bare = !text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit());
        let hint = match bare {
            true => format!("write the unit, for example `{text}s` or `{text}m`"),
            false => "write whole numbers with units, for example `500ms`, `30s`, `5m`, `2h`, \
                      `1d` or `1h30m`"
                .to_owned(),
        };
        ValueError::new(format!("{} is not a span of time", quoted(text)), hint)
    })
}

fn grammar(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis: u64 = 0;
    while !rest.is_empty() || rest.len() == text.len() {
        let (number, after) = split(rest, |c| c.is_ascii_digit())?;
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic())?;
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*factor)?;
        millis = millis.checked_add(part)?;
        rest = after;
    }
    Some(Duration::from_millis(millis))
}

/// The longest non-empty start that consists of such characters, and what follows.
fn split(text: &str, takes: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !takes(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The text of a span, which reads back as the same span (whole milliseconds).
#[must_use]
pub fn format_duration(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, factor) in UNITS {
        let number = left / factor;
        left %= factor;
        if number > 0 {
            text.push_str(&format!("{number}{name}"));
        }
    }
    match text.is_empty() {
        true => "0s".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
            ("90s", 90_000),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "s",
            "1",
            "1.5h",
            "-1s",
            "1 s",
            "1S",
            "30m1h",
            "1s1s",
            "1w",
            "99999999999999999d",
            "1s ",
            "1m5",
        ] {
            let error = parse_duration(text).unwrap_err();
            assert_eq!(error.message(), format!("`{text}` is not a span of time"));
        }
        assert_eq!(
            parse_duration("30").unwrap_err().to_string(),
            "`30` is not a span of time; write the unit, for example `30s` or `30m`"
        );
    }

    #[test]
    fn spans_print_and_read_back() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (90_000, "1m30s"),
            (86_400_000, "1d"),
            (5_400_500, "1h30m500ms"),
        ] {
            let span = Duration::from_millis(millis);
            assert_eq!(format_duration(span), text);
            assert_eq!(parse_duration(text), Ok(span));
        }
    }
}
