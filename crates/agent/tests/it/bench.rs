//! What the tests stand on: a scripted daemon, an agent process, deadlines.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use headcount_agent::AgentSettings;
use headcount_api::agent::{
    self, AttemptRef, Chunk, FromAgent, LogPressure, Outcome, PROTOCOL, Stream, ToAgent, Work, env,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Far longer than anything here takes: reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(30);
/// Short waits of the agent, in milliseconds, for tests of exactly these waits.
const SILENCE: &str = "TEST_SILENCE_MS";
const IDLE_PATIENCE: &str = "TEST_IDLE_PATIENCE_MS";
const RESULT_PATIENCE: &str = "TEST_RESULT_PATIENCE_MS";
const LAST_WORDS: &str = "TEST_LAST_WORDS_MS";

/// A directory with a socket, a token and an agent.
pub struct Bench {
    pub dir: tempfile::TempDir,
    listener: UnixListener,
    settings: BTreeMap<&'static str, String>,
}

/// An agent's process; killed with the test.
pub struct Agent {
    child: Child,
}

/// One connection of the agent, seen from the daemon.
pub struct Link {
    socket: WebSocketStream<UnixStream>,
}

/// The process of [`Bench::start`].
pub fn agent_main() {
    if std::env::var_os(env::URL).is_none() {
        return;
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut settings = AgentSettings::from_env(|name| std::env::var_os(name)).unwrap();
    let millis = |name| {
        let text = std::env::var(name).ok()?;
        Some(Duration::from_millis(text.parse().unwrap()))
    };
    let timing = &mut settings.timing;
    timing.silence = millis(SILENCE).unwrap_or(timing.silence);
    timing.idle_patience = millis(IDLE_PATIENCE).unwrap_or(timing.idle_patience);
    timing.result_patience = millis(RESULT_PATIENCE).unwrap_or(timing.result_patience);
    timing.last_words = millis(LAST_WORDS).unwrap_or(timing.last_words);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let exit = runtime.block_on(headcount_agent::run(settings));
    std::process::exit(exit.code().into());
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("agent")).unwrap();
        fs::write(dir.path().join("token"), "the-token\n").unwrap();
        let socket = dir.path().join("agents.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let settings = BTreeMap::from([
            (env::URL, format!("unix:{}", socket.display())),
            (env::ID, "a-1-1".to_owned()),
            (env::TOKEN_FILE, path("token")),
            (env::DIR, path("agent")),
        ]);
        Self {
            dir,
            listener,
            settings,
        }
    }

    pub fn slots(self, slots: u32) -> Self {
        self.set(env::SLOTS, slots)
    }

    pub fn silence(self, ms: u32) -> Self {
        self.set(SILENCE, ms)
    }

    pub fn idle_patience(self, ms: u32) -> Self {
        self.set(IDLE_PATIENCE, ms)
    }

    pub fn result_patience(self, ms: u32) -> Self {
        self.set(RESULT_PATIENCE, ms)
    }

    pub fn last_words(self, ms: u32) -> Self {
        self.set(LAST_WORDS, ms)
    }

    fn set(mut self, name: &'static str, value: u32) -> Self {
        self.settings.insert(name, value.to_string());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What the agent wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Starts the agent.
    pub fn start(&self) -> Agent {
        let log = File::create(self.path("log")).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["agent_process", "--exact", "--ignored", "--nocapture"])
            .envs(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Agent { child }
    }

    /// The agent's next connection.
    pub async fn accept(&self) -> Link {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        let socket = within(tokio_tungstenite::accept_async(stream))
            .await
            .unwrap();
        Link { socket }
    }

    /// The agent's next connection, greeted and welcomed.
    pub async fn welcome(&self) -> (FromAgent, Link) {
        let mut link = self.accept().await;
        let greeting = link.hear().await;
        link.say(ToAgent::Welcome { protocol: PROTOCOL }).await;
        (greeting, link)
    }

    /// An agent that is connected.
    pub async fn connected(&self) -> (Agent, Link) {
        let agent = self.start();
        let (_, link) = self.welcome().await;
        (agent, link)
    }
}

