//! What settings hold that stands elsewhere, in a variable or in a secret, and nobody is to see.
//!
//! The host repeats what others say, and a server or a store may quote its password. So whoever reads a configuration is told
//! what to leave out: each setting that is a [`Secret`], where it is a reference, and what a vendor finds in such a setting.

use super::table::Table;
use super::value::FromText;
use crate::secrets::Secret;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

/// What was found so far, in all tables of a file.
#[derive(Debug, Default)]
pub(super) struct Hidden(Mutex<Vec<Secret>>);

impl Hidden {
    pub(super) fn add(&self, secret: Secret) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(secret);
    }

    pub(super) fn take(&self) -> Vec<Secret> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A string that is not shown, wherever it stands.
impl FromText for Secret {
    const WHAT: &'static str = <String as FromText>::WHAT;
    const EXAMPLE: &'static str = <String as FromText>::EXAMPLE;
    type Problem = Infallible;
    const IS_SECRET: bool = true;

    fn from_text(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text.to_owned()))
    }
}

impl Table {
    /// Takes note that nobody is to see this part of a setting that is a reference.
    pub fn hide(&self, secret: Secret) {
        self.context.hidden.add(secret);
    }
}
