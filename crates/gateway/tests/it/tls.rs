//! Agents of other machines: over TLS, to whoever proves to be their daemon.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use headcount_api::agent::{Pin, env};
use headcount_gateway::{
    AgentCertificate, AgentListener, CertificateSource, Gateway, GatewayOptions, ShownCertificate,
};
use headcount_model::{Exit, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::authority::{Authority, NOW};
use crate::bench::{Bench, options, within};
use crate::together::{self, Agent, eventually};

/// A gateway that listens with TLS beside a bench's own.
struct Remote {
    bench: Bench,
    shown: Arc<ShownCertificate>,
    gateway: Arc<Gateway>,
    port: u16,
    _until: oneshot::Sender<()>,
}

impl Remote {
    async fn own() -> Self {
        let bench = Bench::new();
        let source = CertificateSource::Own(bench.dir.path().join("agents.key"));
        Self::with(bench, &source, options()).await
    }

    async fn with(bench: Bench, source: &CertificateSource, options: GatewayOptions) -> Self {
        let shown = ShownCertificate::new(AgentCertificate::load(source, None).unwrap());
        let any = "127.0.0.1:0".parse().unwrap();
        let secure = AgentListener::tls(any, shown.clone()).await.unwrap();
        let plain = AgentListener::unix(&bench.dir.path().join("second.sock")).unwrap();
        let url = secure.url().unwrap();
        let port = url.strip_prefix("wss://127.0.0.1:").unwrap();
        let gateway = Gateway::new(bench.controller.clone(), bench.logs.clone(), options);
        let (until, stopped) = oneshot::channel::<()>();
        let serving = gateway.clone();
        tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serving.serve(vec![plain, secure], stopped).await;
        });
        Self {
            port: port.parse().unwrap(),
            bench,
            shown,
            gateway,
            _until: until,
        }
    }

    /// Shows a certificate, good or not, as one that went bad after it was read: where its
    /// own key is what agents are told, it is not checked.
    async fn showing(bench: Bench, source: &CertificateSource) -> Self {
        let CertificateSource::Files { chain, .. } = source else {
            panic!("no files")
        };
        let text = fs::read_to_string(chain).unwrap();
        let own = text.split_inclusive("-----END CERTIFICATE-----\n");
        let own = own.take(1).collect::<String>();
        fs::write(chain, text + &own).unwrap();
        Self::with(bench, source, options()).await
    }

    fn pins(&self) -> String {
        Pin::join(self.shown.current().pins())
    }

    /// An agent that is told these variables.
    fn agent(&self, name: &str, variables: &[(&'static str, &str)]) -> Agent {
        let mut told = BTreeMap::from([(env::URL, self.url("wss", "127.0.0.1"))]);
        let variables = variables.iter();
        told.extend(variables.map(|(name, value)| (*name, (*value).to_owned())));
        together::start_with(&self.bench, name, &told)
    }

    fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.port)
    }

    /// What an agent says that cannot come in.
    async fn trouble(&self, name: &str, variables: &[(&'static str, &str)]) -> String {
        let _agent = self.agent(name, variables);
        let log = self.bench.dir.path().join(name).join("log");
        let start = "daemon cannot be reached problem=\"";
        let mut told = None;
        eventually("the agent says why", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let line = text.lines().find_map(|line| line.split_once(start));
            told = line.map(|(_, rest)| rest.trim_end_matches('"').to_owned());
            told.is_some()
        })
        .await;
        assert_eq!(self.bench.controller.log(), Vec::<String>::new());
        told.unwrap()
            .replace(&format!(":{}", self.port), ":PORT")
            .replace("\\\"", "\"")
    }

    async fn connect(&self) -> TcpStream {
        let connected = TcpStream::connect(("127.0.0.1", self.port));
        within(connected).await.unwrap()
    }

    async fn refused(&self, code: &str, times: u64) {
        eventually("it is counted", || {
            self.gateway.stats().refused.get(code) == Some(&times)
        })
        .await;
    }
}

/// Everything that is sent until the end, however it comes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    // A reset is an end too.
    let _ = within(stream.read_to_end(&mut rest)).await;
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test]
async fn an_agent_knows_its_daemon_by_the_key_and_runs_jobs() {
    let remote = Remote::own().await;
    let _agent = remote.agent("agent", &[(env::PIN, &remote.pins())]);
    remote.bench.controller.saw("registered").await;
    together::offer_over(&remote.bench, &remote.gateway, "exit 7").await;
    let outcome = together::ended(&remote.bench).await;
    assert_eq!(outcome, Outcome::Exited(Exit::Code(7)));
}

