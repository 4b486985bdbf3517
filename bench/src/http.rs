//! The smallest HTTP client that keeps its connections: one request at a time on each, so
//! that what is measured is the daemon and not a pool of connections.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One keep-alive connection.
pub(crate) struct Connection {
    sender: SendRequest<String>,
    host: String,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if !(200..300).contains(&self.status) {
            bail!(
                "answered {}: {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            );
        }
        serde_json::from_slice(&self.body).context("an answer that is not understood")
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with its sender; an error shows at the sender.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: address.to_string(),
        })
    }

    /// A question, answered in JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        self.ask(path)
            .await?
            .json()
            .with_context(|| format!("GET {path}"))
    }

    /// A question, answered somehow.
    pub(crate) async fn ask(&mut self, path: &str) -> Result<Answer> {
        self.exchange(Method::GET, path, String::new()).await
    }

    /// Something to be done, in JSON.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> Result<Answer> {
        self.exchange(Method::POST, path, body).await
    }

    /// A question whose answer never ends.
    pub(crate) async fn stream(mut self, path: &str) -> Result<Lines> {
        let response = timeout(PATIENCE, self.send(Method::GET, path, String::new())).await??;
        if response.status() != 200 {
            bail!("GET {path} answered {}", response.status());
        }
        Ok(Lines {
            body: response.into_body(),
            buffer: Vec::new(),
            _connection: self,
        })
    }

    async fn exchange(&mut self, method: Method, path: &str, body: String) -> Result<Answer> {
        let exchange = async {
            let response = self.send(method, path, body).await?;
            let status = response.status().as_u16();
            let mut incoming = response.into_body();
            let mut body = Vec::new();
            while let Some(piece) = piece(&mut incoming).await? {
                body.extend_from_slice(&piece);
            }
            Ok(Answer { status, body })
        };
        timeout(PATIENCE, exchange)
            .await
            .with_context(|| format!("{path}: no answer"))?
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(body)?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// A body that is read line by line as it comes.
pub(crate) struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
    _connection: Connection,
}

impl Lines {
    /// The next line without its end.
    pub(crate) async fn next(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let piece = timeout(PATIENCE, piece(&mut self.body)).await;
            let piece = piece.context("nothing came")??;
            self.buffer
                .extend_from_slice(&piece.context("the stream ended")?);
        }
    }
}

/// The next piece of a body.
async fn piece(body: &mut Incoming) -> Result<Option<Bytes>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            None => return Ok(None),
            Some(frame) => match frame?.into_data() {
                Ok(data) => return Ok(Some(data)),
                // Trailers say nothing here.
                Err(_) => continue,
            },
        }
    }
}
