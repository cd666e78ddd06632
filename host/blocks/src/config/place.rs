//! Where a text stands that is not in the file.

use std::fmt;

/// Where a text stands that is not in the file, and must not be repeated. `Display` is how the file refers to it:
/// `{ env = "NAME" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In an environment variable of the host.
    Variable(String),
    /// In a secret.
    Secret {
        /// The name of the store.
        store: String,
        /// The secret's.
        name: String,
        /// The key in it.
        key: String,
    },
}

impl Place {
    /// What holds the text, to be read behind "in": ``the variable `NAME` ``.
    pub fn holder(&self) -> String {
        match self {
            Self::Variable(name) => format!("the variable `{}`", name.escape_debug()),
            Self::Secret { name, .. } => format!("the secret `{}`", name.escape_debug()),
        }
    }

    /// What the text is, for messages: ``the value of environment variable `NAME` ``.
    pub(super) fn value(&self) -> String {
        match self {
            Self::Variable(name) => format!("the value of environment variable `{}`", name.escape_debug()),
            Self::Secret { name, key, .. } if name == key => {
                format!("the value of the secret `{}`", name.escape_debug())
            }
            Self::Secret { name, key, .. } => format!(
                "the value of `{}` in the secret `{}`",
                key.escape_debug(),
                name.escape_debug()
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "{{ env = \"{}\" }}", name.escape_debug()),
            Self::Secret { store, name, key } => write!(
                f,
                "{{ secret = \"{}\", key = \"{}\", store = \"{}\" }}",
                name.escape_debug(),
                key.escape_debug(),
                store.escape_debug()
            ),
        }
    }
}
