//! A server, the component for it, and the app `kv` on both.

use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, Response, built};
use serde_json::Value;

/// A server with a host beside it.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) host: Host,
}

/// What a component is told of its server.
pub(crate) fn metadata(server: &Server) -> String {
    let address = server.address();
    match server.kind() {
        Kind::Redis => format!("redisHost={address}"),
        Kind::Memcached => format!("hosts={address}"),
        kind => panic!("no component for {kind} is built for tests"),
    }
}

/// The store on a server, and one in memory beside it.
pub(crate) fn launch(server: &Server, more: &str) -> Launch {
    let metadata = metadata(server);
    let (name, value) = metadata.split_once('=').unwrap();
    let (kind, address) = (server.kind().to_string().to_lowercase(), server.address());
    Launch::guest("kv")
        .env("XDG_DATA_HOME", built::data_home().to_str().unwrap())
        .components(&format!(
            "[state.statestore]\ntype = {kind:?}\n{name} = {value:?}\nallow-hosts = [{address:?}]\n{more}\n\n\
         [state.other]\ntype = \"in-memory\"\n"
        ))
}

impl Ground {
    /// A new server of a kind.
    pub(crate) fn of(kind: Kind) -> Self {
        Self::with(kind, "")
    }

    /// The same with more settings of the store.
    pub(crate) fn with(kind: Kind, more: &str) -> Self {
        let server = Setup::of(kind).start();
        let host = launch(&server, more).start();
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
        assert_eq!(self.put("/neighbour?store=other", "here").status, 204);
        assert_eq!(self.get("/neighbour?store=other").text(), "here");
    }
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
