//! What of a `config.toml` nobody may see, found in the text itself.
//!
//! Promise: values of secrets are blotted out whatever state the text is in, so that no
//! problem shows one, not even one of syntax. Too much is blotted out rather than too
//! little. The result is as long as the text, byte for byte, so that places hold in both.

use super::options::has_password;
use super::secret_name::is_secret_name;
use crate::written::is_secret_option;

/// The text with `*` for each byte of a secret. It is looked through twice: as a whole, and
/// line by line, as one quote too many turns all that follows inside out.
pub(crate) fn hidden(text: &str) -> String {
    let mut hide = Scan::of(text, false);
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let at = from;
        from += line.len();
        match is_inside_a_value(line) {
            true => hide.push((at, from)),
            false => {
                let own = Scan::of(line, has_a_quote_too_many(line)).into_iter();
                hide.extend(own.map(|(start, end)| (at + start, at + end)));
            }
        }
    }
    let mut bytes = text.as_bytes().to_vec();
    for (start, end) in hide {
        for byte in bytes.get_mut(start..end).into_iter().flatten() {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // Only whole characters are blotted out, so this is text.
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// Whether a line goes on with what began in one before it, such as a key in a text of many
/// lines.
fn is_inside_a_value(line: &str) -> bool {
    let line = line.trim();
    let opens = line.is_empty() || line.starts_with(['"', '\'', '[', ']', '{', '}', '#', ',']);
    let key = line.split_once('=').map(|(key, _)| key.trim());
    let is_key = |key: &str| {
        let usual = |c: char| is_bare(c) || matches!(c, '.' | '"' | '\'' | ' ' | '\t');
        !key.is_empty() && key.chars().all(usual)
    };
    // The last digits of a key may look like the sign after a name.
    let has_value = !line.ends_with('=') || line.contains(' ');
    !(opens || key.is_some_and(is_key) && has_value)
}

/// So that nobody can tell what is inside of quotes, and what is not.
fn has_a_quote_too_many(line: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| line.matches(*quote).count() % 2 == 1)
}

/// A look at the text that takes whatever comes.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The last key that was seen.
    key: String,
    /// Whether a value of it is expected.
    is_value: bool,
    /// Brackets that are open.
    open: Vec<char>,
    /// How many were open where the value of `environment` began, while it lasts.
    environment: Option<usize>,
    /// Whether values may stand outside of quotes.
    is_torn: bool,
    hide: Vec<(usize, usize)>,
}

