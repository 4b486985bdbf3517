//! Bytes as they come, cut into lines of JSON.

use headcount_api::LogLine;

/// A longer line is refused, in bytes: the largest frame of an agent, in base64, and more.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// A line that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum LineError {
    /// It is too long.
    #[error("a line of the log is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// It is something else.
    #[error("a line of the log cannot be read: {0}")]
    Strange(String),
}

/// Collects pieces and gives whole lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// What lies before this was given already.
    start: usize,
    /// What lies before this holds no line end.
    searched: usize,
}

impl Lines {
    /// Takes what has come.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole line, if there is one. Empty lines say nothing.
    pub(super) fn next(&mut self) -> Result<Option<LogLine>, LineError> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(offset) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return match self.searched - self.start > MAX_LINE_BYTES {
                    true => Err(LineError::TooLong),
                    false => Ok(None),
                };
            };
            let end = self.searched + offset;
            let line = self.buffer.get(self.start..end).unwrap_or_default();
            let parsed = match line.trim_ascii().is_empty() {
                true => None,
                false => Some(parse(line)?),
            };
            self.start = end + 1;
            self.searched = self.start;
            if parsed.is_some() {
                return Ok(parsed);
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<LogLine, LineError> {
    serde_json::from_slice(line).map_err(|error| LineError::Strange(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_api::JobState;

    const END: LogLine = LogLine::End {
        state: JobState::Failed,
    };
    const CUT: LogLine = LogLine::Truncated { attempt: 1 };

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let text =
            b"{\"type\":\"truncated\",\"attempt\":1}\n\n{\"type\":\"end\",\"state\":\"failed\"}\n";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next().unwrap() {
                    found.push(line);
                }
            }
            assert_eq!(found, [CUT, END], "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_line_is_told() {
        let mut lines = Lines::default();
        lines.push(b"<html>\n");
        let error = lines.next().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a line of the log cannot be read: expected value at line 1 column 1"
        );
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut lines = Lines::default();
        lines.push(&vec![b' '; MAX_LINE_BYTES]);
        assert_eq!(lines.next(), Ok(None));
        lines.push(b"  ");
        assert_eq!(lines.next(), Err(LineError::TooLong));
    }
}
