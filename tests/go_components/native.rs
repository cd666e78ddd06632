//! Dapr's own code for a store, built for this machine and used as daprd uses it: `tests/native-go`.

use crate::vendors::Vendor;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dapr_wasm_tests::built;
use dapr_wasm_tests::servers::{Kind, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A store that is open. The program ends with it.
pub(crate) struct Native {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// An item that the program found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) value: Vec<u8>,
    pub(crate) etag: Option<String>,
}

/// What a write is to be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum If<'a> {
    Anything,
    Absent,
    Matches(&'a str),
}

impl Native {
    /// Opens the store that a component has on a server, with more settings.
    pub(crate) fn open(vendor: Vendor, server: &Server, more: &[(&str, &str)]) -> Self {
        let mut child = Command::new(built::native())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut native = Self {
            calls: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        let mut metadata: serde_json::Map<_, _> = vendor
            .settings(server, &server.address())
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        if vendor.kind == Kind::ZooKeeper {
            // The glue's default.
            metadata.insert("keyPrefixPath".into(), "/".into());
        }
        metadata.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(*value))),
        );
        native.ask(&json!({ "type": vendor.component, "metadata": metadata }));
        native
    }

    /// The item of a key as it is in the store, with the app's prefix.
    pub(crate) fn get(&mut self, key: &str) -> Found {
        let answer = self.ask(&json!({ "do": "get", "key": key }));
        assert_eq!(answer.get("error"), None, "{key}: {answer}");
        let text = |name| answer.get(name).and_then(Value::as_str);
        Found {
            value: BASE64_STANDARD.decode(text("value").unwrap_or_default()).unwrap(),
            etag: text("etag").map(str::to_owned),
        }
    }

    /// Writes as daprd does for an app that gives bytes.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub(crate) fn set(&mut self, key: &str, value: &[u8], condition: If, ttl: Option<u32>) -> Result<(), String> {
        let mut call = json!({ "do": "set", "key": key, "value": BASE64_STANDARD.encode(value) });
        self.write(&mut call, condition, ttl)
    }

    /// Writes as daprd does for an app that gives JSON.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub(crate) fn set_json(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let mut call = json!({ "do": "set", "key": key, "json": value });
        self.write(&mut call, If::Anything, None)
    }

    fn write(&mut self, call: &mut Value, condition: If, ttl: Option<u32>) -> Result<(), String> {
        match condition {
            If::Anything => {}
            If::Absent => call["firstWrite"] = true.into(),
            If::Matches(etag) => call["etag"] = etag.into(),
        }
        if let Some(seconds) = ttl {
            call["metadata"] = json!({ "ttlInSeconds": seconds.to_string() });
        }
        let answer = self.ask(call);
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(()),
        }
    }

    fn ask(&mut self, call: &Value) -> Value {
        writeln!(self.calls.as_mut().unwrap(), "{call}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{call}: {error}: {line:?}"))
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // It ends where its input does, or is made to.
        self.calls = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
