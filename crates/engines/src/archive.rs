//! What is put into a container before it starts, where it is not mounted (`handover`): the
//! one-time token and an empty directory. Written into the container itself, so that it ends with it, needs nothing of
//! the image, works on another host too, and stands in nothing that `inspect` shows.

use std::path::Path;

use headcount_model::Secret;
use tar::{Builder, EntryType, Header};

/// Everything of ours in a container is below this directory.
pub const HOME: &str = "/headcount";
/// The agent's own directory.
pub const WORK: &str = "/headcount/work";
/// The one-time token; the agent removes it once it is used.
pub const TOKEN: &str = "/headcount/token";

/// Where our own agent is, where it is put into a container.
pub const PROGRAM: &str = "/headcount/headcount";

/// An archive with our own agent, to be unpacked at the root. As large as the program.
///
/// # Errors
/// The program cannot be read.
pub fn pack_program(program: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(program)?;
    let mut archive = Builder::new(Vec::with_capacity(bytes.len() + 16 * 1024));
    let mut folder = header(EntryType::Directory, 0o777, 0);
    archive.append_data(&mut folder, inside(HOME), std::io::empty())?;
    let mut file = header(EntryType::Regular, 0o555, bytes.len() as u64);
    archive.append_data(&mut file, inside(PROGRAM), &bytes[..])?;
    archive.into_inner()
}

/// The archive of what is an agent's own, to be unpacked at the root.
///
/// # Errors
/// Writing to memory does not fail; a path that is too long would.
pub fn pack(token: Option<&Secret>) -> std::io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    // Whoever the image's user is, the agent runs as that one and must be able to use it.
    let folders = [(HOME, 0o777), (WORK, 0o1777)];
    for (path, mode) in folders {
        let mut header = header(EntryType::Directory, mode, 0);
        archive.append_data(&mut header, inside(path), std::io::empty())?;
    }
    if let Some(token) = token {
        let token = token.expose().as_bytes();
        let mut header = header(EntryType::Regular, 0o444, token.len() as u64);
        archive.append_data(&mut header, inside(TOKEN), token)?;
    }
    archive.into_inner()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn inside(path: &str) -> &str {
    path.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_the_directories_and_the_token() {
        let bytes = pack(Some(&Secret::new("the-token".into()))).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let size = entry.size();
            (path, entry.header().mode().unwrap(), size)
        });
        let entries: Vec<_> = entries.collect();
        assert_eq!(
            entries,
            [
                ("headcount".to_owned(), 0o777, 0),
                ("headcount/work".to_owned(), 0o1777, 0),
                ("headcount/token".to_owned(), 0o444, 9),
            ]
        );
    }
}
