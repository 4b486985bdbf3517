//! Numbers of CPUs, fractional, kept as thousandths.

use super::ValueError;
use crate::suggest::quoted;

/// The most CPUs that one job or agent may ask for.
pub const MAX_CPUS: u32 = 256;

/// Thousandths of a CPU of a text such as `2` or `0.5`: above 0, at most [`MAX_CPUS`],
/// rounded up to a whole thousandth.
///
/// # Errors
/// With a text to write instead when it is anything else.
pub fn parse_cpus(text: &str) -> Result<u64, ValueError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: Option<f64> = text.parse().ok().filter(|_| plain);
    match number {
        Some(number) => parse_cpu_number(number, text),
        None => Err(ValueError::new(
            format!("{} is not a number of CPUs", quoted(text)),
            "write a number, for example `2` or `0.5`",
        )),
    }
}

/// The same for a number, which was written as `text`.
pub(crate) fn parse_cpu_number(number: f64, text: &str) -> Result<u64, ValueError> {
    let in_range = number > 0.0 && number <= f64::from(MAX_CPUS);
    cpu_millis(number).filter(|_| in_range).ok_or_else(|| {
        ValueError::new(
            format!("{} CPUs cannot be asked for", quoted(text)),
            format!("write a number above 0 and at most {MAX_CPUS}"),
        )
    })
}

/// Thousandths, rounded up; `None` unless it is above 0 and below a billion CPUs.
pub(crate) fn cpu_millis(number: f64) -> Option<u64> {
    // Binary fractions miss decimal ones by less than this.
    const NOISE: f64 = 1e-6;
    if !(number > 0.0 && number < 1e9) {
        return None;
    }
    let millis = number.mul_add(1000.0, -NOISE).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Within 1..=1e12, as just checked.
    Some(millis as u64)
}

/// The text of a number of thousandths: `1.5`, `2`, `0.001`.
#[must_use]
pub fn format_cpus(millis: u64) -> String {
    let (whole, rest) = (millis / 1000, millis % 1000);
    match rest {
        0 => whole.to_string(),
        rest => format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_up_to_a_thousandth() {
        for (text, millis) in [
            ("1", 1000),
            ("0.5", 500),
            ("1.1", 1100),
            ("0.0005", 1),
            ("0.0015", 2),
            ("0.001", 1),
            ("256", 256_000),
            (".25", 250),
        ] {
            assert_eq!(parse_cpus(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn c21_bounds() {
        for text in ["0", "257", "256.001"] {
            let error = parse_cpus(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "`{text}` CPUs cannot be asked for; write a number above 0 and at most 256"
                )
            );
        }
        for text in ["", "x", "-1", "+1", "1e2", "inf", "1.2.3", "2 "] {
            let error = parse_cpus(text).unwrap_err();
            assert_eq!(error.message(), format!("`{text}` is not a number of CPUs"));
        }
    }

    #[test]
    fn thousandths_print_back() {
        for (millis, text) in [(1000, "1"), (1500, "1.5"), (1, "0.001"), (0, "0")] {
            assert_eq!(format_cpus(millis), text);
        }
    }
}
