//! Secret stores of one's own, in WebAssembly: the guest `secret-store`.

use dapr_wasm_tests::{Host, Launch, PATIENCE, built, until};
use std::time::{Duration, Instant};

/// A part of every secret.
const PART: &str = "hunter2";

/// A table for the store, with more keys, and with this in its metadata beside two secrets.
fn table(more: &str, metadata: &str) -> String {
    let component = built::guest("secret-store").display().to_string();
    format!(
        "[secrets.own]\ntype = \"wasm\"\ncomponent = {component:?}\n{more}\n\
         [secrets.own.metadata]\n\"db.user\" = \"u\"\n\"db.password\" = {{ env = \"PASSWORD\" }}\ntoken = \"t\"\n{metadata}\n"
    )
}

fn launch(guest: &str, configuration: &str) -> Launch {
    Launch::guest(guest)
        .components(configuration)
        .env("PASSWORD", "p of hunter2")
}

/// The answer to a request, as `STATUS TEXT`.
fn said(host: &Host, target: &str) -> String {
    let response = host.get(target);
    format!("{} {}", response.status, response.text())
}

/// Waits until the store serves.
fn serves(host: &Host) {
    until("the store to serve", PATIENCE, || {
        (said(host, "/own/token") == "200 token=t\n").then_some(())
    });
}

#[test]
fn apps_cannot_tell_it_from_a_built_in_one() {
    for guest in ["secrets-p2", "secrets-p3"] {
        let rules = "[app.secrets.own]\ndeniedSecrets = [\"private\"]\n";
        let configuration = table("", "private = \"x\"") + rules;
        let host = launch(guest, &configuration).watched().start();
        assert_eq!(said(&host, "/own/db"), "200 password=p of hunter2\nuser=u\n");
        assert_eq!(
            said(&host, "/own"),
            "200 db/password=p of hunter2\ndb/user=u\ntoken/token=t\n"
        );
        assert_eq!(
            said(&host, "/own/nothing"),
            "500 no-such-secret: there is no secret `nothing`"
        );
        assert_eq!(
            said(&host, "/own/private"),
            "500 denied: this app may not read the secret `private`"
        );
        assert_eq!(host.health().json()["secrets"]["own"]["status"], "ok");
    }
}

#[test]
fn no_word_of_the_store_reaches_an_app() {
    let host = launch("secrets-p2", &table("", "")).start();
    for (name, answer) in [
        ("invalid", "500 invalid: no secret of this store can have this name"),
        ("too-large", "500 too-large: the store says that it is too large"),
        ("denied", "500 denied: the store refused access: its server refuses"),
        ("throttled", "500 throttled: the store has too many requests under way"),
        (
            "unavailable",
            "500 unavailable: the store is unavailable: its server cannot be reached",
        ),
        (
            "internal",
            "500 internal: the store failed; the host's log has the cause",
        ),
    ] {
        assert_eq!(said(&host, &format!("/own/{name}")), answer);
    }
    host.wait_for_log("token is t");
    let log = host.stderr().text();
    assert!(!log.contains(PART), "{log}");
}

#[test]
fn what_it_answers_is_checked() {
    let host = launch("secrets-p2", &table("", "")).start();
    assert_eq!(
        said(&host, "/own/large"),
        "500 too-large: the secret `large` has more than 1048576 bytes"
    );
    assert!(said(&host, "/own/twice").starts_with("500 internal"));
    assert!(said(&host, "/own/bare").starts_with("200 other="));
    // One that declares one value each has no others.
    let host = launch("secrets-p2", &table("", "keys = \"one\"")).start();
    assert_eq!(said(&host, "/own/token"), "200 token=t\n");
    for name in ["bare", "db"] {
        assert!(
            said(&host, &format!("/own/{name}")).starts_with("500 internal"),
            "{name}"
        );
    }
    host.wait_for_log("although it does not declare others");
    let log = host.stderr().text();
    assert!(!log.contains(PART), "{log}");
}

#[test]
fn what_breaks_is_replaced_and_what_computes_for_ever_is_ended_at_the_deadline() {
    let host = launch("secrets-p2", &table("deadline = \"1s\"\ninstances = 1", "")).start();
    for name in ["trap", "loop"] {
        let asked = Instant::now();
        let answer = said(&host, &format!("/own/{name}"));
        assert!(answer.starts_with("500 unavailable: "), "{name}: {answer}");
        assert!(
            asked.elapsed() < Duration::from_secs(3),
            "{name}: {:?}",
            asked.elapsed()
        );
        serves(&host);
    }
}

#[test]
fn one_that_does_not_start_stops_the_host_and_its_secrets_are_not_shown() {
    let ended = launch("secrets-p2", &table("", "start = \"refuse\"")).run(b"");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    for part in [
        "the secret store `own` (components.toml:1:10) does not start",
        "db.password is (secret)",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains(PART), "{}", ended.stderr);
}

/// It says them before the host knows what they are.
#[test]
fn what_it_logs_and_prints_while_the_file_is_read_is_masked() {
    let more = "\"say\" = \"something\"\n\"file.only\" = \"hunter2 in the file\"\n";
    let variables = "[app.env]\nA = { secret = \"file\", key = \"only\" }\n";
    let configuration = table("", more) + variables;
    for launch in [
        launch("secrets-p2", &configuration),
        launch("secrets-p2", &configuration).in_json(),
    ] {
        let host = launch.start();
        assert_eq!(said(&host, "/own/file"), "200 only=hunter2 in the file\n");
        host.wait_for_log("the store says");
        host.wait_for_log("it prints");
        let log = host.stderr().text();
        assert!(log.contains("file.only is (secret)"), "{log}");
        assert!(!log.contains(PART), "{log}");
    }
}

/// The file does not refer to them: the host knows them when an app has read them.
#[test]
fn what_an_app_has_read_is_masked_from_then_on() {
    let more = "\"say\" = \"something\"\n\"file.only\" = \"hunter2 in the file\"\n\"file.lines\" = \"hunter2 one\\nhunter2 two\"\n";
    for launch in [
        launch("secrets-p2", &table("", more)),
        launch("secrets-p3", &table("", more)).in_json(),
    ] {
        let host = launch.start();
        assert!(said(&host, "/own").contains("file/only=hunter2 in the file\n"));
        // Asked for one, it logs and prints all.
        assert_eq!(said(&host, "/own/token"), "200 token=t\n");
        until("both to be in the log", PATIENCE, || {
            let masked = host.stderr().text().matches("file.only is (secret)").count();
            (masked == 2).then_some(())
        });
        let log = host.stderr().text();
        assert!(!log.contains(PART), "{log}");
    }
}

#[test]
fn a_component_that_is_something_else_is_refused() {
    let component = built::guest("store-memory").display().to_string();
    let ended = launch(
        "secrets-p2",
        &format!("[secrets.own]\ntype = \"wasm\"\ncomponent = {component:?}\n"),
    )
    .run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    for part in [
        "it exports neither dapr:secrets/provider@0.1.0 nor dapr:secrets/provider-loop@0.1.0",
        "build it for the world `secret-store`",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    let component = built::guest("secret-store").display().to_string();
    let ended = launch(
        "kv",
        &format!("[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\n"),
    )
    .run(b"");
    assert!(
        ended.stderr.contains("it exports neither dapr:state/provider@0.1.0"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_secret_store_starts_with_the_host() {
    let ended = launch("secrets-p2", &table("start = \"first-use\"", "")).run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let message = "`start` is for state stores: a secret store in WebAssembly starts with the host";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}
