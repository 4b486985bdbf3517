//! Why a login that seems to be there could not be used.

use std::path::PathBuf;

/// The image is not fetched; an operator mends the file or the program, or logs in again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoginError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The login file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// More than any login file holds.
    #[error("{} is longer than {max} bytes, which no login file is", path.display())]
    TooLong {
        /// The login file.
        path: PathBuf,
        /// The most that is read.
        max: u64,
    },
    /// Not JSON, or not of the shape that logins have. What it holds is not repeated.
    #[error("{}:{line}:{column}: this is not a login file as `docker login` writes it", path.display())]
    Malformed {
        /// The login file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
    },
    /// The text of an entry is not a user and a password.
    #[error(
        "{}: the entry `{key}` does not hold a user and a password in base64; log in to it again",
        path.display()
    )]
    BadEntry {
        /// The login file.
        path: PathBuf,
        /// The entry as it is written.
        key: String,
    },
    /// A name that could lead outside of the search path.
    #[error("{}: `{name}` cannot be the name of a credential helper", path.display())]
    BadHelperName {
        /// The login file.
        path: PathBuf,
        /// What follows `docker-credential-` there.
        name: String,
    },
    /// The program cannot be run.
    #[error(
        "the credential helper `{program}`, named in {}, cannot be run ({why}): install it where \
         PATH leads, or remove it from the file",
        path.display()
    )]
    NoHelper {
        /// The program.
        program: String,
        /// The login file that names it.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The program said no, for a reason other than knowing nothing.
    #[error("the credential helper `{program}` gave nothing for `{server}`: {said}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// What it said, or how it ended.
        said: String,
    },
    /// The program was ended.
    #[error(
        "the credential helper `{program}` did not answer for `{server}` within {seconds} seconds"
    )]
    HelperSilent {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It succeeded, with something else than a user and a secret. The text is not
    /// repeated: it may hold the secret.
    #[error(
        "the credential helper `{program}` did not answer for `{server}` with a user and a secret in JSON"
    )]
    HelperUnreadable {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
    },
}
