//! What a job wrote, to where it would have gone: standard output to standard output,
//! standard error and remarks to standard error.
//!
//! Promise: bytes pass as they came, text or not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_api::{LogLine, LogText, Stream};

use crate::client::Followed;
use crate::console::Console;
use crate::failure::Failure;

/// Writes what comes of a log.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    console: &'a Console,
    attempt: Option<u32>,
}

/// What is written where.
#[derive(PartialEq, Eq, Debug)]
enum Piece {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Remark(String),
}

impl<'a> Output<'a> {
    pub(crate) const fn new(console: &'a Console) -> Self {
        let attempt = None;
        Self { console, attempt }
    }

    /// Writes one thing that came. With `--json`, lines as they are.
    ///
    /// # Errors
    /// It cannot be written, or is nothing that can be.
    pub(crate) fn write(&mut self, followed: &Followed) -> Result<(), Failure> {
        if let (true, Followed::Line(line)) = (self.console.json, followed) {
            return self.console.print(&json_line(line)?);
        }
        for piece in self.pieces(followed)? {
            match piece {
                Piece::Out(bytes) => self.console.print_bytes(&bytes)?,
                Piece::Err(bytes) => self.console.pass_error(&bytes),
                Piece::Remark(text) => self.console.note(&format!("headcount: {text}")),
            }
        }
        Ok(())
    }

    fn pieces(&mut self, followed: &Followed) -> Result<Vec<Piece>, Failure> {
        let line = match followed {
            Followed::Line(line) => line,
            Followed::Interrupted(why) => {
                return Ok(vec![Piece::Remark(format!("{why}; trying again"))]);
            }
            Followed::Resumed => return Ok(vec![Piece::Remark("connected again".to_owned())]),
        };
        let mut pieces = Vec::new();
        match line {
            LogLine::Output {
                attempt,
                stream,
                text,
                ..
            } => {
                let before = self.attempt.replace(*attempt);
                if before.is_some_and(|before| before != *attempt) {
                    pieces.push(Piece::Remark(format!("attempt {attempt} begins")));
                }
                pieces.push(piece(*stream, text)?);
            }
            LogLine::Truncated { attempt } => pieces.push(Piece::Remark(format!(
                "attempt {attempt} wrote more than the job's limit; the rest was not kept"
            ))),
            LogLine::End { .. } => {}
        }
        Ok(pieces)
    }
}

fn piece(stream: Stream, text: &LogText) -> Result<Piece, Failure> {
    let bytes = match text {
        LogText::Text(text) => text.as_bytes().to_vec(),
        LogText::Base64(text) => STANDARD
            .decode(text)
            .map_err(|error| Failure::failed(format!("the log cannot be read: {error}")))?,
    };
    Ok(match stream {
        Stream::Out => Piece::Out(bytes),
        Stream::Err => Piece::Err(bytes),
        Stream::Note => Piece::Remark(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
    })
}

fn json_line(line: &LogLine) -> Result<String, Failure> {
    let text = serde_json::to_string(line);
    let text = text.map_err(|error| Failure::failed(format!("cannot write a line: {error}")))?;
    Ok(format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_api::Moment;

    fn line(attempt: u32, stream: Stream, text: LogText) -> Followed {
        Followed::Line(LogLine::Output {
            attempt,
            number: 1,
            at: Moment::from_millis(0),
            stream,
            text,
        })
    }

    fn text(text: &str) -> LogText {
        LogText::Text(text.to_owned())
    }

    #[test]
    fn bytes_go_where_they_would_have_gone() {
        let console = Console::detect(false);
        let mut output = Output::new(&console);
        let mut pieces = |followed| output.pieces(&followed).unwrap();
        assert_eq!(
            pieces(line(1, Stream::Out, text("hi\n"))),
            [Piece::Out(b"hi\n".to_vec())]
        );
        assert_eq!(
            pieces(line(1, Stream::Err, LogText::Base64("/w==".to_owned()))),
            [Piece::Err(b"\xff".to_vec())]
        );
        let remark = |text: &str| Piece::Remark(text.to_owned());
        assert_eq!(
            pieces(line(2, Stream::Note, text("3 lines dropped"))),
            [remark("attempt 2 begins"), remark("3 lines dropped")]
        );
        assert_eq!(
            pieces(Followed::Line(LogLine::Truncated { attempt: 2 })),
            [remark(
                "attempt 2 wrote more than the job's limit; the rest was not kept"
            )]
        );
        assert_eq!(
            pieces(Followed::Interrupted("it hung up".to_owned())),
            [remark("it hung up; trying again")]
        );
    }

    #[test]
    fn what_is_no_base64_is_told() {
        let console = Console::detect(false);
        let broken = line(1, Stream::Out, LogText::Base64("?".to_owned()));
        let failure = Output::new(&console).pieces(&broken).unwrap_err();
        assert!(failure.message.starts_with("the log cannot be read: "));
    }
}
