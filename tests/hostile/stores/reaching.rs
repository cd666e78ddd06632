//! What stores were not given: the network, files, the environment, other stores, and another caller's name.

use super::ground::{assert_error, host, instance, launch, others_are_answered, read, write};
use crate::beside_others;
use dapr_wasm_tests::{Host, built};
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};

/// A server of the test's.
struct Server {
    listener: TcpListener,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        listener.set_nonblocking(true).expect("sockets have this option");
        let port = listener.local_addr().expect("it is bound").port();
        Self { listener, port }
    }

    /// Whether somebody has connected since it was last asked. The kernel has taken the connection before the client is told.
    fn was_reached(&self) -> bool {
        std::iter::from_fn(|| self.listener.accept().ok()).count() > 0
    }
}

fn dial(host: &Host, address: &str) -> String {
    let response = read(host, &format!("dial-{address}"));
    assert_eq!(response.status, 200, "{}", response.text());
    response.text()
}

fn assert_refused(said: &str) {
    assert!(said.starts_with("PermissionDenied"), "{said}");
}

// ---- the network ----

#[test]
fn without_allow_hosts_nothing_is_reached() {
    let _machine = beside_others();
    let (server, host) = (Server::start(), host(""));
    for name in ["127.0.0.1", "localhost"] {
        assert_refused(&dial(&host, &format!("{name}:{}", server.port)));
    }
    assert!(!server.was_reached());
    others_are_answered(&host);
}

/// Also where there are sockets, and the very address is listed.
#[test]
fn no_store_listens_or_sends_datagrams() {
    let _machine = beside_others();
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
    receiver.set_nonblocking(true).expect("sockets have this option");
    let address = receiver.local_addr().expect("it is bound");
    for settings in [String::new(), format!("allow-hosts = [\"{address}\"]")] {
        let host = host(&settings);
        for key in ["listen".to_owned(), format!("send-{address}")] {
            let response = read(&host, &key);
            assert_eq!(response.status, 200, "{}", response.text());
            assert!(
                response.text().starts_with("PermissionDenied"),
                "{key}: {}",
                response.text()
            );
        }
    }
    let received = receiver.recv(&mut [0; 8]).expect_err("nothing was sent");
    assert_eq!(received.kind(), ErrorKind::WouldBlock);
}

#[test]
fn what_allow_hosts_names_is_reached_and_no_other_port_or_host() {
    let _machine = beside_others();
    let (server, other) = (Server::start(), Server::start());
    for name in ["127.0.0.1", "localhost"] {
        let host = host(&format!("allow-hosts = [\"{name}:{}\"]", server.port));
        assert_eq!(dial(&host, &format!("{name}:{}", server.port)), "connected", "{name}");
        assert!(server.was_reached(), "{name}");
        assert_refused(&dial(&host, &format!("{name}:{}", other.port)));
        assert_refused(&dial(&host, &format!("127.0.0.2:{}", server.port)));
        assert!(!other.was_reached() && !server.was_reached(), "{name}");
        let line = host.wait_for_log("may not connect to");
        let allowed = format!("{name}:{}", server.port);
        assert!(
            line.contains("state store `bad`") && line.contains("[state.bad]") && line.contains(&allowed),
            "{line}"
        );
    }
}

#[test]
fn a_name_that_is_listed_is_no_leave_for_its_address() {
    let _machine = beside_others();
    let server = Server::start();
    let host = host(&format!("allow-hosts = [\"localhost:{}\"]", server.port));
    assert_refused(&dial(&host, &format!("127.0.0.1:{}", server.port)));
    assert!(!server.was_reached());
}

#[test]
fn a_name_that_is_not_listed_is_not_looked_up() {
    let _machine = beside_others();
    let host = host("allow-hosts = [\"db.example:6379\"]");
    // A look-up would carry this name to whoever serves its domain.
    assert_refused(&dial(&host, "stolen-password.attacker.example:6379"));
    let line = host.wait_for_log("may not look up");
    assert!(line.contains("`stolen-password.attacker.example`"), "{line}");
}

#[test]
fn refusals_do_not_fill_the_log() {
    let _machine = beside_others();
    let host = host("allow-hosts = [\"db.example:6379\"]");
    for number in 0..100 {
        assert_refused(&dial(&host, &format!("name-{number}.example:1")));
    }
    let told = host.stderr().lines_with("may not look up").len();
    assert!((1..=16).contains(&told), "it was told {told} times");
}

