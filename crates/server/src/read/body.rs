//! Bodies: never larger than a bound, never slower than a deadline.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use headcount_api::{MAX_BODY_BYTES, Place, ProblemItem};
use serde::de::DeserializeOwned;

use super::suggest::nearest_in;
use crate::refused::{Answer, Kind, Refused};

/// A body that takes longer is given up.
const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// A body that is refused is read and thrown away for so long, so that the client, which
/// still sends, comes to read the answer.
const LINGER: Duration = Duration::from_secs(10);
/// And no more than so many bytes of it.
const LINGER_BYTES: usize = 256 * 1024 * 1024;

/// The whole body, at most [`MAX_BODY_BYTES`]. One that announces more is refused before
/// a byte of it is kept.
pub(crate) async fn read(body: Body) -> Answer<Bytes> {
    let announced = body.size_hint().lower();
    if announced > MAX_BODY_BYTES as u64 {
        tokio::spawn(throw_away(body));
        return Err(too_large(Some(announced)));
    }
    let collected = tokio::time::timeout(BODY_DEADLINE, collect(body)).await;
    collected.unwrap_or_else(|_| {
        let seconds = BODY_DEADLINE.as_secs();
        let detail = format!("the body was not complete after {seconds} seconds");
        Err(Refused::new(Kind::BodyTooSlow, detail))
    })
}

async fn collect(body: Body) -> Answer<Bytes> {
    let mut stream = body.into_data_stream();
    let mut all = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| {
            Refused::new(Kind::MalformedJson, format!("the body broke off: {error}"))
        })?;
        if all.len() + piece.len() > MAX_BODY_BYTES {
            drop(all);
            tokio::spawn(throw_away(Body::from_stream(stream)));
            return Err(too_large(None));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

async fn throw_away(body: Body) {
    let drained = async {
        let mut stream = body.into_data_stream();
        let mut bytes = 0;
        while let Some(Ok(piece)) = stream.next().await {
            bytes += piece.len();
            if bytes > LINGER_BYTES {
                break;
            }
        }
    };
    // Whether it ends by itself or by the clock: the answer has been given.
    let _ = tokio::time::timeout(LINGER, drained).await;
}

fn too_large(announced: Option<u64>) -> Refused {
    let bound = MAX_BODY_BYTES / (1024 * 1024);
    let detail = match announced {
        Some(bytes) => format!("the body has {bytes} bytes; at most {bound} MiB are taken"),
        None => format!("the body has more than {bound} MiB, and no more are taken"),
    };
    Refused::new(Kind::BodyTooLarge, detail)
        .hint("send jobs in several batches, and let jobs fetch large things themselves")
}

/// The value of a JSON text.
pub(crate) fn json<T: DeserializeOwned>(text: &[u8]) -> Answer<T> {
    serde_json::from_slice(text).map_err(|error| malformed(&error))
}

/// The same, where the body may be left out.
pub(crate) fn json_or_default<T: DeserializeOwned + Default>(text: &[u8]) -> Answer<T> {
    match text.is_empty() {
        true => Ok(T::default()),
        false => json(text),
    }
}

/// One value or a list of them; whether it was a list.
pub(crate) fn one_or_many<T: DeserializeOwned>(text: &[u8]) -> Answer<(Vec<T>, bool)> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'[') => Ok((json(text)?, true)),
        _ => Ok((vec![json(text)?], false)),
    }
}

fn malformed(error: &serde_json::Error) -> Refused {
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = whole.strip_suffix(&place).unwrap_or(&whole).to_owned();
    let hint = nearest_in(&message).map(|name| format!("write `{name}`"));
    let detail = format!("line {line}, column {column}: {message}");
    let item = ProblemItem {
        position: Some(Place {
            line: line as u64,
            column: column as u64,
        }),
        hint: hint.clone(),
        ..ProblemItem::error(message)
    };
    let refused = Refused::new(Kind::MalformedJson, detail).problems(vec![item]);
    match hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}
