//! One server, with a port, a socket and a folder of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult, Value};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::program::Process;

/// For a server to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks, where no event tells.
const PAUSE: Duration = Duration::from_millis(5);
/// A port that was free may be taken by the time the server wants it.
const ATTEMPTS: usize = 5;

/// A running server. What it holds survives [`Server::kill`] and [`Server::restart`]: every
/// write is in its log before it is answered.
pub struct Server {
    // Ends before its folder goes, into which it would write.
    process: Option<Process>,
    dir: TempDir,
    port: u16,
    password: Option<String>,
    arguments: Vec<&'static str>,
}

impl Server {
    /// One that anybody on this machine may use.
    ///
    /// # Panics
    /// When it does not come up; its log is in the message.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One with these further lines of configuration, such as `requirepass secret` or
    /// `user ci on >secret ~* +@all`.
    ///
    /// # Panics
    /// When it does not come up; its log is in the message.
    #[must_use]
    pub fn with(lines: &[&str]) -> Self {
        Self::start_with(lines, |port| format!("port {port}\n"))
    }

    /// One that speaks TLS, and wants a certificate of its clients when `both`.
    ///
    /// # Panics
    /// When it does not come up; its log is in the message.
    #[must_use]
    pub fn with_tls(certificates: &Certificates, both: bool, lines: &[&str]) -> Self {
        let [ca, certificate, key] = certificates.files();
        let clients = if both { "yes" } else { "no" };
        Self::start_with(lines, |port| {
            format!(
                "port 0\ntls-port {port}\ntls-ca-cert-file {}\ntls-cert-file {}\n\
                 tls-key-file {}\ntls-auth-clients {clients}\n",
                ca.display(),
                certificate.display(),
                key.display()
            )
        })
    }

    /// A sentinel with these lines of configuration.
    pub(crate) fn sentinel(lines: &[&str]) -> Self {
        let mut server = Self::empty(&[]);
        server.arguments.push("--sentinel");
        server.come_up(|socket, port| {
            let lines = lines.join("\n");
            format!("port {port}\nbind 127.0.0.1\nunixsocket {socket}\n{lines}\n")
        });
        server
    }

    fn start_with(lines: &[&str], listen: impl Fn(u16) -> String) -> Self {
        let mut server = Self::empty(lines);
        server.come_up(|socket, port| configuration(socket, &listen(port), lines));
        server
    }

    fn empty(lines: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("hc-redis-").tempdir();
        let mut passwords = lines.iter().filter_map(|l| l.strip_prefix("requirepass "));
        Self {
            dir: dir.expect("a temporary directory"),
            port: 0,
            password: passwords.next().map(str::to_owned),
            arguments: vec!["redis.conf"],
            process: None,
        }
    }

    fn come_up(&mut self, configuration: impl Fn(&str, u16) -> String) {
        let socket = self.socket();
        let socket = socket.to_str().expect("a path of text");
        for _ in 0..ATTEMPTS {
            self.port = free_port();
            let file = self.dir.path().join("redis.conf");
            std::fs::write(file, configuration(socket, self.port)).expect("our own folder");
            if self.try_restart() {
                return;
            }
        }
        panic!("redis-server does not come up: {}", self.log());
    }

    /// `host:port`, as in a configuration.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, gone with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// As `kill -9`; returns once it is gone.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again, at the same address and with what it held; returns once it answers.
    ///
    /// # Panics
    /// When it does not come up; its log is in the message.
    pub fn restart(&mut self) {
        assert!(self.try_restart(), "it does not come up: {}", self.log());
    }

    /// Starts it again, and returns its address while it still loads what it held. It loads
    /// slowly with `key-load-delay`.
    ///
    /// # Panics
    /// When it answers as if it had loaded.
    pub fn restart_loading(&mut self) -> String {
        self.process = Some(Process::start(self.dir.path(), &self.arguments));
        wait_until("it loads", || match self.ask(&["PING"]) {
            Ok(answer) => panic!("it has loaded: {answer:?}"),
            Err(error) => error.code() == Some("LOADING"),
        });
        self.address()
    }

    fn try_restart(&mut self) -> bool {
        self.process = None;
        let _ = std::fs::remove_file(self.socket());
        let process = Process::start(self.dir.path(), &self.arguments);
        let deadline = Instant::now() + PATIENCE;
        while process.lives() && Instant::now() < deadline {
            if self.is_up() {
                self.process = Some(process);
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    /// Whether it answers, be it that it has to wait for its master.
    fn is_up(&self) -> bool {
        match self.ask(&["PING"]) {
            Ok(_) => true,
            Err(error) => error.code() == Some("MASTERDOWN"),
        }
    }

    /// It keeps its connections and answers nobody until [`Server::resume`].
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// After [`Server::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        process.signal(signal);
    }

    /// What it answers to a command, over its socket and as its owner.
    ///
    /// # Panics
    /// When the answer is an error.
    pub fn say(&self, words: &[&str]) -> Value {
        self.ask(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What it answers to a command, over its socket and as its owner.
    ///
    /// # Errors
    /// The answer is one, or there is none.
    pub fn ask(&self, words: &[&str]) -> RedisResult<Value> {
        self.try_client()?.ask(words)
    }

    /// A connection that stays, over its socket and as its owner.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn client(&self) -> Client {
        self.try_client().expect("it answers")
    }

    fn try_client(&self) -> RedisResult<Client> {
        let mut settings = RedisConnectionInfo::default();
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let info = ConnectionAddr::Unix(self.socket()).into_connection_info()?;
        let client = redis::Client::open(info.set_redis_settings(settings))?;
        client.get_connection_with_timeout(PATIENCE).map(Client)
    }

    /// Everything it wrote to its output.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

fn configuration(socket: &str, listen: &str, lines: &[&str]) -> String {
    // What is written is on disk before it is answered; replicas follow at once.
    let common = "save \"\"\nappendonly yes\nappendfsync always\nrepl-diskless-sync-delay 0";
    let lines = lines.join("\n");
    format!("{listen}bind 127.0.0.1\nunixsocket {socket}\n{common}\n{lines}\n")
}

/// An open connection to a server.
pub struct Client(redis::Connection);

impl Client {
    /// What the server answers.
    ///
    /// # Panics
    /// When the answer is an error.
    pub fn say(&mut self, words: &[&str]) -> Value {
        self.ask(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What the server answers.
    ///
    /// # Errors
    /// The answer is one, or there is none.
    pub fn ask(&mut self, words: &[&str]) -> RedisResult<Value> {
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query(&mut self.0)
    }
}

/// A port of loopback that nobody has at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    listener.local_addr().expect("it is bound").port()
}

/// Looks until it holds, for what a server does by itself and tells nobody.
///
/// # Panics
/// When it does not come to hold.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_server() {
        if crate::skip() {
            return;
        }
        let server = Server::start();
        server.say(&["XADD", "s", "1-1", "a", "b"]);
        let folder = server.folder().to_owned();
        let address = server.address();
        drop(server);
        assert!(!folder.exists(), "its folder is gone");
        assert!(std::net::TcpStream::connect(address).is_err(), "it is gone");
    }

    #[test]
    fn what_a_server_holds_survives_kill_9() {
        if crate::skip() {
            return;
        }
        let mut server = Server::with(&["requirepass secret"]);
        server.say(&["XADD", "s", "1-1", "a", "b"]);
        let address = server.address();
        server.kill();
        assert!(server.ask(&["PING"]).is_err(), "it is gone");
        server.restart();
        assert_eq!(server.say(&["XLEN", "s"]), Value::Int(1));
        assert_eq!(server.address(), address);
    }
}
