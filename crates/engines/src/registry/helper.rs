//! Credential helpers: programs `docker-credential-<name>` that keep secrets elsewhere.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::LoginError;
use super::host_login::Login;

/// How long a helper may take: some ask a cloud.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest answer, and the longest complaint.
const MAX_BYTES: u64 = 64 << 10;
/// What of a complaint is shown.
const MAX_SHOWN_CHARS: usize = 300;
/// The sentence of the helpers' protocol for "I know nothing of it".
const NOT_FOUND: &str = "credentials not found in native keychain";

/// How helpers are found.
#[derive(Clone, Debug)]
pub(crate) struct Helpers {
    path: Option<OsString>,
}

impl Helpers {
    pub const fn new(path: Option<OsString>) -> Self {
        Self { path }
    }

    /// Asks a helper, named in the login file `named_in`, for one server. `None` where it
    /// knows nothing. Given up, the program is ended.
    pub async fn ask(
        &self,
        name: &str,
        server: &str,
        named_in: &Path,
    ) -> Result<Option<Login>, LoginError> {
        let program = program(name, named_in)?;
        let about = About { program, server };
        let mut child = self.spawn(&about, named_in)?;
        match tokio::time::timeout(DEADLINE, talk(&mut child, server)).await {
            Err(_) => Err(about.silent()),
            Ok(Err(error)) => Err(about.failed(error.to_string())),
            Ok(Ok(answer)) => about.read(&answer),
        }
    }

    fn spawn(&self, about: &About, named_in: &Path) -> Result<Child, LoginError> {
        let mut command = Command::new(&about.program);
        command
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command.spawn().map_err(|error| LoginError::NoHelper {
            program: about.program.clone(),
            path: named_in.to_owned(),
            why: match error.kind() {
                ErrorKind::NotFound => "it is not there".to_owned(),
                _ => error.to_string(),
            },
        })
    }
}

/// The name becomes part of a program's: nothing in it may lead to another folder.
fn program(name: &str, named_in: &Path) -> Result<String, LoginError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.bytes().all(plain) {
        return Ok(format!("docker-credential-{name}"));
    }
    Err(LoginError::BadHelperName {
        path: named_in.to_owned(),
        name: name.to_owned(),
    })
}

struct Answer {
    succeeded: bool,
    status: String,
    said: Vec<u8>,
    complaint: Vec<u8>,
}

/// Asks and listens at once, so that nobody waits for a full pipe.
async fn talk(child: &mut Child, server: &str) -> std::io::Result<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ask = async move {
        if let Some(mut stdin) = stdin {
            // One that ends without reading says why on its way out.
            let _ = stdin.write_all(format!("{server}\n").as_bytes()).await;
        }
    };
    let ((), said, complaint) = tokio::join!(ask, bounded(stdout), bounded(stderr));
    let (said, complaint) = (said?, complaint?);
    let status = child.wait().await?;
    Ok(Answer {
        succeeded: status.success(),
        status: status.to_string(),
        said,
        complaint,
    })
}

async fn bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("it said more than {MAX_BYTES} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(bytes)
}

/// What the helpers' protocol calls a login.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    username: String,
    secret: String,
}

/// Who was asked for what.
struct About<'a> {
    program: String,
    server: &'a str,
}

impl About<'_> {
    fn read(&self, answer: &Answer) -> Result<Option<Login>, LoginError> {
        if answer.succeeded {
            let found: Option<Found> = serde_json::from_slice(&answer.said).ok();
            let found = found.filter(|found| !found.username.is_empty());
            let found = found.ok_or_else(|| self.unreadable())?;
            return Ok(Some(Login::of(&found.username, &found.secret)));
        }
        let texts = [&answer.said, &answer.complaint].map(|text| String::from_utf8_lossy(text));
        if texts.iter().any(|text| text.contains(NOT_FOUND)) {
            return Ok(None);
        }
        let mut lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
        let said = lines
            .find(|line| !line.is_empty())
            .unwrap_or(&answer.status);
        Err(self.failed(said.chars().take(MAX_SHOWN_CHARS).collect()))
    }

    fn failed(&self, said: String) -> LoginError {
        LoginError::HelperFailed {
            program: self.program.clone(),
            server: self.server.to_owned(),
            said,
        }
    }

    fn silent(&self) -> LoginError {
        LoginError::HelperSilent {
            program: self.program.clone(),
            server: self.server.to_owned(),
            seconds: DEADLINE.as_secs(),
        }
    }

    fn unreadable(&self) -> LoginError {
        LoginError::HelperUnreadable {
            program: self.program.clone(),
            server: self.server.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