#[tokio::test]
async fn a_token_is_asked_for_with_tls_as_well() {
    let remote = Remote::own().await;
    let mut agent = remote.agent("agent", &[(env::PIN, &remote.pins())]);
    remote.bench.controller.saw("registered").await;
    let mut thief = remote.agent("thief", &[(env::PIN, &remote.pins())]);
    assert_eq!(thief.exit_code().await, Some(3));
    assert_eq!(remote.gateway.stats().refused.get("token_used"), Some(&1));
    assert!(agent.is_running());
}

#[tokio::test]
async fn a_stranger_is_not_taken_for_the_daemon() {
    let remote = Remote::own().await;
    let other = Pin([7; 32]).to_string();
    let own = remote.pins();
    assert_eq!(
        remote.trouble("agent", &[(env::PIN, &other)]).await,
        format!(
            "`127.0.0.1:PORT` is not taken for the daemon: its certificate has the key {own}, which \
             is not one of HEADCOUNT_AGENT_PIN, nor did one of them sign it; another program \
             answers there, or the daemon's key was replaced"
        )
    );
    remote.refused("bad_handshake", 1).await;
    let empty = remote.bench.dir.path().join("empty");
    fs::write(&empty, "").unwrap();
    let file = empty.display().to_string();
    let dir = remote.bench.dir.path().join("none");
    fs::create_dir(&dir).unwrap();
    let dir = dir.display().to_string();
    let nobody = [("SSL_CERT_FILE", &*file), ("SSL_CERT_DIR", &*dir)];
    assert_eq!(
        remote.trouble("lost", &nobody).await,
        "this host has no certificates of authorities to know the daemon by; set \
         HEADCOUNT_AGENT_PIN, or SSL_CERT_FILE to a file of them"
    );
}

