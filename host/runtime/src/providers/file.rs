//! What a file is: a component that exports `dapr:state/provider`, or a plugin of the go-plugin ABI.

use crate::needs::{STATE_VERSION, WASI_0_2, is_wasi};
use crate::shape::{ExternName, Shape};
use crate::source::{self, SourceError};
use std::borrow::Cow;

/// What all providers export.
pub const EXPORT: &str = "dapr:state/provider";

/// The export by which a plugin is known.
const PLUGIN: &str = "store_api_version";

/// What a file is, in the form in which it is compiled.
#[derive(Clone, Debug)]
pub enum ProviderFile<'a> {
    /// A component, as it is or made from a core module.
    Component {
        /// The component.
        bytes: Cow<'a, [u8]>,
        /// What it imports and exports.
        shape: Shape,
    },
    /// A plugin: a core module of WASI preview 1.
    Plugin {
        /// The module.
        bytes: &'a [u8],
    },
}

/// Bytes that are no provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// They are no component, and cannot be made one.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A component whose imports and exports do not parse.
    #[error("it does not parse")]
    Shape(#[from] wasmparser::BinaryReaderError),
    /// A component of another world.
    #[error("it does not export {EXPORT}@{STATE_VERSION}")]
    NoProvider {
        /// What it exports.
        exports: Vec<String>,
    },
    /// A component that needs what providers do not get.
    #[error("it imports what a store does not get")]
    Refused {
        /// Each such import, with why.
        imports: Vec<(String, &'static str)>,
    },
    /// A plugin that needs more than WASI preview 1.
    #[error("it is a plugin that imports functions which are not WASI's")]
    NotWasi {
        /// The functions: `env.log`.
        imports: Vec<String>,
    },
}

impl<'a> ProviderFile<'a> {
    /// What the bytes of a file are.
    ///
    /// # Errors
    ///
    /// [`FileError`], by what is wrong with them.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FileError> {
        if source::is_module_with(bytes, PLUGIN)? {
            let imports = source::imports_beyond_wasi(bytes);
            return match imports.is_empty() {
                true => Ok(Self::Plugin { bytes }),
                false => Err(FileError::NotWasi { imports }),
            };
        }
        let bytes = source::component(bytes)?;
        let shape = Shape::of(&bytes)?;
        if !shape.exports(EXPORT, &STATE_VERSION) {
            let exports = shape.exports.iter().map(ExternName::to_string).collect();
            return Err(FileError::NoProvider { exports });
        }
        let refused = shape
            .imports
            .iter()
            .filter_map(|name| Some((name.to_string(), refusal(name)?)));
        let imports: Vec<_> = refused.collect();
        match imports.is_empty() {
            true => Ok(Self::Component { bytes, shape }),
            false => Err(FileError::Refused { imports }),
        }
    }

    /// What is compiled.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Component { bytes, .. } => bytes,
            Self::Plugin { bytes } => bytes,
        }
    }
}

/// Why a provider does not get an import; none if it does.
fn refusal(name: &ExternName) -> Option<&'static str> {
    let Some(interface) = name.interface() else {
        return Some("no such capability in this host");
    };
    if interface.is("dapr:state/types", &STATE_VERSION) || is_wasi(interface, &WASI_0_2) {
        return None;
    }
    Some(match interface.package.split(':').next() {
        Some("dapr") => "a store cannot use another Dapr component",
        Some("wasi") => "stores are of WASI 0.2",
        _ => "no such capability in this host",
    })
}
