//! The app `kv` with two stores: `statestore`, in memory, and `bad`, which is the guest `hostile-store`.

use crate::in_time::within_a_second;
use dapr_wasm_tests::{Host, Launch, PATIENCE, Response, built, until};
use serde_json::Value;
use std::path::Path;

/// A host to be started, with these settings of the store `bad`.
pub(super) fn launch(settings: &str) -> Launch {
    launch_with(&built::guest("hostile-store"), settings)
}

/// The same with another component in place of `hostile-store`.
pub(super) fn launch_with(component: &Path, settings: &str) -> Launch {
    Launch::guest("kv")
        .components(&components(component, settings))
        .watched()
}

/// The two stores, as `components.toml` has them.
pub(super) fn components(component: &Path, settings: &str) -> String {
    let component = component.display().to_string();
    format!(
        "[state.statestore]\ntype = \"in-memory\"\n\n[state.bad]\ntype = \"wasm\"\ncomponent = {component:?}\n{settings}\n"
    )
}

/// A host with these settings of the store `bad`.
pub(super) fn host(settings: &str) -> Host {
    launch(settings).start()
}

/// A host whose store `bad` is the guest `loop-store`, with these settings.
pub(super) fn looping(settings: &str) -> Launch {
    launch_with(&built::guest("loop-store"), settings)
}

/// A path of `kv` that asks the store `bad` for a key.
pub(super) fn bad(key: &str) -> String {
    format!("/{key}?store=bad")
}

/// The answer to a read.
pub(super) fn read(host: &Host, key: &str) -> Response {
    host.get(&bad(key))
}

/// The answer to a write.
pub(super) fn write(host: &Host, key: &str) -> Response {
    host.client().put(&bad(key), "value")
}

/// An error of `kv`: the status, and JSON with the case as WIT has it. Answers the text for people.
pub(super) fn assert_error(response: &Response, status: u16, case: &str) -> String {
    assert_eq!(response.status, status, "{}", response.text());
    let json = response.json();
    assert_eq!(json.get("error"), Some(&Value::from(case)), "{json}");
    let message = json.get("message").and_then(Value::as_str);
    message.expect("an error has a text").to_owned()
}

/// An app on the other store is answered, and within a second.
pub(super) fn others_are_answered(host: &Host) {
    within_a_second(|| {
        assert_eq!(host.client().put("/neighbour", "here").status, 204);
        let response = host.get("/neighbour");
        assert_eq!((response.status, response.text().as_str()), (200, "here"));
    });
}

/// Waits until the store `bad` serves: nobody rests any more, and no call of a client that has its answer goes on.
pub(super) fn serves_again(host: &Host) {
    until("the store to serve again", PATIENCE, || {
        let response = write(host, "again");
        match response.status {
            204 => {
                let response = read(host, "again");
                // Its instance may have ended since.
                if response.status == 503 {
                    return None;
                }
                assert_eq!((response.status, response.text().as_str()), (200, "value"));
                return Some(());
            }
            429 => assert_error(&response, 429, "throttled"),
            // On a busy machine.
            504 => assert_error(&response, 504, "outcome-unknown"),
            _ => assert_error(&response, 503, "unavailable"),
        };
        None
    });
}

/// The number that an instance of the store has for itself.
pub(super) fn instance(host: &Host) -> String {
    let response = read(host, "instance");
    assert_eq!(response.status, 200, "{}", response.text());
    response.text()
}