/// Where an authority is trusted, for all that it signs, dates and names count.
#[tokio::test]
async fn authorities_are_believed_for_a_name_and_a_time() {
    let authority = Authority::new();
    for (name, years, told) in [
        ("127.0.0.1", NOW, None),
        (
            "127.0.0.1",
            (2000, 2001),
            Some(
                "`127.0.0.1:PORT` is not taken for the daemon: its certificate has expired; renew \
                 it and reload the daemon, or set this machine's clock",
            ),
        ),
        (
            "127.0.0.1",
            (2800, 2801),
            Some(
                "`127.0.0.1:PORT` is not taken for the daemon: its certificate is not valid yet; \
                 set this machine's clock",
            ),
        ),
        (
            "ci.example.com",
            NOW,
            Some(
                "`127.0.0.1:PORT` is not taken for the daemon: its certificate is for \
                 ci.example.com; use one of these names, or a certificate for this one",
            ),
        ),
    ] {
        let bench = Bench::new();
        let dir = bench.dir.path().to_owned();
        let good = authority.sign(&dir, "good", "127.0.0.1", NOW);
        let pins = AgentCertificate::load(&good, None).unwrap();
        let pins = Pin::join(pins.pins());
        let shown = authority.sign(&dir, "shown", name, years);
        let remote = Remote::showing(bench, &shown).await;
        let ca = dir.join("ca.pem");
        fs::write(&ca, authority.pem()).unwrap();
        let ca = ca.display().to_string();
        let pinned = [(env::PIN, &*pins)];
        let of_host = [("SSL_CERT_FILE", &*ca)];
        match told {
            Some(told) => {
                assert_eq!(remote.trouble("pinned", &pinned).await, told);
                assert_eq!(remote.trouble("host", &of_host).await, told);
            }
            None => {
                let _agent = remote.agent("agent", &of_host);
                remote.bench.controller.saw("registered").await;
            }
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_told() {
    let bench = Bench::new();
    let dir = bench.dir.path().to_owned();
    let source = Authority::new().sign(&dir, "shown", "127.0.0.1", NOW);
    let remote = Remote::with(bench, &source, options()).await;
    let ca = dir.join("ca.pem");
    fs::write(&ca, Authority::new().pem()).unwrap();
    let told = remote
        .trouble("agent", &[("SSL_CERT_FILE", &ca.display().to_string())])
        .await;
    assert_eq!(
        told,
        "`127.0.0.1:PORT` is not taken for the daemon: its certificate is signed by nobody that \
         is trusted here; set HEADCOUNT_AGENT_PIN, or SSL_CERT_FILE to a file with its authority"
    );
}

#[tokio::test]
async fn plain_and_tls_notice_when_they_meet() {
    let remote = Remote::own().await;
    let plain = remote.url("ws", "127.0.0.1");
    assert_eq!(
        remote.trouble("plain", &[(env::URL, &plain)]).await,
        "the daemon answers with HTTP status 400; if TLS is spoken there, write `wss://` instead \
         of `ws://`"
    );
    remote.refused("no_tls", 1).await;
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = AgentListener::loopback(any).await.unwrap();
    let address = listener.url().unwrap().replace("ws://", "");
    let gateway = remote.gateway.clone();
    let serving =
        tokio::spawn(async move { gateway.serve(vec![listener], std::future::pending()).await });
    let told = remote
        .trouble(
            "secure",
            &[
                (env::URL, &format!("wss://{address}")),
                (env::PIN, &remote.pins()),
            ],
        )
        .await;
    assert_eq!(
        told,
        format!(
            "`{address}` does not speak TLS: it is another program's port, or a proxy that speaks \
             plain; an agent of another machine needs the address of --agent-listen"
        )
    );
    serving.abort();
}

#[tokio::test]
async fn http_and_garbage_are_sent_away() {
    let remote = Remote::own().await;
    let mut http = remote.connect().await;
    http.write_all(b"GET /agent/v1 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    http.shutdown().await.unwrap();
    let answer = rest(&mut http).await;
    assert!(
        answer.starts_with("HTTP/1.1 400")
            && answer.ends_with("TLS is spoken here: write `wss://` instead of `ws://`\n"),
        "{answer}"
    );
    let mut garbage = remote.connect().await;
    garbage.write_all(&[0xff; 4096]).await.unwrap();
    assert_eq!(rest(&mut garbage).await, "");
    remote.refused("no_tls", 2).await;
    let mut broken = remote.connect().await;
    broken
        .write_all(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 0])
        .await
        .unwrap();
    rest(&mut broken).await;
    let silent = remote.connect().await;
    drop(silent);
    remote.refused("bad_handshake", 2).await;
}

/// One who keeps silent takes the only place of this listener, for a bounded time, and none
/// of the other's.
#[tokio::test]
async fn slow_handshakes_are_bounded_in_number_and_time() {
    let bench = Bench::new();
    let source = CertificateSource::Own(bench.dir.path().join("agents.key"));
    let tight = GatewayOptions {
        max_strangers: 1,
        greeting: Duration::from_millis(300),
        ..options()
    };
    let remote = Remote::with(bench, &source, tight).await;
    let mut silent = remote.connect().await;
    silent.write_all(&[22]).await.unwrap();
    let local = remote.bench.dir.path().join("second.sock");
    let local = format!("unix:{}", local.display());
    let _local = remote.agent("local", &[(env::URL, &local)]);
    remote.bench.controller.saw("registered").await;
    assert_eq!(rest(&mut silent).await, "");
    remote.refused("slow_handshake", 1).await;
    let mut other = remote.agent("other", &[(env::PIN, &remote.pins())]);
    assert_eq!(
        other.exit_code().await,
        Some(3),
        "it is heard, and has no good token"
    );
}

#[tokio::test]
async fn connections_in_all_are_bounded_with_tls_too() {
    let bench = Bench::new();
    let source = CertificateSource::Own(bench.dir.path().join("agents.key"));
    let one = GatewayOptions {
        max_connections: 1,
        ..options()
    };
    let remote = Remote::with(bench, &source, one).await;
    let pins = remote.pins();
    let _first = remote.agent("first", &[(env::PIN, &pins)]);
    remote.bench.controller.saw("registered").await;
    let _second = remote.agent("second", &[(env::PIN, &pins)]);
    let log = remote.bench.dir.path().join("second/log");
    eventually("the second is told", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.contains("the daemon has as many agent connections as it can hold")
    })
    .await;
    assert_eq!(remote.bench.controller.log(), ["registered"]);
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_those_who_come_then() {
    let remote = Remote::own().await;
    let old = remote.pins();
    let mut stays = remote.agent("stays", &[(env::PIN, &old)]);
    remote.bench.controller.saw("registered").await;
    let other = CertificateSource::Own(remote.bench.dir.path().join("other.key"));
    remote
        .shown
        .replace(AgentCertificate::load(&other, None).unwrap());
    assert_ne!(remote.pins(), old);
    let mut newer = remote.agent("newer", &[(env::PIN, &remote.pins())]);
    assert_eq!(
        newer.exit_code().await,
        Some(3),
        "it is heard, and has no good token"
    );
    assert!(stays.is_running());
    assert_eq!(remote.gateway.stats().connected, 1);
}
