//! A server, the component for it, and the app `kv` on both.

use crate::vendors::Vendor;
use dapr_wasm_tests::servers::Server;
use dapr_wasm_tests::{Host, Launch, Response, built};
use serde_json::Value;

/// A server with a host beside it.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) host: Host,
}

/// The store on a server that is reached at this address, and one in memory beside it.
pub(crate) fn launch(vendor: Vendor, server: &Server, address: &str, more: &str) -> Launch {
    let table = vendor.table(server, address);
    with_installed("kv").components(&format!("{table}{more}\n\n[state.other]\ntype = \"in-memory\"\n"))
}

/// A guest on a host that finds what `cargo xtask test` has installed.
pub(crate) fn with_installed(guest: &str) -> Launch {
    Launch::guest(guest).env("XDG_DATA_HOME", built::data_home().to_str().unwrap())
}

impl Ground {
    /// A new server with its component.
    pub(crate) fn of(vendor: Vendor) -> Self {
        Self::with(vendor, "")
    }

    /// The same with more settings of the store.
    pub(crate) fn with(vendor: Vendor, more: &str) -> Self {
        let server = vendor.serve();
        let host = launch(vendor, &server, &server.address(), more).watched().start();
        Self { server, host }
    }

    pub(crate) fn put(&self, target: &str, value: &str) -> Response {
        self.host.client().put(target, value)
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.host.get(target)
    }

    /// The app on the other store is answered.
    pub(crate) fn other_is_answered(&self) {
        other_is_answered(&self.host);
    }
}

/// The app on the other store is answered.
pub(crate) fn other_is_answered(host: &Host) {
    let put = host.client().put("/neighbour?store=other", "here");
    assert_eq!(put.status, 204, "{}", put.text());
    assert_eq!(host.get("/neighbour?store=other").text(), "here");
}

/// Something was written, or deleted.
pub(crate) fn assert_done(response: &Response) {
    assert_eq!(response.status, 204, "{}", response.text());
}

/// An error of `kv`.
pub(crate) fn assert_error(response: &Response, status: u16, case: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(
        response.json().get("error"),
        Some(&Value::from(case)),
        "{}",
        response.text()
    );
}

/// One of several errors of `kv`.
pub(crate) fn assert_one_of(response: &Response, errors: &[(u16, &str)]) {
    let error = response.json();
    let case = error.get("error").and_then(Value::as_str).unwrap_or_default();
    assert!(errors.contains(&(response.status, case)), "{} {error}", response.status);
}
