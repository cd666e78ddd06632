//! HTTP as a well-behaved client speaks it.
//!
//! Each request has a connection of its own: a kept one may be closed by the host at any time, which is its right and would
//! look like a failure. What kept connections are worth is tested with [`Raw`](crate::Raw) ones; who asks without a pause and
//! by the thousand may [keep](Client::kept) one.

use serde_json::Value;
use std::time::Duration;
use ureq::http::{HeaderMap, Method, Request};

/// How long a client waits for an answer: beyond the host's own deadline, so that the host's answer comes first.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Bytes of an answer that a client takes.
const LARGEST: u64 = 64 << 20;

/// Sends requests to one address.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    origin: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(
            values.next().is_none(),
            "the header `{name}` is there twice: {:?}",
            self.headers
        );
        Some(value.to_str().expect("the header is plain ASCII"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap_or_else(|_| panic!("the body is no UTF-8: {self:?}"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is no JSON: {error}: {}", self.text()))
    }
}

/// A request to be sent.
#[derive(Debug)]
#[must_use = "it is not sent yet"]
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Client {
    /// A client of `http://127.0.0.1:PORT`.
    pub fn new(port: u16) -> Self {
        Self::keeping(0, port)
    }

    /// One that keeps its connection from one request to the next.
    pub fn kept(port: u16) -> Self {
        Self::keeping(1, port)
    }

    fn keeping(connections: usize, port: u16) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .max_idle_connections(connections)
            .proxy(None)
            .timeout_global(Some(TIMEOUT));
        Self {
            agent: config.build().into(),
            origin: format!("http://127.0.0.1:{port}"),
        }
    }

    /// A request for `target`, a path and query as they go over the wire.
    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        let method = method.parse().expect("a method is a token");
        Call {
            client: self,
            method,
            target: target.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// The answer to a GET.
    pub fn get(&self, target: &str) -> Response {
        self.call("GET", target).send()
    }

    /// The answer to a PUT of `body`.
    pub fn put(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.call("PUT", target).body(body).send()
    }

    /// The answer to a POST of `body`.
    pub fn post(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.call("POST", target).body(body).send()
    }

    /// The answer to a DELETE.
    pub fn delete(&self, target: &str) -> Response {
        self.call("DELETE", target).send()
    }
}

impl Call<'_> {
    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Some(body.into()),
            ..self
        }
    }

    /// The whole answer.
    ///
    /// # Panics
    ///
    /// If there is none, or its transfer breaks.
    pub fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.target);
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// The whole answer.
    ///
    /// # Errors
    ///
    /// If there is none, or its transfer breaks.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{}{}", self.client.origin, self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = match self.body {
            Some(body) => self.client.agent.run(request.body(body)?)?,
            None => self.client.agent.run(request.body(())?)?,
        };
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(LARGEST).read_to_vec()?;
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}
