//! YAML text, written line by line.
//!
//! Promise: every text is read back as that text: what could mean something else, or
//! cannot stand plainly, is put in double quotes.

use std::fmt::{Display, Write};

use serde_json::Value as Json;

use crate::yaml::{is_printable, means_text};

/// Two blanks for each level; a list's items stand one level below their key.
#[derive(Default)]
pub(super) struct Writer {
    out: String,
    depth: usize,
    /// The next line opens a list item.
    item: bool,
}

impl Writer {
    pub fn finish(self) -> String {
        self.out
    }

    /// A number or a truth value.
    pub fn plain(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{}: {value}", quote(key)));
    }

    pub fn text(&mut self, key: &str, value: &str) {
        self.plain(key, quote(value));
    }

    pub fn optional_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// Texts in one line.
    pub fn texts(&mut self, key: &str, values: &[impl AsRef<str>]) {
        let values: Vec<String> = values.iter().map(|value| quote(value.as_ref())).collect();
        self.plain(key, format!("[{}]", values.join(", ")));
    }

    pub fn map(&mut self, key: &str, inside: impl FnOnce(&mut Self)) {
        self.block(key, "{}", |out| {
            out.depth += 1;
            inside(out);
            out.depth -= 1;
        });
    }

    pub fn list<T>(&mut self, key: &str, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.block(key, "[]", |out| {
            out.depth += 2;
            for item in items {
                out.item = true;
                each(out, item);
            }
            out.depth -= 2;
        });
    }

    /// Any value, as blocks as far as they go.
    pub fn tree(&mut self, key: &str, value: &Json) {
        match value {
            Json::Object(entries) if !entries.is_empty() => self.map(key, |out| {
                for (key, value) in entries {
                    out.tree(key, value);
                }
            }),
            Json::Array(items) if !items.is_empty() => {
                self.list(key, items, |out, item| match item {
                    Json::Object(entries) if !entries.is_empty() => {
                        for (key, value) in entries {
                            out.tree(key, value);
                        }
                    }
                    other => out.line(&flow(other)),
                })
            }
            other => self.plain(key, flow(other)),
        }
    }

    /// A key with what is written inside, or with `nothing` where that is nothing.
    fn block(&mut self, key: &str, nothing: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{}:", quote(key)));
        let end = self.out.len();
        inside(self);
        if self.out.len() == end {
            self.out.pop();
            self.out.push_str(&format!(" {nothing}\n"));
        }
    }

    fn line(&mut self, text: &str) {
        let indent = self.depth * 2;
        // Writing to a string does not fail.
        let _ = match std::mem::take(&mut self.item) {
            true => writeln!(self.out, "{:1$}- {text}", "", indent.saturating_sub(2)),
            false => writeln!(self.out, "{:indent$}{text}", ""),
        };
    }
}

/// Any value in one line.
fn flow(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(value) => value.to_string(),
        Json::String(text) => quote(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| format!("{}: {}", quote(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The text as it is where nothing can be misread, else in double quotes.
fn quote(text: &str) -> String {
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let stays_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+');
    if starts_plain && text.chars().all(stays_plain) && means_text(text) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Line ends in YAML, and the byte order mark.
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => escape(&mut out, c),
            c if is_printable(c) => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push('"');
    out
}

fn escape(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a string does not fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
