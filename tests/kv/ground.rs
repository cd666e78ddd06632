//! What a claim stands on: a store's configuration, and the app `kv` on it.

use dapr_wasm_tests::built::{core_module, guest};
use dapr_wasm_tests::client::Call;
use dapr_wasm_tests::{Host, Launch, Raw, Response};
use serde_json::Value;
use std::path::Path;

/// A store that the claims are run on.
pub(crate) struct Store {
    /// Its settings, given a name that no other store of the host has.
    settings: Box<dyn Fn(&str) -> String>,
}

impl Store {
    pub(crate) fn in_memory() -> Self {
        Self {
            settings: Box::new(|_| "type = \"in-memory\"\n".to_owned()),
        }
    }

    pub(crate) fn sqlite() -> Self {
        Self {
            settings: Box::new(|name| format!("type = \"sqlite\"\nconnectionString = \"{name}.db\"\n")),
        }
    }

    /// The example of a store in WebAssembly.
    pub(crate) fn store_memory() -> Self {
        Self::wasm(&guest("store-memory"))
    }

    /// A plugin of TinyGo's dialect, which lists no features.
    pub(crate) fn plugin_command() -> Self {
        Self::wasm(&core_module("plugin-command"))
    }

    /// A plugin of Go's dialect, which lists etags.
    pub(crate) fn plugin_reactor() -> Self {
        Self::wasm(&core_module("plugin-reactor"))
    }

    fn wasm(component: &Path) -> Self {
        let settings = format!("type = \"wasm\"\ncomponent = {:?}\n", component.display().to_string());
        Self {
            settings: Box::new(move |_| settings.clone()),
        }
    }

    /// A host with this app and three stores: `statestore`, `other`, and `private`, which is another app's.
    pub(crate) fn host(&self, app: &str) -> Host {
        let table = |name: &str| format!("[state.{name}]\n{}", (self.settings)(name));
        let private = format!("{}scopes = [\"somebody-else\"]\n", table("private"));
        Launch::guest(app)
            .components(&[table("statestore"), table("other"), private].concat())
            .start()
    }

    /// The app `kv`.
    pub(crate) fn kv(&self) -> Kv {
        Kv { host: self.host("kv") }
    }
}

/// The app `kv`, served.
pub(crate) struct Kv {
    host: Host,
}

impl Kv {
    pub(crate) fn call(&self, method: &str, target: &str) -> Call<'_> {
        self.host.call(method, target)
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        self.host.wait_for_log(text);
    }

    pub(crate) fn connect(&self) -> Raw {
        self.host.connect()
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.host.get(target)
    }

    pub(crate) fn delete(&self, target: &str) -> Response {
        self.host.client().delete(target)
    }

    /// The answer to a PUT.
    pub(crate) fn try_put(&self, target: &str, value: impl Into<Vec<u8>>) -> Response {
        self.host.client().put(target, value)
    }

    /// Puts what must be taken.
    pub(crate) fn put(&self, target: &str, value: impl Into<Vec<u8>>) {
        assert_done(&self.try_put(target, value));
    }

    /// The answer to a transaction.
    pub(crate) fn transact(&self, target: &str, operations: &Value) -> Response {
        self.host.client().post(target, operations.to_string())
    }

    /// The value under a key, which must be there, as text.
    pub(crate) fn value(&self, target: &str) -> String {
        let response = self.get(target);
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        response.text()
    }

    /// The `ETag` of an item, which must be there.
    pub(crate) fn etag(&self, target: &str) -> String {
        let response = self.get(target);
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        response.header("etag").expect("an item has an etag").to_owned()
    }

    /// Whether there is no item under a key.
    pub(crate) fn is_absent(&self, target: &str) -> bool {
        self.get(target).status == 404
    }
}

/// 204, with nothing in it.
pub(crate) fn assert_done(response: &Response) {
    assert_eq!((response.status, response.text().as_str()), (204, ""));
}

/// 404 as it is for an item: without a body, unlike the one for a store.
pub(crate) fn assert_absent(response: &Response) {
    assert_eq!((response.status, response.text().as_str()), (404, ""));
}

/// An error as the app documents it: the status, and JSON with the case as WIT has it and a text for people.
pub(crate) fn assert_error(response: &Response, status: u16, case: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    let json = response.json();
    let fields = json.as_object().expect("an error is an object");
    assert_eq!(fields.get("error"), Some(&Value::from(case)), "{json}");
    let message = fields
        .get("message")
        .and_then(Value::as_str)
        .expect("an error has a text");
    assert!(!message.is_empty());
    assert_eq!(fields.len(), 2, "{json}");
}
