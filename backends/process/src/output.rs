//! Reads the end of an agent's output.
//!
//! Promise: bounded whatever the files hold; bytes that are not text do not matter. Leaves
//! to others: keeping the files bounded (`pump`).

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use headcount_ports::texts::last_lines;

/// The file being written, and the one before.
pub(crate) const CURRENT: &str = "output.log";
pub(crate) const PREVIOUS: &str = "output.log.1";

/// Read from the end of each file at most, in bytes.
const MAX_TAIL: u64 = 64 * 1024;

/// The last lines, oldest first, at most `max_lines`. None when there is no output, or
/// none that can be read: it only explains.
pub(crate) fn tail(dir: &Path, max_lines: usize) -> Vec<String> {
    let mut lines = VecDeque::new();
    for name in [CURRENT, PREVIOUS] {
        if lines.len() >= max_lines {
            break;
        }
        let text = match read_tail(&dir.join(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::debug!(path = %dir.display(), %error, "output cannot be read");
                continue;
            }
        };
        for line in last_lines(&text, max_lines - lines.len()).into_iter().rev() {
            lines.push_front(line);
        }
    }
    lines.into()
}

fn read_tail(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(MAX_TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MAX_TAIL).read_to_end(&mut bytes)?;
    // A line whose beginning is out of reach is no line.
    let start = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if from > 0 => end + 1,
        _ => 0,
    };
    Ok(String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_ports::texts::MAX_LINE;
    use std::fs;

    #[test]
    fn the_last_lines_come_from_both_files_in_order() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(tail(dir.path(), 5), Vec::<String>::new());
        fs::write(dir.path().join(PREVIOUS), "one\ntwo\nthree\n").unwrap();
        fs::write(dir.path().join(CURRENT), "four\nfi\u{ff}ve").unwrap();
        let all = ["one", "two", "three", "four", "fi\u{ff}ve"];
        assert_eq!(tail(dir.path(), 9), all);
        assert_eq!(tail(dir.path(), 3), all[2..]);
        assert_eq!(tail(dir.path(), 1), all[4..]);
        assert_eq!(tail(dir.path(), 0), Vec::<String>::new());
    }

    #[test]
    fn huge_files_and_lines_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![b'x'; 300_000];
        bytes.extend_from_slice(b"\n\xff\xfelast\n");
        fs::write(dir.path().join(CURRENT), &bytes).unwrap();
        assert_eq!(tail(dir.path(), 10), ["\u{fffd}\u{fffd}last"]);
        fs::write(dir.path().join(CURRENT), vec![b'y'; 300_000]).unwrap();
        let cut = tail(dir.path(), 10);
        assert_eq!((cut.len(), cut[0].len()), (1, MAX_LINE));
    }
}