#[test]
fn a_store_gets_so_many_connections_and_no_more() {
    /// `EMFILE`, as WASI numbers it.
    const TOO_MANY: i32 = 33;
    let _machine = beside_others();
    let server = Server::start();
    let address = format!("127.0.0.1:{}", server.port);
    let host = host(&format!("allow-hosts = [\"{address}\"]"));
    for _ in 0..2 {
        let response = read(&host, &format!("hoard-{address}"));
        assert_eq!(
            response.text(),
            format!("128: {:?}", Some(TOO_MANY)),
            "{}",
            response.status
        );
        // Makes room among those that the kernel has taken: it holds no more of them than this.
        assert!(server.was_reached());
    }
    others_are_answered(&host);
}

#[test]
fn a_store_that_hoards_connections_leaves_the_host_descriptors() {
    let _machine = beside_others();
    let server = Server::start();
    let address = format!("127.0.0.1:{}", server.port);
    let host = launch(&format!("allow-hosts = [\"{address}\"]"))
        .descriptors(256)
        .start();
    for _ in 0..3 {
        let said = read(&host, &format!("hoard-{address}")).text();
        assert!(said.starts_with("64: "), "{said}");
        assert!(server.was_reached());
        others_are_answered(&host);
    }
}

// ---- the machine ----

#[test]
fn a_store_sees_no_files_and_no_environment() {
    let _machine = beside_others();
    let host = launch("").env("SECRET", "hidden").start();
    let files = read(&host, "files").text();
    assert!(
        !files.is_empty() && !files.contains("DirEntry") && !files.contains('/'),
        "{files}"
    );
    let variables = read(&host, "environment");
    assert_eq!((variables.status, variables.text().as_str()), (200, ""));
}

#[test]
fn a_store_that_may_reach_servers_reads_the_systems_certificates_and_nothing_else() {
    let _machine = beside_others();
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let bundle = folder.path().join("mine.pem");
    std::fs::write(&bundle, "certificates\n").expect("it is writable");
    let host = launch("allow-hosts = [\"db.example:6379\"]")
        .env("SSL_CERT_FILE", &bundle.display().to_string())
        .start();
    let response = read(&host, "certificates");
    let said = response.text();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines[..2],
        ["Ok(Ok([\"ca-certificates.crt\"]))", "certificates"],
        "{said}"
    );
    let refused = |line: &&str| line.starts_with("PermissionDenied") || line.starts_with("ReadOnlyFilesystem");
    assert!(lines[2..].len() == 4 && lines[2..].iter().all(refused), "{said}");
    assert_eq!(
        read(&host, "environment").text(),
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n"
    );
    assert_eq!(std::fs::read(&bundle).expect("it is there"), b"certificates\n");
}

// ---- other stores ----

/// Nothing of one is the other's: items, instances, or how they are.
#[test]
fn two_tables_with_one_file_are_two_stores() {
    let _machine = beside_others();
    let component = built::guest("hostile-store").display().to_string();
    let host = host(&format!("\n[state.other]\ntype = \"wasm\"\ncomponent = {component:?}"));
    let in_other = |key: &str| host.get(&format!("/{key}?store=other")).text();
    assert_eq!(write(&host, "key").status, 204);
    assert_eq!(in_other("key"), "");
    let before = in_other("instance");
    assert_ne!(before, instance(&host));
    for _ in 0..5 {
        assert_error(&read(&host, "trap"), 503, "unavailable");
        assert_eq!(in_other("instance"), before);
    }
}

// ---- who asks ----

#[test]
fn the_caller_is_the_hosts_word_and_no_app_can_change_it() {
    let _machine = beside_others();
    for prefix in ["appid", "name", "none", "somebody-else"] {
        let host = launch(&format!("keyPrefix = \"{prefix}\""))
            .option("--app-id=orders")
            .start();
        assert_eq!(read(&host, "caller").text(), "orders", "{prefix}");
        // A key that would be another app's does not reach the store.
        let response = read(&host, "somebody-else%7C%7Ccaller");
        assert_error(&response, 400, "invalid");
    }
}
