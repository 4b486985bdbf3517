//! Names and ids, each its own type so that one cannot stand in for another.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a text that the edge has already checked.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

name! {
    /// The name of a scaler or of a machine pool, as written in the configuration.
    Name
}
name! {
    /// The name of a pool: `scaler/label+label`, the labels in normal form.
    /// It does not change when label sets are put in another order.
    PoolName
}
name! {
    /// Where instances live, self-describing: `bare-metal`, later also
    /// `container:unix:///run/podman/podman.sock` and the like. Scalers that reach
    /// the same place share one backend.
    BackendId
}
name! {
    /// Where jobs come from; the built-in queue is `queue`.
    SourceId
}
name! {
    /// Who made an instance: one daemon's state directory. Random, kept in the ledger.
    OwnerId
}

/// A job that some source accepted. Unique in one ledger, never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for JobId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.strip_prefix("job-").unwrap_or(text);
        parse_decimal(digits).map(Self).ok_or(ParseIdError::Job)
    }
}

/// Our record of one worker, from intent to gone: `a-<epoch>-<number>`.
///
/// The epoch (seconds since 1970 at daemon start, pushed past the last one known) is
/// new at each start, so a ledger restored from a backup never uses an id again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId {
    /// New at each daemon start.
    pub epoch: u64,
    /// Counts up within one epoch.
    pub number: u32,
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a-{:x}-{}", self.epoch, self.number)
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AgentId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let rest = text.strip_prefix("a-").ok_or(ParseIdError::Agent)?;
        let (epoch, number) = rest.split_once('-').ok_or(ParseIdError::Agent)?;
        let plain = !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_hexdigit());
        let epoch = u64::from_str_radix(epoch, 16).ok().filter(|_| plain);
        let number = parse_decimal(number).and_then(|n| u32::try_from(n).ok());
        match (epoch, number) {
            (Some(epoch), Some(number)) => Ok(Self { epoch, number }),
            _ => Err(ParseIdError::Agent),
        }
    }
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn parse_decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A text that is not the id it should be. Show it; nothing else to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseIdError {
    /// Not a job id.
    Job,
    /// Not an agent id.
    Agent,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job => "not a job id; one looks like job-42",
            Self::Agent => "not an agent id; one looks like a-65f1c2a0-7",
        })
    }
}

impl core::error::Error for ParseIdError {}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ids_print_and_parse_back() {
        let agent = AgentId {
            epoch: 0x65f1_c2a0,
            number: 7,
        };
        assert_eq!(agent.to_string(), "a-65f1c2a0-7");
        assert_eq!("a-65f1c2a0-7".parse(), Ok(agent));
        assert_eq!("job-42".parse(), Ok(JobId(42)));
        assert_eq!("42".parse(), Ok(JobId(42)));
    }

    #[test]
    fn other_texts_are_not_ids() {
        for text in [
            "",
            "job-",
            "job-+4",
            "job-4x",
            "j-4",
            "job-99999999999999999999",
        ] {
            assert_eq!(text.parse::<JobId>(), Err(ParseIdError::Job), "{text}");
        }
        for text in [
            "",
            "a-",
            "a--1",
            "a-1",
            "a-+1-1",
            "a-zz-1",
            "a-1-99999999999",
        ] {
            assert_eq!(text.parse::<AgentId>(), Err(ParseIdError::Agent), "{text}");
        }
    }
}
