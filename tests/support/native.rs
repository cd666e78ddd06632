//! Dapr's own code for a store, built for this machine and used as daprd uses it: `tests/native-go`.

use crate::built;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A store that is open. The program ends with it.
#[derive(Debug)]
pub struct Native {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// An item that the program found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Empty if there is none.
    pub value: Vec<u8>,
    /// None if there is none.
    pub etag: Option<String>,
}

/// What a write is to be held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum If<'a> {
    /// Nothing.
    Anything,
    /// There is no item.
    Absent,
    /// The item has this etag.
    Matches(&'a str),
}

impl Native {
    /// Opens a store by its type in the program, with Dapr's metadata.
    pub fn open(kind: &str, metadata: &[(&str, String)]) -> Self {
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
        let metadata: serde_json::Map<_, _> = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        native.ask(&json!({ "type": kind, "metadata": metadata }));
        native
    }

    /// The item of a key as it is in the store, with the app's prefix.
    pub fn get(&mut self, key: &str) -> Found {
        let answer = self.ask(&json!({ "do": "get", "key": key }));
        assert_eq!(answer.get("error"), None, "{key}: {answer}");
        let text = |name| answer.get(name).and_then(Value::as_str);
        Found {
            value: BASE64_STANDARD.decode(text("value").unwrap_or_default()).unwrap(),
            etag: text("etag").map(str::to_owned),
        }
    }

    /// Deletes as daprd does, perhaps by an etag.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub fn delete(&mut self, key: &str, etag: Option<&str>) -> Result<(), String> {
        let answer = self.ask(&json!({ "do": "delete", "key": key, "etag": etag }));
        answer
            .get("error")
            .and_then(Value::as_str)
            .map_or(Ok(()), |error| Err(error.to_owned()))
    }

    /// Writes as daprd does for an app that gives bytes.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub fn set(&mut self, key: &str, value: &[u8], condition: If, ttl: Option<u32>) -> Result<(), String> {
        let mut call = json!({ "do": "set", "key": key, "value": BASE64_STANDARD.encode(value) });
        self.write(&mut call, condition, ttl)
    }

    /// Writes as daprd does for an app that gives JSON.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub fn set_json(&mut self, key: &str, value: &Value) -> Result<(), String> {
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
