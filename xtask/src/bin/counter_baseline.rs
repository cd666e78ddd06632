//! The app `counter` written natively, with which `cargo xtask bench` compares: the same loop of a read and a write under the
//! condition that nobody else wrote.
//!
//! ```text
//! counter-baseline memory
//! counter-baseline sqlite FILE
//! counter-baseline redis HOST:PORT     the same crate that the host's store is built on
//! counter-baseline daprd HOST:PORT     through the HTTP API of a daprd whose store is called `statestore`
//! ```
//!
//! Hyper on tokio with two workers, as `hyper-baseline`.

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1 as client;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::TokioIo;
use redis::aio::MultiplexedConnection;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve())
}

async fn serve() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let place = Arc::new(match arguments[..] {
        ["memory"] => Place::Memory(Mutex::default()),
        ["sqlite", path] => Place::Sqlite(Arc::new(Mutex::new(open(path)?))),
        ["redis", address] => Place::Redis(Redis::connect(address).await?),
        ["daprd", address] => Place::Daprd(Daprd::new(address)),
        _ => bail!("arguments: memory | sqlite FILE | redis HOST:PORT | daprd HOST:PORT"),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("serving http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let place = Arc::clone(&place);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let place = Arc::clone(&place);
                async move { Ok::<_, Infallible>(answer(&place, &request).await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                eprintln!("connection ended: {error}");
            }
        });
    }
}

