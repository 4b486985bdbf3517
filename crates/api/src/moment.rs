//! Moments on the wire: RFC 3339 in UTC, always to the millisecond, so that their texts
//! sort as they do.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A moment, as `2026-03-01T12:00:00.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00.250Z")]
pub struct Moment(jiff::Timestamp);

impl Moment {
    /// From milliseconds since the Unix epoch; what lies beyond the year 9999 is its end.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        let moment = i64::try_from(millis)
            .ok()
            .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        Self(moment.unwrap_or(jiff::Timestamp::MAX))
    }

    /// Milliseconds since the Unix epoch; 0 for what lies before it.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millisecond()).unwrap_or(0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_and_parse_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_772_366_400_250, "2026-03-01T12:00:00.250Z"),
        ] {
            let moment = Moment::from_millis(millis);
            assert_eq!(moment.to_string(), text);
            assert_eq!(text.parse::<Moment>().unwrap().as_millis(), millis);
        }
        assert!("1970-01-01T00:00:00Z".parse::<Moment>().is_ok());
        assert!("yesterday".parse::<Moment>().is_err());
        assert!(Moment::from_millis(u64::MAX) > Moment::from_millis(0));
    }
}
