//! Outgoing requests: an app that is written for any host asks the server that a test names.

use dapr_wasm_tests::{Host, Launch, Response};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A host whose app may ask these servers.
fn asking(allowed: &[String]) -> Host {
    let allowed: Vec<_> = allowed.iter().map(|host| format!("{host:?}")).collect();
    let configuration = format!("[app]\nallow-hosts = [{}]", allowed.join(", "));
    Launch::guest("asks").components(&configuration).start()
}

pub(super) fn ask(host: &Host, url: &str) -> Response {
    host.call("GET", "/").header("ask", url).send()
}

/// What the app heard instead of an answer.
#[track_caller]
pub(super) fn failed(answer: &Response, case: &str) {
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains(case), "not {case}: {}", answer.text());
}

/// A server of this test's own, for what no real one does: each connection is handed to `serve`.
pub(super) struct Peer {
    pub(super) port: u16,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Peer {
    fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it listens").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { port, connections }
    }

    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn url(&self) -> String {
        format!("http://{}/", self.host())
    }
}

/// Reads the head of a request; false at the end of the connection.
fn read_head(stream: &mut BufReader<TcpStream>) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        match stream.read_line(&mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) if line == "\r\n" => return true,
            Ok(_) => {}
        }
    }
}

/// Answers the first request of a connection with these bytes, and keeps it open.
pub(super) fn saying(text: &'static str) -> Peer {
    Peer::new(move |stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        read_head(&mut reader);
        let _ = (&stream).write_all(text.as_bytes());
        // Until the other side goes.
        read_head(&mut reader);
    })
}

#[test]
fn an_app_asks_a_server_that_is_on_its_list() {
    let server = Launch::guest("kv")
        .components("[state.statestore]\ntype = \"in-memory\"")
        .start();
    let port = server.port();
    let host = asking(&[format!("127.0.0.1:{port}"), format!("localhost:{port}")]);
    let url = format!("http://127.0.0.1:{port}/k");
    let large = vec![b'x'; 1 << 20];
    let put = host.call("PUT", "/").header("ask", &url).body(large.clone()).send();
    assert_eq!(put.status, 204, "{}", put.text());
    assert_eq!(ask(&host, &url).body, large);
    assert_eq!(
        ask(&host, &format!("http://localhost:{port}/k")).body,
        large,
        "by its name"
    );
    assert_eq!(ask(&host, &format!("http://127.0.0.1:{port}/other")).status, 404);
}

#[test]
fn what_is_not_on_the_list_is_denied_and_told_once_with_the_line_that_allows_it() {
    let peer = saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let host = asking(&["api.example.com:443".to_owned()]);
    for _ in 0..3 {
        failed(&ask(&host, &peer.url()), "HttpRequestDenied");
    }
    host.wait_for_log(&format!(
        "app `asks` may not connect to {0}; allow it with allow-hosts = [\"api.example.com:443\", \"{0}\"] in [app]",
        peer.host()
    ));
    failed(&ask(&host, "http://api.example.com/"), "HttpRequestDenied");
    assert_eq!(peer.connections.load(Ordering::Relaxed), 0);
}

#[test]
fn without_a_list_nothing_can_be_asked() {
    let host = Launch::guest("asks").components("").start();
    host.wait_for_log("outgoing requests (no allow-hosts in [app])");
    failed(&ask(&host, "http://127.0.0.1:1/"), "HttpRequestDenied");
}

