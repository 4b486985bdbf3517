//! How far a creation came, by what the tool wrote of it.
//!
//! Promise: what cannot be told is not taken for nothing. Source: `Client.Create` of the
//! tool's `libmachine`: it writes the record, says that the machine is created, calls the
//! driver, writes the record once more, now with what the cloud calls the machine, and waits
//! for it. So a tool that is ended while the driver is at work leaves a record with which
//! nobody finds the machine again, unless the driver finds it by its name. The tool does not
//! wait for the disk: after a power loss its last words may be missing.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A creation says some hundred lines, unless it is told to explain itself.
const MAX_LOG: u64 = 16 * 1024 * 1024;
/// The first word of each try.
const CHECKS: &str = "Running pre-create checks...";
/// The driver is called next.
const CALLS: &str = "Creating machine...";
/// The record has just been written for the second time.
const SAVED: &str = "Waiting for machine to be running";
/// The driver came back, and says that there is nothing.
const REFUSED: &str = "Error in driver during machine creation";
/// Drivers that remove what has the machine's name, whatever the record says besides.
const BY_NAME: [&str; 3] = ["azure", "google", "virtualbox"];

/// How far a creation that has ended came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// Its driver was not called: there is no machine.
    NotBegun,
    /// Its driver was at work: there may be a machine, of which the record does not say what
    /// the cloud calls it.
    Unsaved,
    /// The record says all that there is to remove.
    Told,
    /// Its driver came back and says that there is nothing.
    Refused,
}

/// What is left of the tool's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Log {
    /// All that it wrote.
    Whole,
    /// The host was started anew since: what is there was said, and more may have been.
    Torn,
}

impl Progress {
    /// Of a creation by this driver that wrote into this file.
    pub(crate) fn of(log: &Path, kept: Log, driver: &str) -> Self {
        match read(log) {
            // The file is made before the tool is called.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::read("", kept, driver),
            Err(_) => Self::doubt(driver),
            Ok(text) => Self::read(&text, kept, driver),
        }
    }

    fn read(text: &str, kept: Log, driver: &str) -> Self {
        let last = text.rsplit(CHECKS).next().unwrap_or(text);
        let called = last.split_once(CALLS).map(|(_, after)| after);
        let after = match kept {
            Log::Whole => called,
            Log::Torn => Some(last),
        };
        match after {
            None => Self::NotBegun,
            Some(after) if after.contains(REFUSED) => Self::Refused,
            Some(after) if after.contains(SAVED) => Self::Told,
            Some(_) => Self::doubt(driver),
        }
    }

    fn doubt(driver: &str) -> Self {
        match BY_NAME.contains(&driver) {
            true => Self::Told,
            false => Self::Unsaved,
        }
    }
}

fn read(log: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(log)?.take(MAX_LOG).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_tells_how_far_it_came() {
        use Progress::{NotBegun, Refused, Told, Unsaved};
        let tries = |lines: &[&str]| lines.join("\n");
        for (text, by_id, by_name) in [
            (tries(&[]), NotBegun, NotBegun),
            (
                tries(&["Creating CA: /c/ca.pem", CHECKS]),
                NotBegun,
                NotBegun,
            ),
            (
                tries(&[CHECKS, "Error with pre-create check: \"no\""]),
                NotBegun,
                NotBegun,
            ),
            (tries(&[CHECKS, CALLS]), Unsaved, Told),
            (
                tries(&[CHECKS, CALLS, "(m) Launching instance..."]),
                Unsaved,
                Told,
            ),
            (tries(&[CHECKS, CALLS, SAVED, "Detecting"]), Told, Told),
            (
                tries(&[
                    CHECKS,
                    CALLS,
                    "Error creating machine: Error in driver during machine creation: Quota",
                ]),
                Refused,
                Refused,
            ),
            (
                tries(&[
                    CHECKS,
                    CALLS,
                    "Error creating machine: Error saving host to store after attempting creation: disk full",
                ]),
                Unsaved,
                Told,
            ),
            (
                tries(&[CHECKS, CALLS, "panic: runtime error"]),
                Unsaved,
                Told,
            ),
            // Of an earlier try nothing is left, or there would be no other.
            (tries(&[CHECKS, CALLS, SAVED, CHECKS, CALLS]), Unsaved, Told),
            (tries(&[CHECKS, CALLS, CHECKS]), NotBegun, NotBegun),
        ] {
            let of = |driver| Progress::read(&text, Log::Whole, driver);
            assert_eq!(
                (of("digitalocean"), of("google")),
                (by_id, by_name),
                "{text}"
            );
        }
    }

    #[test]
    fn of_words_that_may_be_missing_only_those_that_are_there_are_certain() {
        use Progress::{Refused, Told, Unsaved};
        for (lines, by_id, by_name) in [
            (&[][..], Unsaved, Told),
            (&[CHECKS], Unsaved, Told),
            (&[CHECKS, CALLS], Unsaved, Told),
            (&[CHECKS, CALLS, SAVED], Told, Told),
            (&["\0\0\0", SAVED], Told, Told),
            (&[CHECKS, CALLS, REFUSED], Refused, Refused),
            (&[CHECKS, CALLS, SAVED, CHECKS], Unsaved, Told),
        ] {
            let text = lines.join("\n");
            let of = |driver| Progress::read(&text, Log::Torn, driver);
            assert_eq!(
                (of("digitalocean"), of("google")),
                (by_id, by_name),
                "{text}"
            );
        }
    }

    #[test]
    fn a_log_that_cannot_be_read_is_a_doubt_and_one_that_is_not_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| Progress::of(&dir.path().join(name), Log::Whole, "digitalocean");
        assert_eq!(of("none"), Progress::NotBegun);
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        assert_eq!(of("folder"), Progress::Unsaved);
        let text = format!("\u{fffd}{CHECKS}\n{CALLS}\n{SAVED}");
        std::fs::write(dir.path().join("log"), text).unwrap();
        assert_eq!(of("log"), Progress::Told);
    }
}
