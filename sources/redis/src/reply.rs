//! What a server answered, as values and as the code and text of a refusal.

use redis::{RedisError, Value};

/// One command's answer.
pub(crate) type Reply = Result<Value, Refusal>;

/// The server understood and does not do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// Its first word, such as `NOGROUP`; `ERR` where there is none of its own.
    pub(crate) code: String,
    /// The whole line.
    pub(crate) line: String,
}

impl Refusal {
    /// From a whole line.
    pub(crate) fn new(line: &str) -> Self {
        let code = line.split(' ').next().unwrap_or_default();
        Self {
            code: code.to_owned(),
            line: line.to_owned(),
        }
    }

    /// When the server itself sent this error.
    pub(crate) fn of(error: &RedisError) -> Option<Self> {
        let code = error.code()?;
        let detail = error.detail().unwrap_or_default();
        Some(Self::new(format!("{code} {detail}").trim_end()))
    }
}

/// A count.
pub(crate) fn count(value: &Value) -> Option<u64> {
    redis::from_redis_value_ref(value).ok()
}

/// A text, whatever bytes it has.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}

/// The members of an array.
pub(crate) fn members(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(members) => Some(members),
        _ => None,
    }
}

/// A field of what the server tells as names and values in turn.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let is = |key: &Value| matches!(key, Value::BulkString(bytes) if bytes == name.as_bytes());
    match value {
        Value::Array(flat) => {
            let mut pairs = flat.chunks_exact(2);
            pairs.find(|pair| is(&pair[0])).map(|pair| &pair[1])
        }
        Value::Map(pairs) => {
            let mut pairs = pairs.iter();
            pairs.find(|(key, _)| is(key)).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// How many bytes of data a value has, nested ones included.
pub(crate) fn bytes(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) => bytes.len(),
        Value::Array(members) => members.iter().map(bytes).sum(),
        _ => 0,
    }
}
