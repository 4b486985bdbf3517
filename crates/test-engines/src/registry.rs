//! A registry of images inside an engine's network: one image, a gate, and a count of who
//! asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sha2::{Digest, Sha256};

use crate::image;

/// Free in every engine's own network.
pub(crate) const ADDRESS: &str = "127.0.0.1:5000";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// A registry that has the busybox image under every name.
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    manifest: Vec<u8>,
    config: Vec<u8>,
    layer: Vec<u8>,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// `user:password`, in base64.
    password: Option<String>,
    manifests: usize,
}

impl Registry {
    /// Starts it in this network namespace; it ends with the test's process.
    pub(crate) fn start(network: &Path) -> Self {
        let listener = listen(network);
        let shared = Arc::new(Shared::new());
        let served = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = served.clone();
                std::thread::spawn(move || shared.answer(stream));
            }
        });
        Self { shared }
    }

    /// The name of an image in it.
    #[must_use]
    pub fn image(&self, name: &str) -> String {
        format!("{ADDRESS}/{name}:1")
    }

    /// From now on whoever asks for an image waits.
    pub fn close(&self) {
        self.shared.change(|state| state.closed = true);
    }

    /// Nobody waits any more.
    pub fn open(&self) {
        self.shared.change(|state| state.closed = false);
    }

    /// From now on only who shows this, `user:password` in base64, gets anything.
    pub fn lock(&self, password: &str) {
        self.shared
            .change(|state| state.password = Some(password.to_owned()));
    }

    /// How often an image was asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.shared.lock().manifests
    }

    /// Returns once an image was asked for so often.
    pub fn wait_for(&self, times: usize) {
        let state = self.shared.lock();
        let waiting = self.shared.changed.wait_timeout_while(
            state,
            std::time::Duration::from_secs(60),
            |state| state.manifests < times,
        );
        let (state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        assert!(state.manifests >= times, "nobody asked for the image");
    }
}

impl Shared {
    fn new() -> Self {
        let layer = image::archive();
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
            digest(&layer)
        );
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"{CONFIG}","size":{},"digest":"{}"}},"layers":[{{"mediaType":"{LAYER}","size":{},"digest":"{}"}}]}}"#,
            config.len(),
            digest(config.as_bytes()),
            layer.len(),
            digest(&layer)
        );
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            manifest: manifest.into_bytes(),
            config: config.into_bytes(),
            layer,
        }
    }

    fn answer(&self, mut stream: TcpStream) {
        let Some(request) = Request::read(&stream) else {
            return;
        };
        // Whoever has hung up does not want the answer.
        let _ = self.write(&mut stream, &request);
    }

    fn write(&self, stream: &mut TcpStream, request: &Request) -> std::io::Result<()> {
        if !self.lets_in(request) {
            let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"test\"\r\n";
            return write!(
                stream,
                "{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        let path = request.path.as_str();
        let (kind, body): (&str, &[u8]) = if path.contains("/manifests/") {
            self.pass_the_gate();
            (MANIFEST, &self.manifest)
        } else if path.ends_with(&digest(&self.config)) {
            (CONFIG, &self.config)
        } else if path.ends_with(&digest(&self.layer)) {
            (LAYER, &self.layer)
        } else {
            ("application/json", b"{}")
        };
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\
             Content-Type: {kind}\r\nDocker-Content-Digest: {}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            digest(body),
            body.len()
        )?;
        match request.head_only {
            true => Ok(()),
            false => stream.write_all(body),
        }
    }

    fn lets_in(&self, request: &Request) -> bool {
        let state = self.lock();
        let wanted = state.password.as_ref().map(|it| format!("Basic {it}"));
        wanted.is_none_or(|wanted| request.authorization == wanted)
    }

    fn pass_the_gate(&self) {
        self.change(|state| state.manifests += 1);
        let state = self.lock();
        let passed = self.changed.wait_while(state, |state| state.closed);
        drop(passed);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Request {
    path: String,
    head_only: bool,
    authorization: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next()?.ok()?;
        let mut words = first.split(' ');
        let head_only = words.next()? == "HEAD";
        let path = words.next()?.to_owned();
        let mut authorization = String::new();
        for line in lines {
            let line = line.ok()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("authorization")
            {
                authorization = value.to_owned();
            }
        }
        Some(Self {
            path,
            head_only,
            authorization,
        })
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A socket belongs to the network in which it was made, whoever uses it then.
fn listen(network: &Path) -> TcpListener {
    let network = std::fs::File::open(network).expect("the engine's network");
    let listening = std::thread::spawn(move || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(network.as_fd(), kind).expect("root may enter it");
        TcpListener::bind(ADDRESS).expect("the address is free")
    });
    listening.join().expect("it does not panic")
}
