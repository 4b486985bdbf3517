//! Keeps the output of a program that is not ours bounded: a process of its own, because a
//! pipe into the daemon would die with the daemon, and a plain file grows without end.
//!
//! Promise: everything that is read is read, however much comes and whether or not it can
//! be written, so that the program never blocks on its output nor dies of a broken pipe;
//! on disk stay at most `limit` bytes, the newest, in two files of half of it each. It
//! ends when nobody holds the other end any more. Leaves to others: starting it (`make`
//! executes `<own binary> pump <dir> <limit>`), reading the files.
//!
//! Our own agent program logs a line an event to a plain file and needs no pump; its jobs'
//! output takes another way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::output::{CURRENT, PREVIOUS};

/// Read at once, in bytes.
const PIECE: usize = 64 * 1024;
/// Two files of less would not hold a line.
const MIN_HALF: u64 = 4 * 1024;

/// Copies `input` into the output files of `dir` until it ends.
///
/// # Errors
/// Only reading can fail; what cannot be written is dropped.
pub fn run(dir: &Path, limit: u64, mut input: impl Read) -> io::Result<()> {
    let mut files = Files::new(dir, (limit / 2).max(MIN_HALF));
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => files.write(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

struct Files {
    dir: PathBuf,
    half: u64,
    current: Option<File>,
    length: u64,
}

impl Files {
    fn new(dir: &Path, half: u64) -> Self {
        let file = dir.join(CURRENT);
        let length = fs::metadata(file).map_or(0, |found| found.len());
        Self {
            dir: dir.to_owned(),
            half,
            current: None,
            length,
        }
    }

    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.length >= self.half {
                self.turn();
            }
            let room = usize::try_from(self.half - self.length).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            // Counted even when it is lost, so that the file is turned all the same.
            self.length += now.len() as u64;
            if self.append(now).is_err() {
                self.current = None;
            }
            bytes = later;
        }
    }

    fn turn(&mut self) {
        self.current = None;
        self.length = 0;
        let (current, previous) = (self.dir.join(CURRENT), self.dir.join(PREVIOUS));
        if fs::rename(&current, previous).is_err() {
            // Better to lose old output than to grow.
            let _ = fs::remove_file(current);
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = match self.current.take() {
            Some(file) => file,
            None => OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(self.dir.join(CURRENT))?,
        };
        file.write_all(bytes)?;
        self.current = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tail;

    fn size(dir: &Path) -> u64 {
        let sizes =
            [CURRENT, PREVIOUS].map(|name| fs::metadata(dir.join(name)).map_or(0, |m| m.len()));
        sizes.into_iter().sum()
    }

    #[test]
    fn much_output_stays_within_the_limit_and_the_newest_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let lines: String = (0..200_000).map(|n| format!("line {n}\n")).collect();
        run(dir.path(), 64 * 1024, lines.as_bytes()).unwrap();
        assert!(size(dir.path()) <= 64 * 1024, "{}", size(dir.path()));
        let last = tail(dir.path(), 2000);
        assert_eq!(last.len(), 2000);
        assert_eq!(
            (last[0].as_str(), last[1999].as_str()),
            ("line 198000", "line 199999")
        );
    }

    #[test]
    fn a_restart_goes_on_where_the_file_ends() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            run(dir.path(), 8 * 1024, vec![b'x'; 3000].as_slice()).unwrap();
            assert!(size(dir.path()) <= 8 * 1024);
        }
    }

    #[test]
    fn output_that_cannot_be_written_is_still_read() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let mut input = io::Cursor::new(vec![b'x'; 100_000]);
        run(&gone, 16 * 1024, &mut input).unwrap();
        assert_eq!(input.position(), 100_000);
    }
}
