//! What the tests stand on: a gateway that listens, raw clients, deadlines.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use headcount_api::agent::{AttemptRef, Credential, FromAgent, PATH, PROTOCOL, ToAgent};
use headcount_gateway::{AgentListener, Gateway, GatewayOptions};
use headcount_model::Digest;
use sha2::Digest as _;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::doubles::{AGENT, Controller, Logs};

/// Far longer than anything here takes: reaching it is a failure.
pub const DEADLINE: Duration = Duration::from_secs(30);
pub const TOKEN: &str = "the-token";
pub const SESSION: &str = "the-session";

/// A gateway that listens in a directory of its own.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub controller: Arc<Controller>,
    pub logs: Arc<Logs>,
    pub gateway: Arc<Gateway>,
    options: GatewayOptions,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// A raw client.
pub struct Client {
    socket: WebSocketStream<UnixStream>,
}

/// What a client hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Word(ToAgent),
    Close(u16, String),
    End,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(options())
    }

    pub fn with(options: GatewayOptions) -> Self {
        let controller = Arc::new(Controller::new(digest(TOKEN)));
        let logs = Arc::new(Logs::default());
        let gateway = Gateway::new(controller.clone(), logs.clone(), options);
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Self {
            dir,
            controller,
            logs,
            gateway,
            options,
            serving: None,
        };
        bench.serve();
        bench
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("agents.sock")
    }

    fn serve(&mut self) {
        let listener = AgentListener::unix(&self.socket()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let gateway = self.gateway.clone();
        let task = tokio::spawn(async move {
            gateway
                .serve(vec![listener], async { drop(stopped.await) })
                .await;
        });
        self.serving = Some((stop, task));
    }

    /// Ends the gateway, as a daemon that stops does.
    pub async fn stop(&mut self) {
        let (stop, task) = self.serving.take().unwrap();
        stop.send(()).unwrap();
        within(task).await.unwrap();
    }

    /// Another gateway at the same place, which knows nothing of the one before.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.gateway = Gateway::new(self.controller.clone(), self.logs.clone(), self.options);
        self.serve();
    }

    /// A client that has said nothing yet.
    pub async fn connect(&self) -> Client {
        let stream = within(UnixStream::connect(self.socket())).await.unwrap();
        let url = format!("ws://localhost{PATH}");
        let connected = within(tokio_tungstenite::client_async(url, stream)).await;
        Client {
            socket: connected.unwrap().0,
        }
    }

    /// A client that was welcomed.
    pub async fn welcomed(&self) -> Client {
        let mut client = self.connect().await;
        client.say(register(TOKEN, SESSION)).await;
        assert_eq!(client.word().await, ToAgent::Welcome { protocol: PROTOCOL });
        client
    }

    /// A client that was granted job 1.
    pub async fn granted(&self) -> (Client, AttemptRef) {
        let mut client = self.welcomed().await;
        let attempt = AttemptRef { job: 1, attempt: 1 };
        self.controller.offer(1, 1);
        client.say(FromAgent::Claim(attempt)).await;
        assert_eq!(client.word().await, ToAgent::Granted(attempt));
        (client, attempt)
    }
}

impl Client {
    pub async fn say(&mut self, message: FromAgent) {
        self.say_text(serde_json::to_string(&message).unwrap())
            .await;
    }

    pub async fn say_text(&mut self, text: String) {
        self.send(Message::text(text)).await;
    }

    /// Sends a frame; a connection that is closed already is heard about by `hear`.
    pub async fn send(&mut self, frame: Message) {
        let _ = within(self.socket.send(frame)).await;
    }

    pub async fn word(&mut self) -> ToAgent {
        match self.hear().await {
            Heard::Word(word) => word,
            other => panic!("no word: {other:?}"),
        }
    }

    pub async fn hear(&mut self) -> Heard {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Word(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Heard::Close(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Heard::End,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Whether a ping comes before anything else.
    pub async fn is_pinged(&mut self) -> bool {
        matches!(within(self.socket.next()).await, Some(Ok(Message::Ping(_))))
    }

    /// Answers pings, and hears nothing else until something comes.
    pub async fn refused(&mut self) -> (String, bool) {
        match self.word().await {
            ToAgent::Refused { code, retry, .. } => (code, retry),
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// Options with short waits where a test waits for them.
pub fn options() -> GatewayOptions {
    GatewayOptions {
        store_retry: (Duration::from_millis(5), Duration::from_millis(20)),
        ..GatewayOptions::default()
    }
}

pub fn digest(text: &str) -> Digest {
    Digest(sha2::Sha256::digest(text).into())
}

pub fn register(token: &str, session: &str) -> FromAgent {
    let hex = digest(session)
        .0
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    FromAgent::Register {
        protocol: PROTOCOL,
        agent: AGENT.to_string(),
        token: Credential::new(token.to_owned()),
        session_digest: hex,
        version: "0".to_owned(),
        hostname: "test".to_owned(),
    }
}

pub fn resume(session: &str, held: Vec<AttemptRef>) -> FromAgent {
    FromAgent::Resume {
        protocol: PROTOCOL,
        agent: AGENT.to_string(),
        session: Credential::new(session.to_owned()),
        held,
        claiming: Vec::new(),
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .expect("within the deadline")
}
