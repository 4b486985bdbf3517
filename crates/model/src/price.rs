//! What machines cost, in whole millionths of a unit of money that nobody names.
//!
//! Promise: exact. A price is a whole number of millionths an hour; money is added up as
//! time multiplied by price, and rounded once, when it is read.

use core::fmt;

/// Millionths of a unit.
const MICROS: f64 = 1e6;
/// Milliseconds of an hour.
const HOUR: u128 = 3_600_000;

/// What one agent costs in an hour, in millionths of a unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Price(u64);

impl Price {
    /// The highest price: a million units an hour.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// From millionths of a unit an hour; `None` above [`Price::MAX`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Option<Self> {
        if micros <= Self::MAX.0 {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// From units an hour, to the nearest millionth; `None` if that is no price: below zero,
    /// above [`Price::MAX`], or not a number.
    #[must_use]
    pub fn per_hour(units: f64) -> Option<Self> {
        // Below 2^53, so that a millionth more is another number.
        let micros = units * MICROS + 0.5;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: not negative, and small enough"
        )]
        (units >= 0.0 && micros < 2e12)
            .then_some(micros as u64)
            .and_then(Self::from_micros)
    }

    /// Millionths of a unit an hour.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Price {
    /// Units an hour, such as `0.12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if micros == 0 {
            return write!(f, "{units}");
        }
        let digits = alloc::format!("{micros:06}");
        write!(f, "{units}.{}", digits.trim_end_matches('0'))
    }
}

/// An exact amount of money: the sum of times multiplied by prices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Money {
    /// Millionths of a unit an hour, times milliseconds.
    product: u128,
}

impl Money {
    /// What so many milliseconds at this price cost.
    #[must_use]
    pub const fn of(millis: u64, price: Price) -> Self {
        Self {
            product: (millis as u128) * (price.0 as u128),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            product: self.product.saturating_add(other.product),
        }
    }

    /// Millionths of a unit, to the nearest one; half of one is rounded up.
    #[must_use]
    pub fn micros(self) -> u64 {
        let micros = self.product.saturating_add(HOUR / 2) / HOUR;
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    /// Whole millionths, and what is left over of the last one, for somebody who keeps it
    /// in smaller numbers. [`Money::from_parts`] is the way back.
    #[must_use]
    pub fn parts(self) -> (u64, u64) {
        let whole = u64::try_from(self.product / HOUR).unwrap_or(u64::MAX);
        let rest = u64::try_from(self.product % HOUR).unwrap_or(0);
        (whole, rest)
    }

    /// From what [`Money::parts`] gave, or sums of both numbers.
    #[must_use]
    pub const fn from_parts(whole: u64, rest: u64) -> Self {
        Self {
            product: (whole as u128) * HOUR + (rest as u128),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_whole_number_of_millionths() {
        let micros = |units| Price::per_hour(units).map(Price::as_micros);
        assert_eq!(micros(0.0), Some(0));
        assert_eq!(micros(0.12), Some(120_000));
        assert_eq!(micros(0.1 + 0.2), Some(300_000));
        assert_eq!(micros(0.000_000_4), Some(0));
        assert_eq!(micros(999_999.999_999), Some(999_999_999_999));
        assert_eq!(micros(1e6), Some(Price::MAX.as_micros()));
        for wrong in [-0.01, 1_000_001.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_price_is_shown_as_it_is_written() {
        for text in ["0", "12", "0.12", "1.000001", "1000000"] {
            let price = Price::per_hour(text.parse().unwrap()).unwrap();
            assert_eq!(alloc::format!("{price}"), text);
        }
    }

    #[test]
    fn money_is_rounded_once() {
        let price = Price::per_hour(0.1).unwrap();
        // A third of an hour, three times, is a whole one to the last digit.
        let third = Money::of(1_200_000, price);
        assert_eq!(third.micros(), 33_333);
        assert_eq!(third.plus(third).plus(third).micros(), 100_000);
        let least = Money::of(1_800_000, Price(1));
        assert_eq!(
            (least.micros(), Money::of(1_799_999, Price(1)).micros()),
            (1, 0)
        );
    }

    #[test]
    fn parts_lose_nothing() {
        let money = Money::of(123_456_789, Price(98_765));
        let (whole, rest) = money.parts();
        assert_eq!(Money::from_parts(whole, rest), money);
        let twice = Money::from_parts(2 * whole, 2 * rest);
        assert_eq!(twice, money.plus(money));
        let years = Money::of(u64::MAX, Price::MAX);
        assert!(years.micros() > 0, "no overflow");
    }
}
