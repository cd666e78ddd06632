//! What stands between a server and its client, and breaks connections.
//!
//! It passes on everything as it comes until it is told otherwise. A reply is what comes from the server.

use super::port;
use crate::wait::{PATIENCE, until};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A port of 127.0.0.1 behind which a server is. Dropping it ends all connections.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

/// What its threads know.
#[derive(Debug)]
struct Shared {
    port: u16,
    server: u16,
    /// The client's port of the connection after which it listens no more.
    last: Mutex<Option<u16>>,
    orders: Mutex<Orders>,
    /// Bytes of requests that have come.
    requested: AtomicUsize,
    released: Condvar,
    open: Mutex<HashMap<u16, Connection>>,
}

#[derive(Debug, Default)]
struct Orders {
    /// For each piece of a reply.
    delay: Duration,
    /// Whether none passes.
    held: bool,
    /// Bytes of replies that still pass before a connection is cut.
    left: Option<usize>,
}

/// Both sides of a connection. Its name is the port that the client has.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
}

impl Proxy {
    /// In front of the server that listens at a port of 127.0.0.1.
    pub fn before(server: u16) -> Self {
        let proxy = Self {
            shared: Arc::new(Shared {
                port: port::free(),
                server,
                last: Mutex::default(),
                orders: Mutex::default(),
                requested: AtomicUsize::new(0),
                released: Condvar::new(),
                open: Mutex::default(),
            }),
            listener: Mutex::default(),
        };
        proxy.accept();
        proxy
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// How many connections pass through it.
    pub fn connections(&self) -> usize {
        lock(&self.shared.open).len()
    }

    /// How many bytes clients have sent so far.
    pub fn requested(&self) -> usize {
        self.shared.requested.load(Ordering::SeqCst)
    }

    /// The same count, to be taken to another thread.
    pub fn counter(&self) -> impl Fn() -> usize + Send + use<> {
        let shared = Arc::clone(&self.shared);
        move || shared.requested.load(Ordering::SeqCst)
    }

    /// Holds back all replies until they are released.
    pub fn hold(&self) {
        lock(&self.shared.orders).held = true;
    }

    /// Lets replies pass again.
    pub fn release(&self) {
        lock(&self.shared.orders).held = false;
        self.shared.released.notify_all();
    }

    /// Holds back each piece of a reply for this long, from the next one on. Zero ends it.
    pub fn delay(&self, each: Duration) {
        lock(&self.shared.orders).delay = each;
    }

    /// Lets this many more bytes of replies pass, whatever connections they come on, and then ends the connection that
    /// the last one came on. All others stay, and all that come later pass.
    pub fn cut_after(&self, bytes: usize) {
        lock(&self.shared.orders).left = Some(bytes);
    }

    /// Ends all connections now. New ones pass.
    pub fn cut(&self) {
        for connection in lock(&self.shared.open).values() {
            connection.end();
        }
    }

    /// Refuses new connections, as if nobody listened. Those that are open stay.
    pub fn refuse(&self) {
        let Some(thread) = lock(&self.listener).take() else {
            return;
        };
        // Those that have connected before are still to pass: the one that it ends with comes after them.
        let mut last = lock(&self.shared.last);
        let own = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).expect("it still listens");
        *last = Some(own.local_addr().expect("it is connected").port());
        drop(last);
        thread.join().expect("listening does not panic");
    }

    /// Takes new connections again.
    pub fn accept(&self) {
        let mut listener = lock(&self.listener);
        if listener.is_some() {
            return;
        }
        *lock(&self.shared.last) = None;
        // Other tests look for a free port, and for a moment it is theirs.
        let socket = until("its port to be free", PATIENCE, || {
            TcpListener::bind((Ipv4Addr::LOCALHOST, self.port())).ok()
        });
        let shared = Arc::clone(&self.shared);
        *listener = Some(std::thread::spawn(move || {
            while let Ok((client, address)) = socket.accept() {
                if *lock(&shared.last) == Some(address.port()) {
                    return;
                }
                // One that cannot be passed on is closed: there is no server.
                let _ = connect(&shared, client, address.port());
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.release();
        self.refuse();
        self.cut();
    }
}

impl Connection {
    fn end(&self) {
        // Either side may have gone.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

/// Connects a client to the server, and passes on what they say to each other.
fn connect(shared: &Arc<Shared>, client: TcpStream, name: u16) -> std::io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut requests, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut to_client, mut replies) = (client.try_clone()?, server.try_clone()?);
    lock(&shared.open).insert(name, Connection { client, server });
    let of_requests = Arc::clone(shared);
    std::thread::spawn(move || {
        pass_requests(&of_requests, &mut requests, &mut to_server);
        // What the server still has to say passes.
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        pass_replies(&shared, &mut replies, &mut to_client);
        if let Some(connection) = lock(&shared.open).remove(&name) {
            connection.end();
        }
    });
    Ok(())
}

/// Passes on what the client says until it or the server has gone.
fn pass_requests(shared: &Shared, requests: &mut TcpStream, to_server: &mut TcpStream) {
    let mut piece = [0; 16 << 10];
    while let Ok(count @ 1..) = requests.read(&mut piece) {
        shared.requested.fetch_add(count, Ordering::SeqCst);
        if to_server.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}

/// Passes on what the server says until it or the client has gone, or the connection is to be cut.
fn pass_replies(shared: &Shared, replies: &mut TcpStream, to_client: &mut TcpStream) {
    let mut piece = [0; 16 << 10];
    while let Ok(count @ 1..) = replies.read(&mut piece) {
        let orders = shared.released.wait_while(lock(&shared.orders), |orders| orders.held);
        let (delay, pass) = orders.unwrap_or_else(PoisonError::into_inner).next(count);
        std::thread::sleep(delay);
        if to_client.write_all(&piece[..pass.bytes]).is_err() || pass.then_cut {
            return;
        }
    }
}

/// What becomes of a piece of a reply.
struct Pass {
    bytes: usize,
    then_cut: bool,
}

impl Orders {
    fn next(&mut self, count: usize) -> (Duration, Pass) {
        let then_cut = self.left.is_some_and(|left| left <= count);
        let bytes = self.left.unwrap_or(count).min(count);
        self.left = if then_cut {
            None
        } else {
            self.left.map(|left| left - bytes)
        };
        (self.delay, Pass { bytes, then_cut })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
