//! What goes into a program and what comes out of it, bounded.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use headcount_ports::texts::one_line;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::call::Stop;

/// Read at once.
const PIECE: usize = 64 * 1024;

/// The beginning of an output; more than the limit is an error.
pub(crate) struct Head {
    bytes: Vec<u8>,
    limit: usize,
}

/// The end of an output; what was before is forgotten.
pub(crate) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
}

/// Hands over a document. That nobody reads it is the program's business.
pub(crate) async fn feed(pipe: Option<Sender>, input: &[u8]) {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(input).await;
    }
}

impl Head {
    pub(crate) const fn new(limit: usize) -> Self {
        let bytes = Vec::new();
        Self { bytes, limit }
    }

    /// Until nobody can write any more.
    pub(crate) async fn hear(&mut self, pipe: &mut Receiver) -> Result<(), Stop> {
        let mut piece = vec![0; PIECE];
        loop {
            match pipe.read(&mut piece).await? {
                0 => return Ok(()),
                n => self.take(piece.get(..n).unwrap_or_default())?,
            }
        }
    }

    /// What is there now.
    pub(crate) fn drain(&mut self, pipe: &Receiver) -> Result<(), Stop> {
        let mut piece = vec![0; PIECE];
        while let Some(n) = now(pipe, &mut piece) {
            self.take(piece.get(..n).unwrap_or_default())?;
        }
        Ok(())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), Stop> {
        if self.bytes.len() + piece.len() > self.limit {
            return Err(Stop::Full);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Tail {
    pub(crate) const fn new(limit: usize) -> Self {
        let bytes = VecDeque::new();
        Self { bytes, limit }
    }

    /// Until nobody can write any more.
    pub(crate) async fn hear(&mut self, pipe: &mut Receiver) -> Result<(), Stop> {
        let mut piece = vec![0; PIECE];
        loop {
            match pipe.read(&mut piece).await? {
                0 => return Ok(()),
                n => self.take(piece.get(..n).unwrap_or_default()),
            }
        }
    }

    /// What is there now.
    pub(crate) fn drain(&mut self, pipe: &Receiver) {
        let mut piece = vec![0; PIECE];
        while let Some(n) = now(pipe, &mut piece) {
            self.take(piece.get(..n).unwrap_or_default());
        }
    }

    /// As one line.
    pub(crate) fn text(&self) -> String {
        let (first, second) = self.bytes.as_slices();
        one_line(&String::from_utf8_lossy(&[first, second].concat()))
    }

    fn take(&mut self, piece: &[u8]) {
        self.bytes.extend(piece);
        let over = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..over);
    }
}

/// The end of a file as one line, at most so many bytes; what cannot be read is left out.
pub(crate) fn end_of(path: &Path, limit: usize) -> String {
    let mut bytes = Vec::new();
    let reading = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        let limit = limit as u64;
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        file.take(limit).read_to_end(&mut bytes)
    });
    match reading {
        Ok(_) => one_line(&String::from_utf8_lossy(&bytes)),
        Err(_) => String::new(),
    }
}

/// Bytes that are there; `None` when there are none.
fn now(pipe: &Receiver, piece: &mut [u8]) -> Option<usize> {
    // The readiness that is remembered may be older than what was written last.
    match rustix::io::read(pipe, piece) {
        Ok(0) => None,
        Ok(n) => Some(n),
        Err(rustix::io::Errno::INTR) => Some(0),
        Err(error) => {
            debug_assert!(io::Error::from(error).kind() == io::ErrorKind::WouldBlock);
            None
        }
    }
}
