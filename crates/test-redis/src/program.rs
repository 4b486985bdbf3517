//! The program, and a process of it that ends with whoever holds its pipe.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Names under which the server is found; which of its programs it is, it tells from the
/// name it is called by.
const NAMES: [&str; 2] = ["redis-server", "redis-check-rdb"];
/// Tells the server's process id, and kills it once the pipe is closed.
const RULER: &str = r#"
exec 3<&0
"$@" </dev/null >>"$LOG" 2>&1 &
echo $!
read -r _ <&3
kill -9 $!
wait $! 2>/dev/null
"#;

/// Whether tests that need Redis must be skipped; says so on standard error.
#[must_use]
pub fn skip() -> bool {
    if find().is_some() {
        return false;
    }
    eprintln!("skipped: no test with Redis: there is no redis-server on this machine");
    true
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin"].map(PathBuf::from);
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(usual).collect();
    let candidates = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|program| program.is_file())
}

/// A running server process.
pub(crate) struct Process {
    ruler: Child,
    pid: Pid,
}

impl Process {
    /// Starts the server with these arguments; its output goes to `log` in `folder`.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let program = find().expect("a Redis server on this machine; look at `skip`");
        let called = folder.join("redis-server");
        if !called.exists() {
            std::os::unix::fs::symlink(program, &called).expect("a link in our own folder");
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", RULER, "ruler"])
            .arg(&called)
            .args(arguments)
            .env("LOG", folder.join("log"))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A signal from the terminal ends the test, and only with it the server.
            .process_group(0);
        let mut ruler = command.spawn().expect("sh starts");
        let mut line = String::new();
        let told = ruler.stdout.take().expect("it is piped");
        BufReader::new(told)
            .read_line(&mut line)
            .expect("the ruler tells the process id");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process id");
        Self { ruler, pid }
    }

    /// Whether the server has not ended by itself.
    pub(crate) fn lives(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// `SIGSTOP` or `SIGCONT`.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the server is there");
    }
}

impl Drop for Process {
    /// As `kill -9`; returns once it is gone.
    fn drop(&mut self) {
        drop(self.ruler.stdin.take());
        let _ = self.ruler.wait();
    }
}
