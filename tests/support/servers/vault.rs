//! A stand-in for HashiCorp Vault, whose programs may not be had from a package registry: what its HTTP API answers to those who
//! read a KV engine of version 2, and no more.
//!
//! From Vault's documentation (<https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>) and source: a token in
//! `X-Vault-Token` is asked for before anything else, a path that is none of its secrets' is 404 with an empty list of errors,
//! a path that its policies do not have is 403. Paths that are not clean are answered with where the clean one is, as every
//! server in Go does.

use super::certificate::Certificate;
use super::{port, program};
use crate::wait::{PATIENCE, until};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// The token that may read everything.
pub const TOKEN: &str = "hvs.hunter2-of-the-host";

/// One KV engine at `secret`, reached at a port of 127.0.0.1. Dropping it ends all connections.
#[derive(Debug)]
pub struct Vault {
    shared: Arc<Shared>,
    certificate: Option<(TempDir, Certificate)>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    tls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By their paths below the engine's.
    secrets: BTreeMap<String, BTreeMap<String, Value>>,
    /// Paths that no policy has.
    denied: BTreeSet<String>,
    /// What was asked: `GET /v1/secret/data/dapr/db?version=0`.
    asked: Vec<String>,
    /// What all requests are answered with, where that is something else.
    broken: Option<u16>,
    open: Vec<TcpStream>,
    is_stopping: bool,
}

impl Vault {
    /// Over HTTP.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// Over HTTPS, with a certificate for `localhost` that nobody trusts but who is told to.
    pub fn with_tls() -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        program::give_to_servers(folder.path());
        Certificate::make(folder.path());
        let certificate = Certificate::of(folder.path());
        Self::with(Some((folder, certificate)))
    }

    fn with(certificate: Option<(TempDir, Certificate)>) -> Self {
        let tls = certificate
            .as_ref()
            .map(|(_, certificate)| Arc::new(config(certificate)));
        let vault = Self {
            shared: Arc::new(Shared {
                port: port::free(),
                tls,
                state: Mutex::default(),
            }),
            certificate,
            listener: Mutex::default(),
        };
        vault.resume();
        vault
    }

    /// Stores a secret under its path below `secret/`, in place of what was there.
    pub fn put(&self, path: &str, values: &[(&str, &str)]) {
        let value = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::from(*value));
        self.put_values(path, values.iter().map(value).collect());
    }

    /// The same with values that need not be texts.
    pub fn put_values(&self, path: &str, values: BTreeMap<String, Value>) {
        self.state().secrets.insert(path.to_owned(), values);
    }

    /// Takes a path out of the token's policy.
    pub fn deny(&self, path: &str) {
        self.state().denied.insert(path.to_owned());
    }

    /// Answers all requests with this status until it is told none.
    pub fn break_with(&self, status: Option<u16>) {
        self.state().broken = status;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// `localhost:PORT`.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.shared.port)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let scheme = match self.certificate {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address())
    }

    /// The certificate of who signed its own, in PEM.
    pub fn ca(&self) -> String {
        let (_, certificate) = self.certificate.as_ref().expect("it has one");
        std::fs::read_to_string(&certificate.ca).expect("it was made")
    }

    /// Ends all connections, and takes no others.
    pub fn stop(&self) {
        let Some(listener) = lock(&self.listener).take() else {
            return;
        };
        self.state().is_stopping = true;
        // It waits for a connection, and ends with this one.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.shared.port));
        listener.join().expect("listening does not panic");
        for connection in self.state().open.drain(..) {
            // The other side may have gone.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections, again.
    pub fn resume(&self) {
        let mut listener = lock(&self.listener);
        self.state().is_stopping = false;
        let socket = until("its port to be free", PATIENCE, || {
            TcpListener::bind((Ipv4Addr::LOCALHOST, self.shared.port)).ok()
        });
        let shared = Arc::clone(&self.shared);
        *listener = Some(std::thread::spawn(move || {
            while let Ok((client, _)) = socket.accept() {
                if lock(&shared.state).is_stopping {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client may leave at any time.
                std::thread::spawn(move || drop(shared.serve(client)));
            }
        }));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(certificate: &Certificate) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&certificate.own).expect("it was made");
    let chain = chain.collect::<Result<_, _>>().expect("it is PEM");
    let key = PrivateKeyDer::from_pem_file(&certificate.key).expect("it was made");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key is the certificate's")
}

/// What a client asks.
struct Asked {
    method: String,
    path: String,
    token: String,
    is_from_a_client: bool,
}

impl Shared {
    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        lock(&self.state).open.push(client.try_clone()?);
        match &self.tls {
            Some(config) => {
                let server = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
                self.answer_all(StreamOwned::new(server, client))
            }
            None => self.answer_all(client),
        }
    }

    fn answer_all(&self, stream: impl Read + Write) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = read(&mut stream)? {
            let answer = self.answer(&asked);
            let stream = stream.get_mut();
            stream.write_all(answer.as_bytes())?;
            stream.flush()?;
        }
        Ok(())
    }

    fn answer(&self, asked: &Asked) -> String {
        let mut state = lock(&self.state);
        state.asked.push(format!("{} {}", asked.method, asked.path));
        let (path, _) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let clean = cleaned(path);
        if clean != path {
            return format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {clean}\r\nContent-Length: 0\r\n\r\n");
        }
        let (status, body) = state.answered(asked, &decoded(path));
        let body = body.to_string();
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
    }
}

