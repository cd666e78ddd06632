//! What others wrote for other hosts (`tests/others`), and the first apps of their SDKs: nothing in it knows of this host.

use dapr_wasm_tests::built::other;
use dapr_wasm_tests::{Host, Launch, PATIENCE};
use std::time::{Duration, Instant};

/// `hello`, as SHA-256 has it.
const SHA_256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

// ---- wasmtime serve, WASI 0.2: the example of wstd

fn wstd() -> Host {
    let component = other("rust", "wstd-http-server").if_built("rust");
    Launch::file(component.expect("it is in Rust")).start()
}

#[test]
fn an_example_of_wstd_answers_and_echoes() {
    let host = wstd();
    let home = host.get("/");
    assert_eq!(
        (home.status, home.text().as_str()),
        (200, "Hello, wasi:http/proxy world!\n")
    );
    assert_eq!(host.get("/nowhere").status, 404);

    let body = "käse ".repeat(200_000);
    assert_eq!(host.client().post("/echo", body.as_str()).text(), body);

    let headers = host.call("GET", "/echo-headers").header("x-mine", "its value").send();
    assert_eq!(headers.header("x-mine"), Some("its value"));
    for status in [204, 302, 418] {
        let answer = host.call("GET", "/response-status");
        let answer = answer.header("x-response-status", &status.to_string()).send();
        assert_eq!(answer.status, status);
        let location = (status == 302).then_some("http://localhost/response-status");
        assert_eq!(answer.header("location"), location);
    }
}

#[test]
fn an_example_of_wstd_waits_before_and_within_its_answer() {
    let host = wstd();
    for path in ["/wait-response", "/wait-body"] {
        let asked = Instant::now();
        let answer = host.get(path).text();
        assert!(answer.starts_with("slept for 1"), "{path}: {answer}");
        assert!(asked.elapsed() >= Duration::from_secs(1), "{path}");
    }
    // Its lines come one after the other, and not all at the end.
    let mut client = host.connect();
    client.send_get("/stream-body");
    client.receive_until("stream started", PATIENCE);
    assert!(
        client.received().matches("stream started").count() < 5,
        "{}",
        client.received()
    );
    client.receive_until("\r\n0\r\n", PATIENCE);
    assert_eq!(client.received().matches("stream started").count(), 5);
}

#[test]
fn an_example_of_wstd_that_fails_is_not_taken_for_one_that_answers() {
    let host = wstd();
    assert_eq!(host.get("/response-fail").status, 500);
    // Before its head was on its way, or after.
    let broken = host.call("GET", "/response-body-fail").try_send();
    let is_told = match &broken {
        Ok(answer) => answer.status == 500,
        Err(_) => true,
    };
    assert!(is_told, "{broken:?}");
    assert_eq!(host.get("/").status, 200);
}

// ---- wasmtime serve, WASI 0.2 and 0.3: the examples of componentize-py

/// It takes what it gets, and asks others: both as a stream.
fn an_example_of_componentize_py_echoes_and_hashes(example: &str) {
    let Some(component) = other("python", example).if_built("python") else {
        return;
    };
    let servers = [(); 3].map(|()| Launch::guest("hello").start());
    let allowed: Vec<_> = servers
        .iter()
        .map(|server| format!("127.0.0.1:{}", server.port()))
        .collect();
    let configuration = format!("[app]\nallow-hosts = {allowed:?}\n");
    let host = Launch::file(component).components(&configuration).start();

    let body = "käse ".repeat(200_000);
    let echo = host.call("POST", "/echo").header("content-type", "text/cheese");
    let echo = echo.body(body.as_str()).send();
    assert_eq!((echo.status, echo.header("content-type")), (200, Some("text/cheese")));
    assert_eq!(echo.text(), body);
    assert_eq!(host.get("/echo").status, 400);

    let urls: Vec<_> = allowed.iter().map(|server| format!("http://{server}/")).collect();
    let call = host.call("GET", "/hash-all");
    let hashes = urls.iter().fold(call, |call, url| call.header("url", url)).send();
    assert_eq!(hashes.status, 200, "{}", hashes.text());
    let mut lines: Vec<_> = hashes.text().lines().map(str::to_owned).collect();
    lines.sort();
    let mut expected: Vec<_> = urls.iter().map(|url| format!("{url}: {SHA_256}")).collect();
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn an_example_of_componentize_py_for_wasi_0_2_echoes_and_hashes() {
    an_example_of_componentize_py_echoes_and_hashes("componentize-py-http");
}

#[test]
fn an_example_of_componentize_py_for_wasi_0_3_echoes_and_hashes() {
    an_example_of_componentize_py_echoes_and_hashes("componentize-py-http-p3");
}

// ---- Spin and wasmCloud: the first apps of their SDKs

#[test]
fn the_first_app_of_spins_sdk_answers() {
    let host = Launch::guest("spin").start();
    let answer = host.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, Spin"));
}

#[test]
fn the_first_app_of_wasmclouds_crate_counts_reads_its_configuration_and_logs() {
    let configuration = "[app.config]\ngreeting = \"hello\"\n\n[state.default]\ntype = \"in-memory\"\n";
    let host = Launch::guest("wasmcloud")
        .components(configuration)
        .option("--log=debug")
        .start();
    for count in 1..=3 {
        let answer = host.client().post("/visits", r#"{ "config_key": "greeting" }"#);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["count"], count);
        assert_eq!(answer["single_val"], "hello");
        assert_eq!(answer["multi_val"], serde_json::json!([["greeting", "hello"]]));
    }
    host.wait_for_log("handling request");
    assert_eq!(host.client().post("/visits", "no JSON").status, 500);
}
