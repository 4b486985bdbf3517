//! What a plain text means: the core schema of YAML 1.2, section 10.3.2.

use super::node::Plain;

/// The meaning of a text without quotes.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ => {}
    }
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, text.get(1..).unwrap_or_default()),
        Some(b'+') => (1.0, text.get(1..).unwrap_or_default()),
        _ => (1.0, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Plain::Float(sign * f64::INFINITY);
    }
    integer(text, digits)
        .or_else(|| float(text, digits))
        .unwrap_or(Plain::Text)
}

/// Decimal with a sign, or octal and hexadecimal without.
fn integer(text: &str, unsigned: &str) -> Option<Plain> {
    let radix = |prefix, radix| {
        let digits: &str = text.strip_prefix(prefix)?;
        // `from_str_radix` would take a sign after the prefix.
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric());
        let number = i64::from_str_radix(digits, radix).ok().filter(|_| plain)?;
        Some(Plain::Integer(number))
    };
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Plain::Integer);
    }
    radix("0o", 8).or_else(|| radix("0x", 16))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn float(text: &str, unsigned: &str) -> Option<Plain> {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let power = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    let number: f64 = text.parse().ok().filter(|_| number && power)?;
    Some(Plain::Float(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, means) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("Null", Plain::Null),
            ("true", Plain::Bool(true)),
            ("False", Plain::Bool(false)),
            ("yes", Plain::Text),
            ("on", Plain::Text),
            ("nil", Plain::Text),
            ("tRUE", Plain::Text),
            ("linux", Plain::Text),
        ] {
            assert_eq!(resolve(text), means, "{text}");
        }
    }

    #[test]
    fn numbers() {
        for (text, means) in [
            ("0", Plain::Integer(0)),
            ("-12", Plain::Integer(-12)),
            ("+7", Plain::Integer(7)),
            ("0o17", Plain::Integer(15)),
            ("0xff", Plain::Integer(255)),
            ("017", Plain::Integer(17)),
            ("1.5", Plain::Float(1.5)),
            (".5", Plain::Float(0.5)),
            ("5.", Plain::Float(5.0)),
            ("-1e3", Plain::Float(-1000.0)),
            ("-.inf", Plain::Float(f64::NEG_INFINITY)),
            ("99999999999999999999", Plain::Float(1e20)),
        ] {
            assert_eq!(resolve(text), means, "{text}");
        }
    }

    #[test]
    fn almost_numbers_are_texts() {
        for text in [
            "+", "-", ".", "1_000", "0x", "0o8", "0x-1", "-0x1", "1e", "e5", "1.2.3", "infinity",
            "nan", "1 2",
        ] {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
    }
}