impl Agent {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Its exit code, once it ended.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let mut status: Option<ExitStatus> = None;
        eventually("the agent ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Link {
    pub async fn say(&mut self, word: ToAgent) {
        let text = serde_json::to_string(&word).unwrap();
        within(self.socket.send(Message::text(text))).await.unwrap();
    }

    /// The next message.
    pub async fn hear(&mut self) -> FromAgent {
        let heard = within(self.try_hear()).await;
        heard.expect("the connection is open")
    }

    /// The next message, or `None` at the end of the connection.
    pub async fn try_hear(&mut self) -> Option<FromAgent> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Offers a job, hears the claim and grants it.
    pub async fn run(&mut self, work: Work) -> AttemptRef {
        let attempt = self.claimed(work).await;
        self.say(ToAgent::Granted(attempt)).await;
        attempt
    }

    /// Offers a job and hears the claim.
    pub async fn claimed(&mut self, work: Work) -> AttemptRef {
        let attempt = AttemptRef {
            job: work.job,
            attempt: 1,
        };
        self.say(ToAgent::Assign { attempt: 1, work }).await;
        assert_eq!(self.hear().await, FromAgent::Claim(attempt));
        attempt
    }

    /// Acknowledges output until the result comes, and records it.
    pub async fn result(&mut self, attempt: AttemptRef) -> Result {
        let mut result = Result::default();
        loop {
            match self.hear().await {
                FromAgent::Output {
                    attempt: of,
                    chunks,
                } if of == attempt => {
                    let through = chunks.last().unwrap().number;
                    result.chunks.extend(chunks);
                    self.say(ToAgent::Stored { attempt, through }).await;
                }
                FromAgent::Finished {
                    attempt: of,
                    outcome,
                } if of == attempt => {
                    self.say(ToAgent::Recorded(attempt)).await;
                    result.outcome = Some(outcome);
                    return result;
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
}

/// What became of a job.
#[derive(Default, Debug)]
pub struct Result {
    pub chunks: Vec<Chunk>,
    pub outcome: Option<Outcome>,
}

impl Result {
    pub fn exited(&self) -> i32 {
        match &self.outcome {
            Some(Outcome::Exited { code }) => *code,
            other => panic!("unexpected: {other:?}"),
        }
    }

    pub fn bytes(&self, stream: Stream) -> Vec<u8> {
        let of_stream = self.chunks.iter().filter(|chunk| chunk.stream == stream);
        of_stream.flat_map(bytes).collect()
    }

    pub fn text(&self, stream: Stream) -> String {
        String::from_utf8(self.bytes(stream)).unwrap()
    }
}

pub fn bytes(chunk: &Chunk) -> Vec<u8> {
    STANDARD.decode(&chunk.data).unwrap()
}

/// A job that runs a script.
pub fn script(job: u64, text: &str) -> Work {
    work(job, agent::Command::Script(text.to_owned()))
}

/// A job that runs a program.
pub fn argv(job: u64, words: &[&str]) -> Work {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    work(job, agent::Command::Argv(words))
}

fn work(job: u64, command: agent::Command) -> Work {
    Work {
        job,
        name: Some("test".to_owned()),
        command,
        env: BTreeMap::new(),
        working_dir: None,
        timeout_ms: None,
        grace_ms: 10_000,
        log_limit_bytes: 1 << 40,
        log_pressure: LogPressure::Pause,
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .expect("within the deadline")
}

/// Polls what the system gives no event for.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let polled = timeout(DEADLINE, async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    polled.await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The pid a job wrote into a file.
pub async fn pid_in(file: &Path) -> i32 {
    let mut pid = None;
    eventually("the job writes its pid", || {
        let text = fs::read_to_string(file).unwrap_or_default();
        pid = text.strip_suffix('\n').map(|pid| pid.parse().unwrap());
        pid.is_some()
    })
    .await;
    pid.unwrap()
}

/// Whether a process runs (one that ended and is not reaped does not).
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
    state.is_some_and(|state| state != "Z" && state != "X")
}
