//! How far a creation came, by what the tool wrote of it.
//!
//! Promise: what cannot be told is not taken for nothing. Source: `Client.Create` of the
//! tool's `libmachine`: it writes the record, says that the machine is created, calls the
//! driver, writes the record once more, now with what the cloud calls the machine, and waits
//! for it. So a tool that is ended while the driver is at work leaves a record with which
//! nobody finds the machine again, unless the driver finds it by its name.

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
}

impl Progress {
    /// Of a creation by this driver that wrote into this file.
    pub(crate) fn of(log: &Path, driver: &str) -> Self {
        match read(log) {
            // The file is made before the tool is called.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::NotBegun,
            Err(_) if BY_NAME.contains(&driver) => Self::Told,
            Err(_) => Self::Unsaved,
            Ok(text) => Self::read(&text, driver),
        }
    }

    fn read(text: &str, driver: &str) -> Self {
        let last = text.rsplit(CHECKS).next().unwrap_or(text);
        let Some((_, after)) = last.split_once(CALLS) else {
            return Self::NotBegun;
        };
        let told = [SAVED, REFUSED].iter().any(|words| after.contains(words));
        match told || BY_NAME.contains(&driver) {
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
        use Progress::{NotBegun, Told, Unsaved};
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
                Told,
                Told,
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
            assert_eq!(Progress::read(&text, "digitalocean"), by_id, "{text}");
            assert_eq!(Progress::read(&text, "google"), by_name, "{text}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_read_is_a_doubt_and_one_that_is_not_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| Progress::of(&dir.path().join(name), "digitalocean");
        assert_eq!(of("none"), Progress::NotBegun);
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        assert_eq!(of("folder"), Progress::Unsaved);
        let text = format!("\u{fffd}{CHECKS}\n{CALLS}\n{SAVED}");
        std::fs::write(dir.path().join("log"), text).unwrap();
        assert_eq!(of("log"), Progress::Told);
    }
}
