//! Percentiles of measured times.

use std::time::Duration;

/// Times, in order.
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest time that so many percent do not exceed (nearest rank); zero of none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

/// In milliseconds, for people.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// How many a second, in thousands where it is many.
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    // A count is far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = count as f64;
    count / took.as_secs_f64().max(1e-9)
}

/// A rate, for people.
pub(crate) fn rate(per_second: f64) -> String {
    let digits = format!("{per_second:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + "/s"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let sample = Sample::new((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(sample.median(), Duration::from_millis(100));
        assert_eq!(sample.percentile(99), Duration::from_millis(198));
        assert_eq!(sample.percentile(100), Duration::from_millis(200));
        assert_eq!(Sample::new(Vec::new()).median(), Duration::ZERO);
        let one = Sample::new(vec![Duration::from_millis(7)]);
        assert_eq!(one.percentile(99), Duration::from_millis(7));
    }

    #[test]
    fn rates_are_readable() {
        assert_eq!(rate(999.4), "999/s");
        assert_eq!(rate(1_000.0), "1,000/s");
        assert_eq!(
            rate(per_second(123_456, Duration::from_millis(100))),
            "1,234,560/s"
        );
    }
}
