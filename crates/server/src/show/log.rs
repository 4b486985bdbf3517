//! Output of jobs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_api::{LogLine, LogText, Stream};
use headcount_ports::{LogChunk, Stream as From};

use super::moment;

/// A chunk as a line of the stream.
pub(crate) fn log_line(attempt: u32, chunk: LogChunk) -> LogLine {
    LogLine::Output {
        attempt,
        number: chunk.number,
        at: moment(chunk.at),
        stream: match chunk.stream {
            From::Out => Stream::Out,
            From::Err => Stream::Err,
            From::Note => Stream::Note,
        },
        text: match String::from_utf8(chunk.bytes) {
            Ok(text) => LogText::Text(text),
            Err(error) => LogText::Base64(STANDARD.encode(error.as_bytes())),
        },
    }
}

/// A chunk as it came; remarks are marked as ours and are lines of their own.
pub(crate) fn plain_bytes(chunk: LogChunk) -> Vec<u8> {
    match chunk.stream {
        From::Out | From::Err => chunk.bytes,
        From::Note => {
            let mut line = b"[headcount] ".to_vec();
            line.extend(chunk.bytes);
            line.push(b'\n');
            line
        }
    }
}

#[cfg(test)]
mod tests {
    use headcount_model::Timestamp;

    use super::*;

    fn chunk(stream: From, bytes: &[u8]) -> LogChunk {
        LogChunk {
            number: 1,
            at: Timestamp::ZERO,
            stream,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn bytes_that_are_no_text_travel_in_base64() {
        for (bytes, expected) in [
            (&b"hi\n"[..], LogText::Text("hi\n".to_owned())),
            (&b"\xff\x00"[..], LogText::Base64("/wA=".to_owned())),
        ] {
            let LogLine::Output { text, .. } = log_line(1, chunk(From::Out, bytes)) else {
                panic!("not output");
            };
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn remarks_are_marked() {
        let plain = plain_bytes(chunk(From::Note, b"3 lines dropped"));
        assert_eq!(plain, b"[headcount] 3 lines dropped\n");
        assert_eq!(plain_bytes(chunk(From::Err, b"\xff")), b"\xff");
    }
}
