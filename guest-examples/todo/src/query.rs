//! The parameters of a request. The same file in each example that needs it.
//!
//! Stricter than a web page's form: a misspelled `ttl` must not make an item that lives for ever. So bad percent encoding,
//! unknown parameters and repeated ones are refused.

use crate::percent;
use std::collections::BTreeMap;

/// The parameters that nobody has taken yet.
pub struct Query<'a>(BTreeMap<String, &'a str>);

impl<'a> Query<'a> {
    pub fn parse(query: &'a str) -> Result<Self, String> {
        let mut parameters = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            if parameters.contains_key(&name) {
                return Err(format!("the parameter `{name}` is given twice"));
            }
            parameters.insert(name, value);
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, still encoded: see [`decoded`].
    pub fn take(&mut self, name: &str) -> Option<&'a str> {
        self.0.remove(name)
    }

    /// Refuses what is left over. To be called before anything is done.
    pub fn finish(self) -> Result<(), String> {
        match self.0.into_keys().next() {
            Some(name) => Err(format!("the parameter `{name}` has no meaning here")),
            None => Ok(()),
        }
    }
}

/// A name or value of a query. A plus is a space there: HTML forms and most HTTP clients write it so.
pub fn decoded(text: &str) -> Result<String, String> {
    percent::decoded(&text.replace('+', " "))
}
