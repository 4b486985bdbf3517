//! Amounts of memory: digits, optionally `.` and digits, optionally blanks, one of
//! `k m g` in either case. Units are binary; the result is floored to whole bytes.

use super::ValueError;
use crate::suggest::quoted;

const UNITS: [(char, u64); 3] = [('g', 1 << 30), ('m', 1 << 20), ('k', 1 << 10)];
/// Digits of a fraction that are told apart: enough for every byte of a gibibyte.
const MAX_FRACTION_DIGITS: usize = 18;

/// Bytes of an amount such as `512m`, `1.5g` or `2 g`. `0m` is legal and means none.
///
/// # Errors
/// With a text to write instead when it is anything else, or more than 2^64 bytes.
pub fn parse_memory(text: &str) -> Result<u64, ValueError> {
    grammar(text).ok_or_else(|| refusal(text))
}

fn grammar(text: &str) -> Option<u64> {
    let last = text.chars().next_back()?;
    let letter = last.to_ascii_lowercase();
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == letter)?;
    let number = text.strip_suffix(last)?.trim_end_matches(' ');
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction)?),
        None => (number, "0"),
    };
    let whole: u128 = digits(whole)?.parse().ok()?;
    if fraction.len() > MAX_FRACTION_DIGITS {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u128>().ok()? * u128::from(*unit) / scale;
    let bytes = whole.checked_mul(u128::from(*unit))?.checked_add(part)?;
    u64::try_from(bytes).ok()
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

fn refusal(text: &str) -> ValueError {
    let hint = match intended(text) {
        Some(better) => format!("write `{better}`"),
        None => "write digits and one of `k`, `m` or `g`, for example `512m` or `1.5g`".to_owned(),
    };
    ValueError::new(format!("{} is not an amount of memory", quoted(text)), hint)
}

/// The spellings of other programs: `4gb`, `4Gi`, `4GiB`, `1t`, blanks around, no unit.
fn intended(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let better = match unit.trim() {
        "" => format!("{number}m"),
        "k" | "kb" | "ki" | "kib" => format!("{number}k"),
        "m" | "mb" | "mi" | "mib" => format!("{number}m"),
        "g" | "gb" | "gi" | "gib" => format!("{number}g"),
        "t" | "tb" | "ti" | "tib" => format!("{}g", number.parse::<u32>().ok()?.checked_mul(1024)?),
        _ => return None,
    };
    grammar(&better).map(|_| better)
}

/// The text of an amount, in the largest unit without a fraction; read back, it is the
/// same number of bytes.
#[must_use]
pub fn format_memory(bytes: u64) -> String {
    for (name, unit) in UNITS {
        if bytes.is_multiple_of(unit) && (bytes > 0 || name == 'm') {
            return format!("{}{name}", bytes / unit);
        }
    }
    // A byte is 1/1024 k, which has ten decimal digits.
    let fraction = u128::from(bytes % 1024) * 10_000_000_000 / 1024;
    let fraction = format!("{fraction:010}");
    format!("{}.{}k", bytes / 1024, fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m1_units_in_either_case() {
        for (text, bytes) in [
            ("512m", 536_870_912),
            ("512M", 536_870_912),
            ("2g", 2_147_483_648),
            ("2G", 2_147_483_648),
            ("1024k", 1_048_576),
            ("1024K", 1_048_576),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn m2_fractions_blanks_and_zero() {
        for (text, bytes) in [
            ("1.5g", 1_610_612_736),
            ("2 g", 2_147_483_648),
            ("0.5k", 512),
            ("0m", 0),
            ("0.0001k", 0),
            ("17179869183g", 18_446_744_072_635_809_792),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn m3_everything_else_is_refused_with_a_better_text() {
        let general = "write digits and one of `k`, `m` or `g`, for example `512m` or `1.5g`";
        for (text, hint) in [
            ("512", "write `512m`"),
            ("abc", general),
            ("", general),
            ("512b", general),
            ("2gb", "write `2g`"),
            ("2Gi", "write `2g`"),
            ("1t", "write `1024g`"),
            ("-1g", general),
            (" 2g", "write `2g`"),
            ("1.g", general),
            (".5g", general),
            ("1.2.3g", general),
            ("1e3m", general),
            ("99999999999999999999g", general),
            ("0.1234567890123456789g", general),
        ] {
            let error = parse_memory(text).unwrap_err();
            assert_eq!(
                error.message(),
                format!("`{text}` is not an amount of memory")
            );
            assert_eq!(error.hint(), hint, "{text}");
        }
        assert_eq!(
            parse_memory("4gb").unwrap_err().to_string(),
            "`4gb` is not an amount of memory; write `4g`"
        );
    }

    #[test]
    fn amounts_print_in_the_largest_unit() {
        for (bytes, text) in [
            (0, "0m"),
            (1, "0.0009765625k"),
            (512, "0.5k"),
            (1 << 20, "1m"),
            (1_610_612_736, "1536m"),
            (1 << 40, "1024g"),
        ] {
            assert_eq!(format_memory(bytes), text);
        }
    }
}
