//! Descriptors the daemon inherited from whoever started it.
//!
//! Promise: none of them reaches an agent, which outlives the daemon and would hold, for
//! instance, the other end of a pipe somebody reads to its end. Everything the daemon opens
//! itself closes at exec anyway.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

/// Standard input, output and error are given to each agent anew.
const FIRST: RawFd = 3;

/// Has all open descriptors close at exec. Called once, before anything is made.
pub(crate) fn seal() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number) = number.filter(|number| *number >= FIRST) {
            match close_at_exec(number) {
                // Closed meanwhile, as the one that read the directory is.
                Ok(()) | Err(Errno::BADF) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "what was inherited is known by its number only")]
fn close_at_exec(number: RawFd) -> Result<(), Errno> {
    // SAFETY: nothing is read, written or closed through it. Should another thread close or
    // replace the descriptor just now, the flag is refused, or set on a file of ours that
    // has it already.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(fd)?;
    fcntl_setfd(fd, flags | FdFlags::CLOEXEC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inherited_closes_at_exec() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        assert!(!fcntl_getfd(&read).unwrap().contains(FdFlags::CLOEXEC));
        seal().unwrap();
        for end in [&read, &write] {
            assert!(fcntl_getfd(end).unwrap().contains(FdFlags::CLOEXEC));
        }
    }
}
