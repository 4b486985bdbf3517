//! Running the `nft` program: bounded in time and output, its complaints sorted.
//!
//! Promise: a call that is dropped or runs out of time takes its program with it; what
//! the program then had or had not done was one transaction, so it is all or nothing.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::NetworkError;

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// The longest list read back: some hundred thousand agents.
const MAX_OUTPUT_BYTES: u64 = 32 << 20;
/// The longest complaint that is kept.
const MAX_COMPLAINT_BYTES: u64 = 64 << 10;
/// What of a complaint is shown.
const MAX_SHOWN_CHARS: usize = 300;

/// How the `nft` program is run.
#[derive(Clone, Debug)]
pub struct Nft {
    program: OsString,
    words: Vec<OsString>,
    bridge_settings: PathBuf,
}

impl Default for Nft {
    fn default() -> Self {
        Self::through(["nft"])
    }
}

impl Nft {
    /// Runs `nft` by these words, such as `sudo -n nft`. No words mean `nft` itself.
    pub fn through<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        let mut words = words.into_iter().map(Into::into);
        Self {
            program: words.next().unwrap_or_else(|| "nft".into()),
            words: words.collect(),
            bridge_settings: PathBuf::from("/proc/sys/net/bridge"),
        }
    }

    /// Reads the kernel's settings for bridges from another folder.
    #[must_use]
    pub fn with_bridge_settings(self, folder: impl Into<PathBuf>) -> Self {
        Self {
            bridge_settings: folder.into(),
            ..self
        }
    }

    /// Whether the program is there and may change tables. Changes nothing.
    ///
    /// # Errors
    /// [`NetworkError::Missing`] and [`NetworkError::Permission`], which say what to do.
    pub async fn check(&self) -> Result<(), NetworkError> {
        self.apply("list tables\n").await.map_err(Complaint::plain)
    }

    pub(crate) fn bridge_settings(&self) -> &Path {
        &self.bridge_settings
    }

    /// Carries a script out as one transaction.
    pub(crate) async fn apply(&self, script: &str) -> Result<(), Complaint> {
        self.run(&["-f", "-"], script).await.map(drop)
    }

    /// What a command lists, as JSON documents.
    pub(crate) async fn list(&self, command: &str) -> Result<String, Complaint> {
        self.run(&["-j", command], "").await
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Result<String, Complaint> {
        let mut child = self.spawn(arguments)?;
        let talk = talk(&mut child, input);
        let Ok(talked) = tokio::time::timeout(DEADLINE, talk).await else {
            return Err(Complaint::Other(NetworkError::Unknown {
                seconds: DEADLINE.as_secs(),
            }));
        };
        let (status, said, complaint) = talked.map_err(|error| transient(&error))?;
        if !status.success() {
            return Err(Complaint::sort(status, &complaint));
        }
        Ok(said)
    }

    fn spawn(&self, arguments: &[&str]) -> Result<Child, Complaint> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.words)
            .args(arguments)
            // Complaints are sorted by their words.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Complaint::Other(NetworkError::Missing {
                program: shown(&self.program),
            }),
            ErrorKind::PermissionDenied => Complaint::Other(NetworkError::Permission {
                said: format!("{}: {error}", shown(&self.program)),
            }),
            _ => transient(&error),
        })
    }
}

