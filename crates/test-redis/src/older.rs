//! A server as it was before version 6.2: what later versions know and tell is left out.
//!
//! It stands in front of a real server and hands on one command after the other.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use redis::{Parser, Value};

use crate::server::Server;

/// What its version is.
const VERSION: &str = "6.0.16";

/// An older server; it is there for as long as the test is.
pub struct Older {
    port: u16,
}

impl Older {
    /// In front of `server`.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn in_front_of(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let port = listener.local_addr().expect("it is bound").port();
        let behind = server.address();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let behind = behind.clone();
                thread::spawn(move || serve(&client, &behind));
            }
        });
        Self { port }
    }

    /// `host:port`, as in a configuration.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// Until either side closes.
fn serve(client: &TcpStream, behind: &str) -> Option<()> {
    let server = TcpStream::connect(behind).ok()?;
    let (mut asked, mut answered) = (BufReader::new(client), BufReader::new(&server));
    let (mut to_client, mut to_server) = (client, &server);
    let (mut requests, mut replies) = (Parser::new(), Parser::new());
    loop {
        let request = requests.parse_value(&mut asked).ok()?;
        let words: Vec<String> = redis::from_redis_value_ref(&request).ok()?;
        let reply = match refusal(&words) {
            Some(line) => format!("-{line}\r\n").into_bytes(),
            None => {
                to_server.write_all(&encode(&request)).ok()?;
                encode(&without_news(
                    &words,
                    replies.parse_value(&mut answered).ok()?,
                ))
            }
        };
        to_client.write_all(&reply).ok()?;
    }
}

/// What it does not understand.
fn refusal(words: &[String]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["HELLO", ..] => Some("ERR unknown command `HELLO`".to_owned()),
        ["XPENDING", _, _, "IDLE", ..] => Some("ERR syntax error".to_owned()),
        ["XRANGE", _, start, ..] if start.starts_with('(') => {
            Some("ERR Invalid stream ID specified as stream command argument".to_owned())
        }
        _ => None,
    }
}

/// The answer, as it would give it.
fn without_news(words: &[String], reply: Value) -> Value {
    match (words.first().map(String::as_str), reply) {
        (Some("INFO"), Value::BulkString(text)) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines = text.lines().map(|line| match line.split_once(':') {
                Some(("redis_version", _)) => format!("redis_version:{VERSION}\r\n"),
                _ => format!("{line}\r\n"),
            });
            Value::BulkString(lines.collect::<String>().into_bytes())
        }
        (Some("XINFO"), Value::Array(rows)) => {
            Value::Array(rows.into_iter().map(without_lag).collect())
        }
        (_, reply) => reply,
    }
}

fn without_lag(row: Value) -> Value {
    let Value::Array(flat) = row else {
        return row;
    };
    let new = [&b"entries-read"[..], b"lag"];
    let is_new =
        |pair: &&[Value]| matches!(&pair[0], Value::BulkString(n) if new.contains(&&n[..]));
    let old = flat.chunks(2).filter(|pair| !is_new(pair));
    Value::Array(old.flatten().cloned().collect())
}

fn encode(value: &Value) -> Vec<u8> {
    match value {
        Value::Int(number) => format!(":{number}\r\n").into_bytes(),
        Value::Okay => b"+OK\r\n".to_vec(),
        Value::SimpleString(text) => format!("+{text}\r\n").into_bytes(),
        Value::BulkString(bytes) => {
            let length = format!("${}\r\n", bytes.len()).into_bytes();
            [&length, &bytes[..], b"\r\n"].concat()
        }
        Value::Array(members) => {
            let mut all = format!("*{}\r\n", members.len()).into_bytes();
            all.extend(members.iter().flat_map(encode));
            all
        }
        Value::ServerError(error) => {
            let details = error.details().unwrap_or_default();
            format!("-{} {details}\r\n", error.code()).into_bytes()
        }
        Value::Nil => b"$-1\r\n".to_vec(),
        other => panic!("no server of that version says {other:?}"),
    }
}
