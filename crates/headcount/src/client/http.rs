//! Questions and answers in JSON.

use std::time::Duration;

use headcount_api::{MAX_BODY_BYTES, PREFIX, PROBLEM_JSON, Problem};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientError, ClientSettings};
use crate::failure::Failure;

/// Nobody takes longer to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Nobody takes longer to answer a plain question. A submission of 10,000 jobs is one.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// A silent connection is probed this often, so that a host that vanished is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Larger answers are refused, in bytes. Ten thousand jobs stay below it.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Asks one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    /// A client that has asked nothing yet.
    ///
    /// # Errors
    /// This host cannot do TLS.
    pub(crate) fn new(settings: ClientSettings) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &settings.token {
            let bearer = format!("Bearer {}", token.expose());
            let mut value = HeaderValue::from_str(&bearer)
                .map_err(|_| Failure::usage("the token holds characters that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = reqwest::Client::builder()
            .user_agent(concat!("headcount/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT_LIMIT)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(Policy::none())
            .no_proxy();
        // Reading the host's certificates takes time, and not every host has some.
        let builder = match settings.url.scheme() {
            "https" => builder,
            _ => builder.tls_certs_only([]),
        };
        let http = builder
            .build()
            .map_err(|error| Failure::failed(format!("cannot prepare a connection: {error}")))?;
        let url = settings.url;
        Ok(Self { http, url })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// No answer, or another than was asked for.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path).query(query);
        self.answer(request.timeout(ANSWER_LIMIT)).await
    }

    /// Asks for something that may take `wait` to happen.
    ///
    /// # Errors
    /// No answer, or another than was asked for.
    pub(crate) async fn get_patiently<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        wait: Duration,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path).query(query);
        self.answer(request.timeout(wait + ANSWER_LIMIT)).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// No answer, or another than was asked for. After [`ClientError::Broken`] it may have
    /// been done.
    pub(crate) async fn post<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.broken(error.to_string()))?;
        let bytes = body.len();
        if bytes > MAX_BODY_BYTES {
            return Err(ClientError::TooLarge { bytes });
        }
        let request = self.request(Method::POST, path).body(body);
        let request = request.header(CONTENT_TYPE, "application/json");
        self.answer(request.timeout(ANSWER_LIMIT)).await
    }

    /// Asks for something that is read piece by piece and may never end.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(super) async fn open(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Response, ClientError> {
        let request = self.request(Method::GET, path).query(query);
        let answer = tokio::time::timeout(ANSWER_LIMIT, request.send()).await;
        let response = answer
            .map_err(|_| self.broken("it took too long"))?
            .map_err(|error| ClientError::of_request(&error, &self.url))?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refusal(response).await),
        }
    }

    /// What a connection that broke in the middle of an answer means.
    pub(super) fn broken(&self, cause: impl Into<String>) -> ClientError {
        let url = self.url.origin().ascii_serialization();
        let cause = cause.into();
        ClientError::Broken { url, cause }
    }

    /// What an error while an answer is read means.
    pub(super) fn of_reading(&self, error: &reqwest::Error) -> ClientError {
        ClientError::of_request(error, &self.url)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.url.clone();
        url.set_path(PREFIX);
        // A name of a pool holds a slash, which must not end a segment.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        self.http.request(method, url)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = request
            .send()
            .await
            .map_err(|error| ClientError::of_request(&error, &self.url))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let stranger = self.stranger(&response);
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|_| stranger)
    }

    async fn refusal(&self, response: Response) -> ClientError {
        let stranger = self.stranger(&response);
        let kind = response.headers().get(CONTENT_TYPE);
        let ours = kind.is_some_and(|kind| kind.as_bytes().starts_with(PROBLEM_JSON.as_bytes()));
        if !ours {
            return stranger;
        }
        let body = match self.body(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => stranger,
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        let read = |error: reqwest::Error| self.of_reading(&error);
        while let Some(piece) = response.chunk().await.map_err(read)? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(self.broken("its answer is too large"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// What an answer means that none of ours gives.
    pub(super) fn stranger(&self, response: &Response) -> ClientError {
        ClientError::Stranger {
            url: self.url.origin().ascii_serialization(),
            status: response.status().as_u16(),
        }
    }
}
