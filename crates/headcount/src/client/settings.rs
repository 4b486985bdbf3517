//! Where the daemon is and what proves that we may ask.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use headcount_model::Secret;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::cli::DEFAULT_URL;
use crate::failure::Failure;

/// Longer is no token.
const MAX_TOKEN_BYTES: u64 = 4096;

/// Where the daemon is and what proves that we may ask.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    /// Without a path.
    pub(crate) url: Url,
    /// Sent with every request.
    pub(crate) token: Option<Secret>,
}

impl ClientSettings {
    /// Reads what arguments or environment say.
    ///
    /// # Errors
    /// [`Exit::Usage`](crate::exit::Exit::Usage): the address or the file cannot be used.
    pub(crate) fn read(url: &str, token_file: Option<&Path>) -> Result<Self, Failure> {
        // An empty variable is how many files of settings say "unset".
        let url = if url.is_empty() { DEFAULT_URL } else { url };
        Ok(Self {
            url: parse_url(url)?,
            token: read_token(token_file)?,
        })
    }
}

fn parse_url(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("`{text}` is no address of a daemon: {why}"))
            .hint("write --url http://127.0.0.1:4870, or set HEADCOUNT_URL")
    };
    let url: Url = text.parse().map_err(|error| wrong(&format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a token belongs into a file, see --token-file"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it must end after the port"));
    }
    Ok(url)
}

/// The one token of a file, blanks around it left out; none where no file is named.
///
/// # Errors
/// [`Exit::Usage`](crate::exit::Exit::Usage): the file cannot be used.
pub(crate) fn read_token(path: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let named = path.filter(|path| !path.as_os_str().is_empty());
    named.map(token_of).transpose()
}

fn token_of(path: &Path) -> Result<Secret, Failure> {
    let shown = path.display();
    let wrong = |why: String| {
        Failure::usage(format!("the token file {shown} {why}"))
            .hint("name a file that holds the token and nothing else")
    };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(wrong("is empty".to_owned()));
    }
    if text.len() as u64 > MAX_TOKEN_BYTES {
        return Err(wrong(format!("is larger than {MAX_TOKEN_BYTES} bytes")));
    }
    if HeaderValue::from_str(token).is_err() || token.contains(char::is_whitespace) {
        return Err(wrong("holds more than one token".to_owned()));
    }
    Ok(Secret::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn addresses_are_plain_origins() {
        for text in [
            "http://127.0.0.1:4870",
            "http://localhost:4870/",
            "https://ci.example.com",
            "http://[::1]:4870",
        ] {
            assert!(parse_url(text).is_ok(), "{text}");
        }
        for (text, why) in [
            ("127.0.0.1:4870", "relative URL without a base"),
            ("localhost:4870", "it must begin with http:// or https://"),
            ("ftp://x", "it must begin with http:// or https://"),
            (
                "http://a:b@x",
                "a token belongs into a file, see --token-file",
            ),
            ("http://x/api", "it must end after the port"),
            ("http://x?y", "it must end after the port"),
        ] {
            let failure = parse_url(text).unwrap_err();
            assert_eq!(
                failure.message,
                format!("`{text}` is no address of a daemon: {why}")
            );
            assert_eq!(failure.exit, Exit::Usage);
        }
    }

    #[test]
    fn what_is_empty_counts_as_unset() {
        let settings = ClientSettings::read("", Some(Path::new(""))).unwrap();
        assert_eq!(settings.url.as_str(), "http://127.0.0.1:4870/");
        assert!(settings.token.is_none());
    }

    #[test]
    fn a_token_file_holds_one_token() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        let read = |content: &[u8]| {
            std::fs::write(&file, content).unwrap();
            token_of(&file)
        };
        assert_eq!(read(b"  secret\n").unwrap().expose(), "secret");
        let why = |content: &[u8]| {
            let message = read(content).unwrap_err().message;
            let rest = message
                .split_once("token ")
                .map(|(_, rest)| rest.to_owned());
            rest.unwrap()
        };
        let shown = file.display().to_string();
        let after = |text: &str| {
            text.strip_prefix(&format!("file {shown} "))
                .unwrap()
                .to_owned()
        };
        assert_eq!(after(&why(b"\n")), "is empty");
        assert_eq!(after(&why(b"a b")), "holds more than one token");
        assert_eq!(after(&why(&[b'x'; 5000])), "is larger than 4096 bytes");
        assert!(after(&why(b"\xff")).starts_with("cannot be read: "));
        let gone = token_of(&dir.path().join("gone")).unwrap_err();
        assert!(
            gone.message
                .ends_with("No such file or directory (os error 2)")
        );
    }
}
