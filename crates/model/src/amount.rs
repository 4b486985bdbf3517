//! Amounts of CPU and memory as a person writes them.

use alloc::format;
use alloc::string::{String, ToString};

/// Thousandths of one CPU: `1.5`, `2`.
#[must_use]
pub fn cpus(millis: u64) -> String {
    let fraction = format!("{:03}", millis % 1000);
    match fraction.trim_end_matches('0') {
        "" => (millis / 1000).to_string(),
        fraction => format!("{}.{fraction}", millis / 1000),
    }
}

/// Bytes in the largest unit without a fraction: `4g`, `1536m`. What no unit divides is
/// in bytes.
#[must_use]
pub fn memory(bytes: u64) -> String {
    let units = [("g", 1_u64 << 30), ("m", 1 << 20), ("k", 1 << 10)];
    let unit = units
        .iter()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_they_are_written() {
        assert_eq!([0, 500, 2000, 1250].map(cpus), ["0", "0.5", "2", "1.25"]);
        let bytes = [0, 1, 1 << 20, 3 << 29, 4 << 30];
        let texts = ["0 bytes", "1 bytes", "1m", "1536m", "4g"];
        assert_eq!(bytes.map(memory), texts);
    }
}
