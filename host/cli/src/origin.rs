//! Where a configuration comes from.

use crate::failure::{Failure, Outcome};
use dapr_blocks::config::{ReadError, Source};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// What is used where there is no configuration file.
const DEFAULT: &str = include_str!("../../../components.toml");

/// The file that is used without being named.
pub(crate) const DEFAULT_FILE: &str = "components.toml";

/// What messages call it, with the lines of that text.
const DEFAULT_NAME: &str = "the built-in configuration";

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    BuiltIn,
    /// A file, as the user named it.
    File(String),
}

impl Origin {
    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::BuiltIn => DEFAULT_NAME,
            Self::File(name) => name,
        }
    }

    /// The file's name, if it is one.
    pub(crate) fn file(&self) -> Option<&str> {
        match self {
            Self::BuiltIn => None,
            Self::File(name) => Some(name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => write!(f, "built in, since there is no ./{DEFAULT_FILE}"),
            Self::File(name) => f.write_str(name),
        }
    }
}

/// The configuration that is named, the one that lies here, or what is built in.
///
/// # Errors
///
/// There is none of this name, or it cannot be read.
pub(crate) fn source(named: Option<&Path>) -> Outcome<(Origin, Source)> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let error = match Source::read(path) {
        Ok(source) => return Ok((Origin::File(source.name().to_owned()), source)),
        Err(error) => error,
    };
    match &error {
        ReadError::Io { source, .. } if source.kind() == ErrorKind::NotFound => match named {
            None => Ok((Origin::BuiltIn, Source::new(DEFAULT_NAME, "", DEFAULT))),
            Some(path) => Err(
                Failure::usage(format!("there is no file `{}`", path.display())).help(format!(
                    "--components names the configuration; without it ./{DEFAULT_FILE} is used, if it is there"
                )),
            ),
        },
        _ => Err(Failure::usage(&error).caused(&error)),
    }
}
