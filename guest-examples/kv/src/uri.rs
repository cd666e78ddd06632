//! What a request's URI says: the key in its path, and the parameters in its query.
//!
//! Stricter than a web page's form: a store must not guess which key was meant, and a misspelled `ttl` must not make an
//! item that lives for ever. So bad percent encoding, unknown parameters and repeated ones are refused.

use crate::failure::Failure;
use http::Uri;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// The key: the decoded path without its first slash. Empty for `/`.
pub fn key(uri: &Uri) -> Result<String, Failure> {
    let path = uri.path();
    decoded(path.strip_prefix('/').unwrap_or(path))
}

/// The parameters that nobody has taken yet.
pub struct Query(BTreeMap<String, String>);

impl Query {
    pub fn parse(query: Option<&str>) -> Result<Self, Failure> {
        let mut parameters = BTreeMap::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // In a query a plus is a space: HTML forms and most HTTP clients write it so.
            let (name, value) = (decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?);
            if parameters.contains_key(&name) {
                return Err(Failure::invalid(format!("the parameter `{name}` is given twice")));
            }
            parameters.insert(name, value);
        }
        Ok(Self(parameters))
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub fn number(&mut self, name: &str) -> Result<Option<u32>, Failure> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Failure::invalid(format!(
                "`{name}` is a whole number from 0 to {}, not `{text}`",
                u32::MAX
            ))),
        }
    }

    /// Refuses what is left over. To be called before anything is done.
    pub fn finish(self) -> Result<(), Failure> {
        match self.0.into_keys().next() {
            Some(name) => Err(Failure::invalid(format!("the parameter `{name}` has no meaning here"))),
            None => Ok(()),
        }
    }
}

/// Undoes percent encoding.
pub fn decoded(text: &str) -> Result<String, Failure> {
    // The decoder keeps a `%` that no two hex digits follow, so that this has to be looked for.
    let hex = |rest: &str| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(hex) {
        return Err(Failure::invalid(format!(
            "`{text}` has a `%` without two hex digits after it"
        )));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Failure::invalid(format!("`{text}` is not UTF-8 when decoded"))),
    }
}
