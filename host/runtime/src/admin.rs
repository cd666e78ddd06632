//! `/healthz`, on an address of its own: how the host and its stores are, for load balancers and orchestrators.
//!
//! | the host | status | body |
//! |---|---|---|
//! | serves | 200 | `{"status":"ok","stores":{"statestore":{"status":"ok"}},"tasks":12}` |
//! | compiles and opens what it needs | 503 | `{"status":"starting","stores":{},"tasks":2}` |
//! | has a store that keeps failing | 503 | `{"status":"failing","stores":{"mine":{"status":"failing","reason":"…"}, …}}` |
//! | was told to stop | 503 | `{"status":"stopping", …}` |
//!
//! `/healthz/ready` is the same, and `/healthz/live` is 200 as long as the process can answer at all: what Kubernetes calls
//! readiness and liveness. Starting the host anew mends no store.
//!
//! Not on the address of the app, whose paths are the app's own. It asks no store anything: a store knows of itself whether
//! it keeps failing.
//!
//! `tasks` is what the host has under way: connections, requests, calls to stores. When nothing goes on it comes back to what
//! it was; where it grows without end, something is never let go of.

use bytes::Bytes;
use dapr_blocks::secrets::SecretStore;
use dapr_blocks::state::{Health, StateStore};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How the host and its stores are.
const PATH: &str = "/healthz";

/// The same, by its other name.
const READY: &str = "/healthz/ready";

/// Whether the host is there.
const LIVE: &str = "/healthz/live";

/// Connections at once: whoever asks for health is few, and no flood of them may cost the apps.
pub const CONNECTIONS: usize = 64;

/// How long a client may take for a request, or have none.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait after an error of the listener: it is out of descriptors, say.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// The Dapr components of a host, by name.
#[derive(Default)]
pub struct Components {
    /// State stores.
    pub stores: Vec<(String, Arc<dyn StateStore>)>,
    /// Secret stores. Where there is none, nothing is said of them.
    pub secrets: Vec<(String, Arc<dyn SecretStore>)>,
}

/// A listener that answers [`PATH`].
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
}

impl Admin {
    /// Listens on `HOST:PORT`.
    ///
    /// # Errors
    ///
    /// What the system says of the address.
    pub async fn bind(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped, also before there are components, and after `stopping` is cancelled, and says so then.
    pub async fn serve(self, components: Arc<OnceLock<Components>>, stopping: CancellationToken) {
        let state = Arc::new(State { components, stopping });
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            tokio::select! {
                _ = connections.join_next(), if connections.len() >= CONNECTIONS => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&state)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection to {PATH}");
                        tokio::time::sleep(AFTER_ERROR).await;
                    }
                },
            }
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let answer = service_fn(move |request| {
        let response = state.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to {PATH} failed");
    }
}

struct State {
    /// None before the host serves.
    components: Arc<OnceLock<Components>>,
    stopping: CancellationToken,
}

impl State {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.uri().path(), request.method()) {
            (PATH | READY, &Method::GET | &Method::HEAD) => self.health(),
            (LIVE, &Method::GET | &Method::HEAD) => answer(StatusCode::OK, &json!({ "status": "ok" })),
            (PATH | READY | LIVE, _) => {
                let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
                let allowed = HeaderValue::from_static("GET, HEAD");
                response.headers_mut().insert(header::ALLOW, allowed);
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let mut status = "ok";
        let mut said = |name: &String, health| {
            let said = match health {
                Health::Well => json!({ "status": "ok" }),
                Health::Failing(reason) => {
                    status = "failing";
                    json!({ "status": "failing", "reason": reason })
                }
            };
            (name.clone(), said)
        };
        let components = self.components.get();
        let stores = components.iter().flat_map(|components| &components.stores);
        let stores: Map<_, _> = stores.map(|(name, store)| said(name, store.health())).collect();
        let secrets = components.iter().flat_map(|components| &components.secrets);
        let secrets: Map<_, _> = secrets.map(|(name, store)| said(name, store.health())).collect();
        if components.is_none() {
            status = "starting";
        }
        if self.stopping.is_cancelled() {
            status = "stopping";
        }
        let tasks = Handle::current().metrics().num_alive_tasks();
        let code = match status {
            "ok" => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut body = json!({ "status": status, "stores": Value::Object(stores), "tasks": tasks });
        if !secrets.is_empty() {
            body["secrets"] = Value::Object(secrets);
        }
        answer(code, &body)
    }
}

fn answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