async fn answer(place: &Place, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let name = request.uri().path().trim_start_matches('/');
    match place.add_one(name).await {
        Ok(number) => Response::new(Full::new(number.to_string().into())),
        Err(error) => {
            let mut response = Response::new(Full::new(format!("{error:#}").into()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Where numbers are.
enum Place {
    Memory(Mutex<HashMap<String, (u64, u64)>>),
    Sqlite(Arc<Mutex<Connection>>),
    Redis(Redis),
    Daprd(Daprd),
}

/// A number with its etag, if it is there.
type Found = Option<(u64, String)>;

impl Place {
    async fn add_one(&self, name: &str) -> Result<u64> {
        // As often as the app does.
        for _ in 0..100 {
            let found = self.read(name).await?;
            let number = found.as_ref().map_or(0, |(number, _)| *number) + 1;
            let etag = found.map(|(_, etag)| etag);
            if self.write(name, number, etag.as_deref()).await? {
                return Ok(number);
            }
        }
        bail!("others were always faster")
    }

    async fn read(&self, name: &str) -> Result<Found> {
        match self {
            Self::Memory(numbers) => {
                let numbers = numbers.lock().expect("nobody panicked");
                Ok(numbers
                    .get(name)
                    .map(|(number, version)| (*number, version.to_string())))
            }
            Self::Sqlite(connection) => {
                let name = name.to_owned();
                on_sqlite(connection, move |connection| {
                    let mut read = connection.prepare("SELECT value, etag FROM state WHERE key = ?1")?;
                    read.query_row([name], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
                        .optional()
                })
                .await
            }
            Self::Redis(redis) => redis.read(name).await,
            Self::Daprd(daprd) => daprd.read(name).await,
        }
    }

    /// Whether the condition held.
    async fn write(&self, name: &str, number: u64, etag: Option<&str>) -> Result<bool> {
        match self {
            Self::Memory(numbers) => {
                let mut numbers = numbers.lock().expect("nobody panicked");
                let version = numbers.get(name).map(|(_, version)| *version);
                if version.map(|version| version.to_string()).as_deref() != etag {
                    return Ok(false);
                }
                numbers.insert(name.to_owned(), (number, version.unwrap_or(0) + 1));
                Ok(true)
            }
            Self::Sqlite(connection) => {
                let (name, number, etag) = (name.to_owned(), number.cast_signed(), etag.map(str::to_owned));
                on_sqlite(connection, move |connection| {
                    let fresh = uuid::Uuid::new_v4().to_string();
                    let written = match etag {
                        Some(etag) => connection
                            .prepare("UPDATE state SET value = ?1, etag = ?2 WHERE key = ?3 AND etag = ?4")?
                            .execute(params![number, fresh, name, etag])?,
                        None => connection
                            .prepare("INSERT INTO state VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
                            .execute(params![name, number, fresh])?,
                    };
                    Ok(written == 1)
                })
                .await
            }
            Self::Redis(redis) => redis.write(name, number, etag).await,
            Self::Daprd(daprd) => daprd.write(name, number, etag).await,
        }
    }
}

// ---- SQLite ----

/// As the host's built-in configuration has it: each write is on the disk before it is answered.
fn open(path: &str) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value INTEGER NOT NULL, etag TEXT NOT NULL);",
    )?;
    Ok(connection)
}

async fn on_sqlite<T: Send + 'static>(
    connection: &Arc<Mutex<Connection>>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    let connection = Arc::clone(connection);
    let work = move || work(&connection.lock().expect("nobody panicked"));
    Ok(tokio::task::spawn_blocking(work).await??)
}

// ---- Redis ----

struct Redis {
    connection: MultiplexedConnection,
    /// The name of the script that writes.
    write: String,
}

impl Redis {
    async fn connect(address: &str) -> Result<Self> {
        let client = redis::Client::open(format!("redis://{address}"))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(
            "local version = redis.call('HGET', KEYS[1], 'version')
             if (version or '') ~= ARGV[2] then return 0 end
             redis.call('HSET', KEYS[1], 'data', ARGV[1])
             redis.call('HINCRBY', KEYS[1], 'version', 1)
             return 1",
        );
        let write = load.query_async(&mut connection).await?;
        Ok(Self { connection, write })
    }

    async fn read(&self, name: &str) -> Result<Found> {
        let mut read = redis::cmd("HMGET");
        read.arg(key(name)).arg("data").arg("version");
        let (data, version): (Option<u64>, Option<String>) = read.query_async(&mut self.connection.clone()).await?;
        Ok(data.zip(version))
    }

    async fn write(&self, name: &str, number: u64, etag: Option<&str>) -> Result<bool> {
        let mut write = redis::cmd("EVALSHA");
        write.arg(&self.write).arg(1).arg(key(name));
        write.arg(number).arg(etag.unwrap_or_default());
        Ok(write.query_async(&mut self.connection.clone()).await?)
    }
}

/// Not the host's own keys: both count on one server.
fn key(name: &str) -> String {
    format!("native||{name}")
}

// ---- daprd ----

/// Connections that are kept, each for one request at a time.
struct Daprd {
    address: String,
    idle: Mutex<Vec<client::SendRequest<Full<Bytes>>>>,
}

impl Daprd {
    fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            idle: Mutex::default(),
        }
    }

    async fn read(&self, name: &str) -> Result<Found> {
        let response = self
            .ask("GET", &format!("/v1.0/state/statestore/{name}"), Bytes::new())
            .await?;
        match response.status() {
            StatusCode::OK => {
                let etag = response.headers().get("etag").context("there is no etag")?;
                let number = std::str::from_utf8(response.body())?.parse()?;
                Ok(Some((number, etag.to_str()?.to_owned())))
            }
            StatusCode::NO_CONTENT => Ok(None),
            status => bail!("daprd: {status}: {}", String::from_utf8_lossy(response.body())),
        }
    }

    async fn write(&self, name: &str, number: u64, etag: Option<&str>) -> Result<bool> {
        let etag = etag.map_or(String::new(), |etag| format!(r#""etag":"{etag}","#));
        let body = format!(r#"[{{"key":"{name}","value":{number},{etag}"options":{{"concurrency":"first-write"}}}}]"#);
        let response = self.ask("POST", "/v1.0/state/statestore", body.into()).await?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(true),
            StatusCode::CONFLICT => Ok(false),
            status => bail!("daprd: {status}: {}", String::from_utf8_lossy(response.body())),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Bytes) -> Result<Response<Bytes>> {
        let kept = self.idle.lock().expect("nobody panicked").pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.ready().await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        let (head, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.idle.lock().expect("nobody panicked").push(connection);
        Ok(Response::from_parts(head, body))
    }

    async fn connect(&self) -> Result<client::SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = client::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}