impl State {
    fn answered(&self, asked: &Asked, path: &str) -> (String, Value) {
        let errors = |status: &str, errors: &[&str]| (status.to_owned(), json!({ "errors": errors }));
        if let Some(status) = self.broken {
            return errors(&format!("{status} Broken"), &["Vault is sealed"]);
        }
        if !asked.is_from_a_client {
            return errors(
                "412 Precondition Failed",
                &["missing required 'X-Vault-Request' header"],
            );
        }
        if asked.token != TOKEN {
            return errors("403 Forbidden", &["permission denied"]);
        }
        let below = |begin: &str| path.strip_prefix(begin);
        let absent = || errors("404 Not Found", &[]);
        match (
            asked.method.as_str(),
            below("/v1/secret/data/"),
            below("/v1/secret/metadata/"),
        ) {
            ("GET", Some(path), _) if self.denied.contains(path) => {
                errors("403 Forbidden", &["1 error occurred:\n\t* permission denied\n\n"])
            }
            ("GET", Some(path), _) => match self.secrets.get(path) {
                Some(values) => (
                    "200 OK".to_owned(),
                    found(json!({ "data": values, "metadata": { "version": 1 } })),
                ),
                None => absent(),
            },
            ("LIST", _, Some(folder)) => match self.keys(folder) {
                keys if keys.is_empty() => absent(),
                keys => ("200 OK".to_owned(), found(json!({ "keys": keys }))),
            },
            _ => errors("404 Not Found", &["no handler for route"]),
        }
    }

    /// What lies in a folder: secrets, and folders with a slash behind them.
    fn keys(&self, folder: &str) -> BTreeSet<String> {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        let within = self.secrets.keys().filter_map(|path| path.strip_prefix(&folder));
        within
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => format!("{name}/"),
                None => rest.to_owned(),
            })
            .collect()
    }
}

fn found(data: Value) -> Value {
    json!({ "request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data })
}

/// The head of a request; none if there are no more. None that is asked here has a body.
fn read(stream: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let mut asked = Asked {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        token: String::new(),
        is_from_a_client: false,
    };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Ok(Some(asked));
        };
        match name.to_ascii_lowercase().as_str() {
            "x-vault-token" => asked.token = value.to_owned(),
            "x-vault-request" => asked.is_from_a_client = value == "true",
            _ => {}
        }
    }
}

/// A path without empty parts, `.` and `..`. A slash at its end stays.
fn cleaned(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let end = match path.ends_with('/') {
        true => "/",
        false => "",
    };
    format!("/{}{end}", parts.join("/"))
}

/// A path with `%20` and the like as what they stand for.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(hex.unwrap_or(*first));
        rest = match hex {
            Some(_) => &tail[2..],
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
