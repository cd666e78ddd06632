//! Sockets of an app in Go, `tests/go-asks`: `net/http` and go-redis as everybody uses them, built by the host and against real
//! servers, within `allow-hosts` and outside of it.

use super::asking::{failed, saying};
use super::{go_release, tls};
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, Response, built};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is answered without a wait may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// The app; none where there is no Go.
static APP: LazyLock<Option<App>> = LazyLock::new(|| {
    built::app("go", "counter").if_built("go")?;
    Some(App::by_go_in(std::env::var_os("PATH").unwrap_or_default()))
});

/// The app, by the Go that is found in some folders.
struct App {
    _folder: TempDir,
    component: PathBuf,
}

impl App {
    fn by_go_in(path: OsString) -> Self {
        let folder = TempDir::new().expect("the system has room for a folder");
        let sources = folder.path().join("go-asks");
        built::copy(&built::repository().join("tests/go-asks"), &sources);
        let built = Command::new(built::binary())
            .arg("build")
            .arg(&sources)
            .env("PATH", path)
            .env("XDG_CACHE_HOME", built::cache_home())
            .output()
            .expect("the host starts");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let component = String::from_utf8(built.stdout).expect("a path is text");
        Self {
            _folder: folder,
            component: component.trim().into(),
        }
    }

    /// To be started with these settings of `[app]`.
    fn launch(&self, settings: &str) -> Launch {
        Launch::file(&self.component).components(&format!("[app]\n{settings}"))
    }
}

/// To be started with these settings of `[app]`.
fn launch(settings: &str) -> Option<Launch> {
    Some(APP.as_ref()?.launch(settings))
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

/// Sockets that there are not: what is asked of the app, and of which network and address.
const NO_SOCKETS: [(&str, &str, &str); 11] = [
    ("dial", "ip4:icmp", "127.0.0.1"),
    ("dial", "udp", "127.0.0.1:1"),
    ("dial", "unix", "/run/x"),
    ("dial", "unixgram", "/run/x"),
    ("dial", "unixpacket", "/run/x"),
    ("listen", "tcp", "127.0.0.1:0"),
    ("listen", "tcp", ":0"),
    ("listen", "unix", "/tmp/x"),
    ("packets", "udp", "127.0.0.1:0"),
    ("packets", "udp", ":0"),
    ("packets", "unixgram", "/tmp/x"),
];

/// Records that are not looked up: all but the addresses of a name.
const NO_RECORDS: [&str; 6] = ["CNAME", "MX", "NS", "PTR", "SRV", "TXT"];

/// Each is an error that says so, and is never waited for.
#[track_caller]
fn says_what_there_is_not(host: &Host) {
    let refused = |path: &str, told: &str| {
        let asked = Instant::now();
        let answer = host.get(path);
        let took = asked.elapsed();
        assert_eq!((answer.status, answer.text().trim_end()), (502, told), "{path}");
        assert!(took < AT_ONCE, "{path}: {took:?}");
    };
    for (call, network, address) in NO_SOCKETS {
        let verb = if call == "dial" { "dial" } else { "listen" };
        let told = format!("{verb} {network} {address}: socket: Not supported");
        refused(&format!("/{call}?network={network}&address={address}"), &told);
    }
    for record in NO_RECORDS {
        let told = format!("lookup 127.0.0.1: {record} records cannot be looked up in WebAssembly");
        refused(&format!("/lookup?record={record}&name=127.0.0.1"), &told);
    }
}

#[test]
fn what_an_app_in_go_has_not_is_an_error_at_once_also_to_hosts_that_are_listed() {
    let settings = "allow-hosts = [\"localhost:1\", \"127.0.0.1:1\"]";
    let Some(launch) = launch(settings) else { return };
    says_what_there_is_not(&launch.start());
}

#[test]
fn the_overlay_is_in_another_release_of_go_what_it_is_in_the_installed_one() {
    if APP.is_none() {
        return;
    }
    let app = App::by_go_in(go_release::path());
    let component = fs::read(&app.component).expect("it was built");
    let version = go_release::VERSION.as_bytes();
    assert!(component.windows(version.len()).any(|bytes| bytes == version));

    let (peer, server) = (saying(OK), Setup::of(Kind::Redis).start());
    let settings = format!("allow-hosts = [\"localhost:{}\", {:?}]", peer.port, redis(&server));
    let host = app.launch(&settings).start();
    let url = format!("http://localhost:{}/", peer.port);
    heard(&host.get(&format!("/http?url={url}")), "HTTP/1.1 200 ok");
    for _ in 0..3 {
        heard(&on_redis(&host, &format!("redis://{}", redis(&server))), "hello");
    }
    failed(&host.get("/http?url=http://api.example.com/"), "api.example.com");
    says_what_there_is_not(&host);
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