/// Hands the input over and takes both outputs, all at once so that nobody waits for a
/// full pipe.
async fn talk(child: &mut Child, input: &str) -> std::io::Result<(ExitStatus, String, String)> {
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let write = async move {
        if let Some(mut stdin) = stdin {
            // One that ends early says why on its way out.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), said, complaint) = tokio::join!(
        write,
        bounded(stdout, MAX_OUTPUT_BYTES),
        bounded(stderr, MAX_COMPLAINT_BYTES),
    );
    let (said, complaint) = (said?, complaint?);
    let status = child.wait().await?;
    Ok((status, said, complaint))
}

async fn bounded(from: Option<impl AsyncRead + Unpin>, max: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(max + 1).read_to_end(&mut bytes).await?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|n_bytes| n_bytes > max) {
        return Err(std::io::Error::other(format!(
            "it said more than {max} bytes"
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the program complained of, as far as callers tell apart.
#[derive(Debug)]
pub(crate) enum Complaint {
    /// Something named is not there.
    NoEntry(String),
    /// The kernel lacks something.
    Unsupported(String),
    /// Means the same whatever was asked.
    Other(NetworkError),
}

impl Complaint {
    fn sort(status: ExitStatus, complaint: &str) -> Self {
        let said = shown_complaint(status, complaint);
        let has = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
        if has(&[
            "Operation not permitted",
            "Permission denied",
            "must be root",
        ]) {
            return Self::Other(NetworkError::Permission { said });
        }
        if has(&[
            "Resource busy",
            "resource busy",
            "temporarily unavailable",
            "Interrupted system call",
            "Cannot allocate memory",
            "No buffer space",
        ]) {
            return Self::Other(NetworkError::Transient(said));
        }
        if has(&["not supported"]) {
            return Self::Unsupported(said);
        }
        if has(&["No such file or directory"]) {
            return Self::NoEntry(said);
        }
        Self::Other(NetworkError::Refused { said })
    }

    /// Where nothing was named that could be missing.
    pub fn plain(self) -> NetworkError {
        match self {
            Self::NoEntry(said) | Self::Unsupported(said) => NetworkError::Refused { said },
            Self::Other(error) => error,
        }
    }

    /// Where everything named lies in our own table.
    pub fn in_table(self, table: &str) -> NetworkError {
        match self {
            Self::NoEntry(_) => NetworkError::Gone {
                table: table.to_owned(),
            },
            other => other.plain(),
        }
    }
}

fn transient(error: &std::io::Error) -> Complaint {
    Complaint::Other(NetworkError::Transient(format!("`nft`: {error}")))
}

/// The first line says what, the marks below it only where.
fn shown_complaint(status: ExitStatus, complaint: &str) -> String {
    let mut lines = complaint.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty());
    line.map_or_else(
        || format!("nft: {status}"),
        |line| line.chars().take(MAX_SHOWN_CHARS).collect(),
    )
}

fn shown(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell stands in for the program: it says what it is told to.
    fn saying(script: &str) -> Nft {
        Nft::through(["sh", "-c", script, "nft"])
    }

    async fn error(nft: &Nft) -> String {
        nft.check().await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_missing_program_says_what_to_install() {
        assert_eq!(
            error(&Nft::through(["/nowhere/nft"])).await,
            "the program `/nowhere/nft` is missing: install nftables (on Debian `apt-get install \
             nftables`), or write `networkIsolation: false` to run agents without a network policy"
        );
    }

    #[tokio::test]
    async fn a_program_without_permission_says_what_to_grant() {
        let nft = saying(
            "echo 'Operation not permitted (you must be root)' >&2
             echo 'netlink: Error: cache initialization failed: Operation not permitted' >&2
             exit 1",
        );
        assert_eq!(
            error(&nft).await,
            "nftables may not be changed (`Operation not permitted (you must be root)`): give \
             the daemon CAP_NET_ADMIN, or write `networkIsolation: false` to run agents without \
             a network policy"
        );
    }

    #[tokio::test]
    async fn other_complaints_keep_their_first_line() {
        for (script, shown) in [
            (
                "printf '\\n/dev/stdin:1:1-4: Error: syntax error\\nxxxx\\n^^^^\\n' >&2; exit 1",
                "nftables refused the rules: /dev/stdin:1:1-4: Error: syntax error",
            ),
            ("exit 3", "nftables refused the rules: nft: exit status: 3"),
            (
                "echo 'Error: Could not process rule: Device or resource busy' >&2; exit 1",
                "nftables could not be reached: Error: Could not process rule: Device or \
                 resource busy",
            ),
        ] {
            assert_eq!(error(&saying(script)).await, shown);
        }
    }

    #[tokio::test]
    async fn a_program_that_talks_without_end_is_cut_off() {
        let error = error(&saying("yes >&2")).await;
        assert_eq!(
            error,
            "nftables could not be reached: `nft`: it said more than 65536 bytes"
        );
    }

    #[tokio::test]
    async fn input_that_nobody_reads_blocks_nothing() {
        let script = "x".repeat(1 << 20);
        let result = saying("exec 0<&-; exit 0").apply(&script).await;
        assert!(result.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_end_is_given_up() {
        assert_eq!(
            error(&saying("exec sleep 1000")).await,
            "outcome unknown: `nft` did not end within 10 seconds"
        );
    }
}
