//! What guests were not given: the host's environment, files, and the network.

use crate::{beside_others, hostile, launch};

#[test]
fn a_guest_sees_the_variables_that_it_was_given_and_no_others() {
    let _machine = beside_others();
    let variables = |text: &str| {
        let mut variables: Vec<_> = text.lines().map(str::to_owned).collect();
        variables.sort_unstable();
        variables
    };
    let bare = launch("").env("SECRET", "hidden").start();
    assert!(variables(&bare.get("/env").text()).is_empty());
    let granted = launch("env = { FROM_FILE = \"1\", BOTH = \"file\", HOSTS = { env = \"OF_HOST\" } }")
        .env("SECRET", "hidden")
        .env("OF_HOST", "handed on")
        .env("PASSED", "by name")
        .option("--env=BOTH=line")
        .option("--env=PASSED")
        .start();
    let expected = ["BOTH=line", "FROM_FILE=1", "HOSTS=handed on", "PASSED=by name"];
    assert_eq!(variables(&granted.get("/env").text()), expected);
}

#[test]
fn a_guest_sees_no_files() {
    let _machine = beside_others();
    let host = hostile("");
    let text = host.get("/files").text();
    // What an error of a file system is called, and no entry of one.
    assert!(!text.contains("DirEntry") && !text.contains('/'), "{text}");
    assert!(!text.is_empty());
}

#[test]
fn outgoing_requests_are_denied() {
    let _machine = beside_others();
    assert_eq!(hostile("").get("/egress").text(), "ErrorCode::HttpRequestDenied");
}

#[test]
fn sockets_are_denied() {
    let _machine = beside_others();
    let text = hostile("").get("/socket").text();
    assert_eq!(text, "PermissionDenied");
}

/// A look-up tells as much as it asks: its name is carried to whoever serves the domain.
#[test]
fn names_are_not_looked_up() {
    let _machine = beside_others();
    let text = hostile("").get("/lookup").text();
    assert!(text.starts_with("PermissionDenied"), "{text}");
}

#[test]
fn what_is_denied_is_said_at_start() {
    let _machine = beside_others();
    let line = hostile("").wait_for_log("denied");
    for what in ["sockets", "files", "outgoing requests"] {
        assert!(line.contains(what), "{line}");
    }
}
