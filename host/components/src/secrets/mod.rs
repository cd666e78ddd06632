//! Secret stores. Built in without a cargo feature, since they bring no dependency of their own.
//!
//! | `type` | reads secrets from |
//! |---|---|
//! | `local.env` | environment variables of the host |
//! | `local.file` | a JSON file, as daprd does |
//! | `local.directory` | files, as Kubernetes and Docker mount secrets |

mod directory;
mod env;
mod file;
mod settings;

pub use directory::{DirectorySettings, OpenError as DirectoryError};
pub use env::EnvSettings;
pub use file::{FileSettings, OpenError as FileError, Problem as FileProblem, Secrets};
pub(crate) use settings::{BLOCK, later, types};
pub use settings::{SecretOpenError, SecretSettings};
