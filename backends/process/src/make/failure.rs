//! Errors of making a process, by what the caller should do.

use std::io::{self, ErrorKind};

use headcount_ports::BackendError;
use rustix::io::Errno;

use super::child;
use crate::program::Program;

/// An error while doing something for the agent.
pub(super) fn in_kind(doing: &str, error: &io::Error) -> BackendError {
    let message = format!("cannot {doing}: {error}");
    let full = matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::OutOfMemory
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::TooManyLinks
    );
    match Errno::from_io_error(error) {
        _ if full => capacity(message),
        Some(Errno::MFILE | Errno::NFILE) => capacity(message),
        // A limit the kernel does not take, for instance above that of our own cgroup.
        _ if error.kind() == ErrorKind::InvalidInput => BackendError::Invalid(message),
        _ => BackendError::Transient(message),
    }
}

const fn capacity(message: String) -> BackendError {
    BackendError::Capacity {
        message,
        retry_after: None,
    }
}

/// An error of fork, of the child, or of exec.
pub(super) fn start_failed(error: &io::Error, program: &Program) -> BackendError {
    let (step, error) = child::split(error);
    if let Some(doing) = step {
        return in_kind(doing, &error);
    }
    let file = program.file.display();
    let invalid = |why: &str| BackendError::Invalid(format!("`{file}` {why}"));
    match Errno::from_io_error(&error) {
        // It was there and executable a moment ago.
        Some(Errno::NOENT) => {
            invalid("cannot be executed: it, or the interpreter in its first line, is missing")
        }
        Some(Errno::ACCESS | Errno::PERM) => {
            invalid("may not be executed by this user, or lies on a file system without exec")
        }
        Some(Errno::NOEXEC) => invalid(
            "is not a program of this host; a script needs a first line such as `#!/bin/sh`",
        ),
        Some(Errno::TOOBIG) => {
            invalid("cannot be executed: its arguments and environment are too large")
        }
        Some(Errno::TXTBSY) => BackendError::Transient(format!(
            "`{file}` is still being written; it will be tried again"
        )),
        _ => in_kind(&format!("execute `{file}`"), &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn text(code: Errno) -> String {
        let program = Program {
            file: PathBuf::from("/bin/tool"),
            name: "tool".into(),
            arguments: vec![],
        };
        start_failed(&io::Error::from(code), &program).to_string()
    }

    #[test]
    fn failures_say_what_to_do() {
        for (code, expected) in [
            (
                Errno::NOENT,
                "`/bin/tool` cannot be executed: it, or the interpreter in its first line, is missing",
            ),
            (
                Errno::ACCESS,
                "`/bin/tool` may not be executed by this user, or lies on a file system without exec",
            ),
            (
                Errno::NOEXEC,
                "`/bin/tool` is not a program of this host; a script needs a first line such as `#!/bin/sh`",
            ),
            (
                Errno::TOOBIG,
                "`/bin/tool` cannot be executed: its arguments and environment are too large",
            ),
            (
                Errno::TXTBSY,
                "`/bin/tool` is still being written; it will be tried again",
            ),
            (
                Errno::AGAIN,
                "no capacity: cannot execute `/bin/tool`: Resource temporarily unavailable (os error 11)",
            ),
            (
                Errno::IO,
                "cannot execute `/bin/tool`: Input/output error (os error 5)",
            ),
        ] {
            assert_eq!(text(code), expected);
        }
    }
}
