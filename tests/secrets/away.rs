//! Stores that are away when the host starts, or for a while.

use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use serde_json::Value;
use std::fs;

/// What the host says of its secret store.
fn health(host: &Host) -> (u16, Value) {
    let health = host.health_of("/healthz/ready");
    (health.status, health.json()["secrets"]["vault"].clone())
}

#[test]
fn a_host_that_starts_without_a_store_says_so_and_has_it_once_it_is_there_although_nobody_asks() {
    let table = "[secrets.vault]\ntype = \"local.file\"\nsecretsFile = \"secrets.json\"\nignoreErrors = true\n";
    let launch = Launch::guest("secrets-p2").components(table).watched();
    let host = launch.start();
    host.wait_for_log("warning: cannot open the secret store `vault` (components.toml:1:10)");
    host.wait_for_log("the host starts without it, since `ignoreErrors` is set, and tries again");
    let (status, said) = health(&host);
    assert_eq!((status, &said["status"]), (503, &"failing".into()));
    assert_eq!(said["reason"], "it does not open; the log has the cause");
    assert_eq!(host.health_of("/healthz/live").status, 200);
    assert_eq!(
        host.get("/vault/token").text(),
        "unavailable: the store is unavailable: it does not open"
    );
    // All at once, so that it is never found half-written.
    let there = launch.folder().join("secrets.json");
    fs::write(launch.folder().join("new"), "{ \"token\": \"t\" }").expect("the folder is writable");
    fs::rename(launch.folder().join("new"), there).expect("the folder is writable");
    until("the host to be ready", PATIENCE, || {
        (health(&host).0 == 200).then_some(())
    });
    assert_eq!(host.get("/vault/token").text(), "token=t\n");
}

#[test]
fn what_the_file_refers_to_must_be_there_at_the_start_all_the_same() {
    let launch = Launch::guest("secrets-p2").components(
        "[secrets.vault]\ntype = \"local.file\"\nsecretsFile = \"gone.json\"\nignoreErrors = true\n\
         [app.env]\nTOKEN = { secret = \"token\" }\n",
    );
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let message = "`TOKEN` in `env` needs the secret `token` of `vault`, which cannot be read";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}

/// A store whose directory comes and goes, asked as often as its policy says.
fn mounted(policies: &str) -> Launch {
    let launch = Launch::guest("secrets-p2").components(&format!(
        "[secrets.vault]\ntype = \"local.directory\"\npath = \"mounted\"\ndeadline = \"60s\"\n{policies}"
    ));
    fs::create_dir(launch.folder().join("mounted")).expect("the folder is writable");
    launch
}

#[test]
fn a_store_that_is_away_for_a_while_is_asked_again_as_its_policy_says() {
    let launch = mounted(
        "[resiliency.policies.retries.patient]\nduration = \"50ms\"\n\
         [resiliency.targets.components.vault.outbound]\nretry = \"patient\"\n",
    );
    let host = launch.option("--log=info").start();
    let mounted = host.folder().join("mounted");
    fs::remove_dir(&mounted).expect("it is empty");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| host.get("/vault/token"));
        let line = host.wait_for_log("a call to a secret store is tried again");
        assert!(line.contains("vault"), "{line}");
        fs::create_dir(host.folder().join("new")).expect("the folder is writable");
        fs::write(host.folder().join("new/token"), "t").expect("the folder is writable");
        fs::rename(host.folder().join("new"), &mounted).expect("the folder is writable");
        let asked = asked.join().expect("it is answered");
        assert_eq!((asked.status, asked.text()), (200, "token=t\n".to_owned()));
    });
}

#[test]
fn without_a_policy_a_store_that_asks_no_server_is_asked_once() {
    let host = mounted("").start();
    fs::remove_dir(host.folder().join("mounted")).expect("it is empty");
    assert_eq!(
        host.get("/vault/token").text(),
        "unavailable: the store is unavailable: its directory cannot be read"
    );
}

#[test]
fn a_policy_is_said_in_the_row_of_its_store_and_a_target_that_is_no_store_is_named() {
    let policies = "[resiliency.policies.retries.DefaultSecretstoreComponentOutboundRetryPolicy]\nmaxRetries = 2\n";
    let launch = mounted(policies);
    let row = "vault: directory mounted, 60s a call, 2 retries after 5s\n";
    let checked = launch.check("text");
    assert!(checked.status.success(), "{}", checked.stderr);
    assert!(checked.text().contains(row), "{}", checked.text());
    assert_eq!(launch.check("json").json("/secrets/0/resiliency"), "2 retries after 5s");
    let launch = mounted("[resiliency.targets.components.vaalt.outbound]\n");
    let checked = launch.check("text");
    assert_eq!(checked.status.code(), Some(2));
    assert!(checked.stderr.contains("did you mean `vault`?"), "{}", checked.stderr);
}
