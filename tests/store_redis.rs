//! `guest-examples/store-redis`, a store for guests to take after, on a real Redis.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, PATIENCE, built, until};
use std::process::Command;

/// A host with the app `kv` on the store, its server beside it.
fn on_redis() -> (Server, Host) {
    let server = Setup::of(Kind::Redis).start();
    let (component, address) = (built::guest("store-redis").display().to_string(), server.address());
    let host = Launch::guest("kv").components(&format!(
        "[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\nallow-hosts = [{address:?}]\ndeadline = \"2s\"\n\
         metadata = {{ redisHost = {address:?} }}\n"
    ));
    (server, host.watched().start())
}

fn says(host: &Host, status: u16) {
    until("the host to say how it is", PATIENCE, || {
        (host.health().status == status).then_some(())
    });
}

fn is_kept(host: &Host) {
    let serves = || (host.client().put("/again", "and again").status == 204).then_some(());
    until("the store to serve again", PATIENCE, serves);
    assert_eq!(host.get("/kept").text(), "acknowledged");
}

#[test]
fn it_keeps_all_rules_and_its_items() {
    let server = Setup::of(Kind::Redis).start();
    let address = server.address();
    let output = Command::new(built::binary())
        .arg("conformance")
        .arg(built::guest("store-redis"))
        .args(["--durable", "--allow-host", &address])
        .args(["--metadata", &format!("redisHost={address}")])
        .env("XDG_CACHE_HOME", built::cache_home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(" passed, 0 failed"), "{said}");
    assert!(!said.contains("unsupported"), "{said}");
}

#[test]
fn it_connects_again_to_a_server_that_died() {
    let (mut server, host) = on_redis();
    assert_eq!(host.client().put("/kept", "acknowledged").status, 204);
    server.kill();
    assert_eq!(host.get("/kept").status, 503);
    assert!(matches!(host.client().put("/lost", "perhaps").status, 503 | 504));
    says(&host, 503);
    server.restart();
    // Although nobody asks.
    says(&host, 200);
    is_kept(&host);
}

#[test]
fn a_server_that_stands_still_is_an_error_in_time() {
    let (server, host) = on_redis();
    assert_eq!(host.client().put("/kept", "acknowledged").status, 204);
    server.pause();
    assert_eq!(host.get("/kept").status, 503);
    says(&host, 503);
    server.resume();
    says(&host, 200);
    is_kept(&host);
}

#[test]
fn a_server_that_has_forgotten_the_scripts_is_given_them_again() {
    let (server, host) = on_redis();
    let write = |condition: &str| {
        let write = host.client().call("PUT", "/item").header("If-None-Match", condition);
        write.body("value").send().status
    };
    assert_eq!(write("*"), 204);
    server.client(&["SCRIPT", "FLUSH"]);
    assert_eq!(write("*"), 412);
    server.client(&["SCRIPT", "FLUSH"]);
    assert_eq!(host.get("/item").text(), "value");
    assert_eq!(host.client().delete("/item").status, 204);
    assert_eq!(write("*"), 204);
}
