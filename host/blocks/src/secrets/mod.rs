//! Secrets: texts under a name and a key, read from where somebody else keeps them.
//!
//! | file | holds |
//! |---|---|
//! | `secret` | [`Secret`], a text that is not printed and does not stay in memory |
//! | `store` | [`SecretStore`], what a vendor implements |
//! | `access` | [`SecretAccess`], which secrets of a store an app may read |
//! | `app`, `calling` | [`AppSecrets`] and [`AppSecretStore`], what one app sees: the shared rules, and how a vendor is asked |
//! | `late` | [`LateSecretStore`], which is opened later |
//! | `limits` | how much at once |
//! | `error` | why a secret was not read |

mod access;
mod app;
mod calling;
mod error;
mod late;
mod limits;
mod secret;
mod store;

pub use access::{DefaultAccess, SecretAccess};
pub use app::{AppSecretStore, AppSecrets};
pub use error::SecretError;
pub use late::LateSecretStore;
pub use limits::{BULK_BYTES, NAME_BYTES, SECRET_BYTES};
pub use secret::Secret;
pub use store::{SecretStore, SecretValues};