#[test]
fn a_connection_is_kept_although_instances_are_not() {
    let peer = Peer::new(|stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        while read_head(&mut reader) {
            let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let host = asking(&[peer.host()]);
    for _ in 0..20 {
        assert_eq!(ask(&host, &peer.url()).text(), "ok");
    }
    assert_eq!(peer.connections.load(Ordering::Relaxed), 1);
}

#[test]
fn a_kept_connection_that_the_server_closed_is_made_again() {
    let peer = Peer::new(|stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        if read_head(&mut reader) {
            // It says nothing of closing, and closes.
            let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let host = asking(&[peer.host()]);
    for _ in 0..20 {
        let answer = ask(&host, &peer.url());
        // A request that was sent into the closing is not sent again: nobody knows whether it was heard.
        assert!(
            answer.status == 200 || answer.text().contains("ConnectionTerminated"),
            "{}",
            answer.text()
        );
    }
    assert!(peer.connections.load(Ordering::Relaxed) > 1);
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_the_app_says() {
    let silent = Peer::new(|stream| {
        read_head(&mut BufReader::new(stream.try_clone().expect("a socket can be cloned")));
        read_head(&mut BufReader::new(stream));
    });
    let host = asking(&[silent.host()]);
    let call = host.call("GET", "/").header("ask", &silent.url());
    let call = call.header("first-byte", "100");
    failed(&call.send(), "ConnectionReadTimeout");
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    let peer = saying("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf");
    let host = asking(&[peer.host()]);
    let call = host.call("GET", "/").header("ask", &peer.url());
    failed(&call.header("between-bytes", "100").send(), "connection read timeout");
}

#[test]
fn an_answer_that_is_cut_or_is_none_is_told() {
    let cut = Peer::new(|stream| {
        read_head(&mut BufReader::new(stream.try_clone().expect("a socket can be cloned")));
        let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf");
    });
    let closed = Peer::new(|stream| {
        read_head(&mut BufReader::new(stream));
    });
    let nonsense = saying("SSH-2.0-OpenSSH\r\n\r\n");
    let host = asking(&[cut.host(), closed.host(), nonsense.host()]);
    failed(&ask(&host, &cut.url()), "connection terminated");
    failed(&ask(&host, &closed.url()), "ConnectionTerminated");
    failed(&ask(&host, &nonsense.url()), "HttpProtocolError");
}

#[test]
fn nobody_there_and_no_such_name_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it listens").port();
    drop(listener);
    let host = asking(&[format!("127.0.0.1:{port}"), "nowhere.invalid:80".to_owned()]);
    failed(&ask(&host, &format!("http://127.0.0.1:{port}/")), "ConnectionRefused");
    failed(&ask(&host, "http://nowhere.invalid/"), "DnsError");
}

#[test]
fn who_speaks_no_tls_is_told_so() {
    let peer = saying("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let host = asking(&[peer.host()]);
    let answer = ask(&host, &format!("https://{}/", peer.host()));
    failed(&answer, "Tls");
}

#[test]
fn an_app_of_wasi_0_3_asks_alike() {
    let server = Launch::guest("kv")
        .components("[state.statestore]\ntype = \"in-memory\"")
        .start();
    server.client().put("/k", "v");
    let cut = Peer::new(|stream| {
        read_head(&mut BufReader::new(stream.try_clone().expect("a socket can be cloned")));
        let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf");
    });
    let allowed = format!(
        "[app]\nallow-hosts = [\"127.0.0.1:{}\", \"{}\"]",
        server.port(),
        cut.host()
    );
    let host = Launch::guest("asks-p3").components(&allowed).start();
    let asked = |authority: &str, path: &str| host.call("GET", path).header("ask", authority).send();
    let at = format!("127.0.0.1:{}", server.port());
    assert_eq!(asked(&at, "/k").text(), "v");
    assert_eq!(asked(&at, "/other").status, 404);
    failed(&asked(&cut.host(), "/"), "ConnectionTerminated");
    failed(&asked("127.0.0.1:1", "/"), "HttpRequestDenied");
}

#[test]
fn plain_http_needs_nobody_to_be_trusted() {
    let peer = saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let launch = Launch::guest("asks").components(&format!("[app]\nallow-hosts = [\"{}\"]", peer.host()));
    let file = launch.folder().join("nobody.pem");
    std::fs::write(&file, "").expect("the folder is writable");
    let host = launch.env("SSL_CERT_FILE", &file.display().to_string()).start();
    assert_eq!(ask(&host, &peer.url()).text(), "ok");
    host.wait_for_log("the system trusts nobody");
}
