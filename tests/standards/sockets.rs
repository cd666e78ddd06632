//! Sockets of an app in Go, `tests/go-asks`: `net/http` and go-redis as everybody uses them, built by the host and against real
//! servers, within `allow-hosts` and outside of it.

use super::asking::{failed, saying};
use super::tls;
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, Response, built};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The app; none where there is no Go.
static APP: LazyLock<Option<(TempDir, PathBuf)>> = LazyLock::new(|| {
    built::app("go", "counter").if_built("go")?;
    let folder = TempDir::new().expect("the system has room for a folder");
    let sources = folder.path().join("go-asks");
    copy(&built::repository().join("tests/go-asks"), &sources);
    let built = Command::new(built::binary())
        .arg("build")
        .arg(&sources)
        .env("XDG_CACHE_HOME", built::cache_home())
        .output()
        .expect("the host starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let component = String::from_utf8(built.stdout).expect("a path is text");
    Some((folder, component.trim().into()))
});

/// Copies a folder, and what links in it lead to.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the folder is writable");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let entry = entry.expect("it is readable");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => _ = fs::copy(&from, &to).expect("it is a file"),
        }
    }
}

/// To be started with these settings of `[app]`.
fn launch(settings: &str) -> Option<Launch> {
    let (_, component) = APP.as_ref()?;
    Some(Launch::file(component).components(&format!("[app]\n{settings}")))
}

fn trusting(launch: Launch, ca: &Path) -> Host {
    launch.env("SSL_CERT_FILE", &ca.display().to_string()).start()
}

#[track_caller]
fn heard(answer: &Response, text: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (200, text));
}

/// What go-redis reads that it has written.
fn on_redis(host: &Host, url: &str) -> Response {
    host.get(&format!("/redis?value=hello&url={url}"))
}

fn redis(server: &Server) -> String {
    format!("localhost:{}", server.port())
}

#[test]
fn http_get_reaches_what_is_listed_by_name_and_by_address_and_nothing_else() {
    let (peer, other) = (saying(OK), saying(OK));
    let settings = format!("allow-hosts = [\"localhost:{}\", {:?}]", peer.port, peer.host());
    let Some(launch) = launch(&settings) else { return };
    let host = launch.start();
    for server in [format!("localhost:{}", peer.port), peer.host()] {
        heard(&host.get(&format!("/http?url=http://{server}/")), "HTTP/1.1 200 ok");
    }
    failed(
        &host.get(&format!("/http?url=http://{}/", other.host())),
        "ermission denied",
    );
    host.wait_for_log(&format!("may not connect to {}; allow it with ", other.host()));
    failed(&host.get("/http?url=http://api.example.com/"), "api.example.com");
    host.wait_for_log("may not look up `api.example.com`; allow it with ");
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

#[test]
fn https_trusts_what_the_system_trusts() {
    let (server, other) = (
        tls::Server::start(&["h2"], "localhost"),
        tls::Server::start(&["h2"], "localhost"),
    );
    let settings = format!(
        "allow-hosts = [\"localhost:{}\", \"localhost:{}\"]",
        server.port, other.port
    );
    let Some(launch) = launch(&settings) else { return };
    let ca = launch.folder().join("ca.pem");
    fs::write(&ca, &server.ca).expect("the folder is writable");
    let host = trusting(launch, &ca);
    let ask = |port: u16| host.get(&format!("/http?url=https://localhost:{port}/"));
    heard(&ask(server.port), "HTTP/2.0 200 HTTP/2.0");
    failed(&ask(other.port), "certificate");
}

#[test]
fn a_driver_reads_and_writes_in_a_real_server_that_is_listed() {
    let server = Setup::of(Kind::Redis).start();
    let settings = format!("allow-hosts = [{:?}]", redis(&server));
    let Some(launch) = launch(&settings) else { return };
    let host = launch.start();
    for _ in 0..3 {
        heard(&on_redis(&host, &format!("redis://{}", redis(&server))), "hello");
    }
    assert_eq!(server.client(&["GET", "asked"]), "hello");
}

#[test]
fn a_driver_speaks_tls_with_what_the_system_trusts() {
    let server = Setup::of(Kind::Redis).tls().start();
    let settings = format!("allow-hosts = [{:?}]", redis(&server));
    let Some(launch) = launch(&settings) else { return };
    let ca = server.ca().expect("it speaks TLS");
    heard(
        &on_redis(&trusting(launch, &ca), &format!("rediss://{}", redis(&server))),
        "hello",
    );
}

#[test]
fn a_driver_is_refused_what_is_not_listed() {
    let server = Setup::of(Kind::Redis).start();
    for (settings, told) in [
        (
            "",
            "may not look up `localhost`; allow it with allow-hosts = [\"localhost:PORT\"] in [app]".to_owned(),
        ),
        (
            "allow-hosts = [\"localhost:1\"]",
            format!(
                "may not connect to {}; allow it with allow-hosts = [\"localhost:1\", ",
                redis(&server)
            ),
        ),
    ] {
        let Some(launch) = launch(settings) else { return };
        let host = launch.start();
        assert_eq!(on_redis(&host, &format!("redis://{}", redis(&server))).status, 502);
        host.wait_for_log(&told);
    }
    assert_eq!(server.client(&["GET", "asked"]), "");
}

#[test]
fn an_app_in_go_neither_listens_nor_sends_datagrams() {
    let Some(launch) = launch("allow-hosts = [\"localhost:1\", \"127.0.0.1:1\"]") else {
        return;
    };
    let host = launch.start();
    for path in ["/listen", "/udp?address=127.0.0.1:1"] {
        assert_eq!(host.get(path).status, 502, "{path}");
    }
}

#[test]
fn what_is_given_and_denied_is_told_before_it_runs() {
    let Some(launch) = launch("allow-hosts = [\"localhost:1\"]") else {
        return;
    };
    let report = launch.check("text").text().to_owned();
    let line = |interface: &str| {
        let line = report.lines().find(|line| line.contains(interface));
        line.unwrap_or_else(|| panic!("{interface} is not in {report}"))
    };
    for interface in ["wasi:sockets/tcp@", "wasi:sockets/ip-name-lookup@"] {
        assert!(!line(interface).contains("denied"), "{}", line(interface));
    }
    assert!(line("wasi:filesystem/types@").ends_with("files, but for the system's certificates"));
}