impl Scan<'_> {
    /// What is to be hidden, from where to where.
    fn of(text: &str, is_torn: bool) -> Vec<(usize, usize)> {
        let mut scan = Scan {
            text,
            at: 0,
            key: String::new(),
            is_value: false,
            open: Vec::new(),
            environment: None,
            is_torn,
            hide: Vec::new(),
        };
        scan.run();
        scan.hide
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '#' => self.comment(),
                '"' | '\'' => self.quoted(c),
                '=' => {
                    self.is_value = true;
                    if is_environment(&self.key) {
                        self.environment.get_or_insert(self.open.len());
                    }
                    self.at += 1;
                }
                '\n' => {
                    self.is_value = false;
                    self.environment = self.environment.filter(|all| self.open.len() > *all);
                    self.at += 1;
                }
                '[' | '{' => {
                    self.open.push(c);
                    self.at += 1;
                }
                ']' | '}' => {
                    self.open.pop();
                    self.at += 1;
                }
                // In a table the next key follows, in a list the next value.
                ',' => {
                    self.is_value &= self.open.last() != Some(&'{');
                    self.at += 1;
                }
                c if c.is_whitespace() || c == '.' => self.at += c.len_utf8(),
                _ => self.bare(),
            }
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What somebody took out is as secret as before.
    fn comment(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let end = self.at + line.len();
        match self.environment {
            Some(_) => self.hide.push((self.at + 1, end)),
            None => self.all_after_a_secret_name(self.at, end),
        }
        self.at = end;
    }

    /// Where nobody can say what is a key and what a value.
    fn all_after_a_secret_name(&mut self, start: usize, end: usize) {
        let line = self.text.get(start..end).unwrap_or_default();
        if has_password(line) {
            self.hide.push((start, end));
        }
        let mut from = 0;
        for (sign, _) in line.match_indices('=') {
            let before = line.get(from..sign).unwrap_or_default();
            let name = before.rsplit(|c: char| !is_bare(c) && c != ' ');
            let name = name.map(str::trim).find(|name| !name.is_empty());
            if name.is_some_and(|name| is_hidden_key(name) || is_environment(name)) {
                self.hide.push((start + sign + 1, end));
                break;
            }
            from = sign + 1;
        }
    }

    fn quoted(&mut self, quote: char) {
        let triple = quote.to_string().repeat(3);
        let is_long = self.rest().starts_with(&triple);
        let open = self.at + if is_long { 3 } else { 1 };
        let (end, after) = match is_long {
            true => self.end_of_long(open, &triple),
            false => self.end_of_short(open, quote),
        };
        let content = self.text.get(open..end).unwrap_or_default().to_owned();
        self.at = after;
        if end == after {
            self.all_after_a_secret_name(open, end);
            if let Some(sign) = content.find('=').filter(|_| self.is_torn) {
                self.hide.push((open + sign + 1, end));
            }
        }
        if !self.is_value && !is_long && self.is_followed_by_a_sign() {
            self.key = content;
            return;
        }
        let is_variable = self.environment.is_some();
        if is_hidden_key(&self.key) {
            self.hide.push((open, end));
        } else if let Some((name, value)) = content.split_once('=') {
            let is_variable = is_variable || may_name_a_variable(name);
            if is_variable || super::options::is_secret(name.trim(), value) {
                self.hide.push((open + name.len() + 1, end));
            }
        } else if is_variable || has_password(&content) {
            self.hide.push((open, end));
        }
    }

    /// Up to three quotes, of those that follow each other the last three, or the end.
    fn end_of_long(&self, open: usize, triple: &str) -> (usize, usize) {
        let rest = self.text.get(open..).unwrap_or_default();
        let mut from = 0;
        while let Some(found) = rest.get(from..).and_then(|rest| rest.find(triple)) {
            let at = from + found;
            let before = rest.get(..at).unwrap_or_default();
            let slashes = before.len() - before.trim_end_matches('\\').len();
            if triple.starts_with('"') && slashes % 2 == 1 {
                from = at + 1;
                continue;
            }
            return (open + at, open + at + triple.len());
        }
        (self.text.len(), self.text.len())
    }

    /// Up to the quote, or to the end of a line that has none.
    fn end_of_short(&self, open: usize, quote: char) -> (usize, usize) {
        let rest = self.text.get(open..).unwrap_or_default();
        let mut is_escaped = false;
        for (at, c) in rest.char_indices() {
            match c {
                '\n' => return (open + at, open + at),
                _ if is_escaped => is_escaped = false,
                '\\' if quote == '"' => is_escaped = true,
                c if c == quote => return (open + at, open + at + 1),
                _ => {}
            }
        }
        (self.text.len(), self.text.len())
    }

    fn is_followed_by_a_sign(&self) -> bool {
        let next = self.rest().trim_start_matches([' ', '\t']);
        next.starts_with(['=', '.'])
    }

    /// A key, or a value without quotes, as it should not be.
    fn bare(&mut self) {
        let rest = self.rest();
        let stop = rest.find(|c: char| c.is_whitespace() || "#\"'=[]{},.".contains(c));
        let word = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
        let (start, end) = (self.at, self.at + word.len());
        let word = word.to_owned();
        self.at = end;
        let is_number = word.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
        let is_plain = is_number || matches!(&*word, "true" | "false" | "inf" | "nan");
        let is_variable = match self.environment {
            Some(_) => !is_environment(&word),
            None => self.is_torn && self.is_value && !is_plain,
        };
        let is_secret = self.is_value && is_hidden_key(&self.key);
        match is_secret || is_variable || has_password(&word) {
            true => self.hide.push((start, end)),
            false if !self.is_value || self.is_followed_by_a_sign() => self.key = word,
            false => {}
        }
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Nobody can tell which of these values are secrets.
fn is_environment(key: &str) -> bool {
    key.eq_ignore_ascii_case("environment")
}

/// Of whatever key, which may be misspelt. Options have dashes in their names.
fn may_name_a_variable(name: &str) -> bool {
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(usual)
}

fn is_hidden_key(key: &str) -> bool {
    is_secret_name(key) || is_secret_option(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blotted_out_in_any_text() {
        for (text, shown) in [
            ("token = \"abc\" # x", "token = \"***\" # x"),
            ("url = \"u\"\ntoken='abc'", "url = \"u\"\ntoken='***'"),
            ("token = abc", "token = ***"),
            ("token = \"abc\nlimit = 1", "token = \"***\nlimit = 1"),
            ("# token = \"abc\"", "# token =******"),
            (
                "PrivateKey = \"\"\"-\\\"-\nxy\n\"\"\"\nBucketName = \"b\"",
                "PrivateKey = \"\"\"****\n**\n\"\"\"\nBucketName = \"b\"",
            ),
            ("SecretKey = \"\"\"a\nb", "SecretKey = \"\"\"*\n*"),
            (
                "MachineOptions = [\n \"x-a=b\", 'x-access-token=abc',",
                "MachineOptions = [\n \"x-a=b\", 'x-access-token=***',",
            ),
            (
                "o = [\"x-m=http://u:p@h/\", \"x-m=http://h/\"]",
                "o = [\"x-m=*************\", \"x-m=http://h/\"]",
            ),
            (
                "{token = \"abc\", \"name\" = \"n\"}",
                "{token = \"***\", \"name\" = \"n\"}",
            ),
            (
                "environment = [\"A=b\", \"API_TOKEN=c\"]\nname = \"A b\"",
                "environment = [\"A=*\", \"API_TOKEN=*\"]\nname = \"A b\"",
            ),
            (
                "Environment = [\n 'A=b', # A=b\n \"abc\", abc\n]\nlimit = 5",
                "Environment = [\n 'A=*', #****\n \"***\", ***\n]\nlimit = 5",
            ),
            (
                "environment = \"A=b\"\nlimit = 5",
                "environment = \"A=*\"\nlimit = 5",
            ),
            ("# environment = [\"A=b\"]", "# environment =********"),
            // Of whatever key, and whatever is broken before.
            (
                "enviroment = [\"A=b\"]\n'B=c',\n\"a-b=c\"",
                "enviroment = [\"A=*\"]\n'B=*',\n\"a-b=c\"",
            ),
            ("  A=b\",\nlimit = 5 # it's", "  A=*\",\nlimit = 5 # it's"),
            ("token = \"äö\"", "token = \"****\""),
            ("\"token\" = 5", "\"token\" = *"),
        ] {
            let hidden = hidden(text);
            assert_eq!(hidden, shown);
            assert_eq!(hidden.len(), text.len());
        }
    }
}
