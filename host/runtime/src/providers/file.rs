//! What a file is: a component that exports `dapr:state/provider` or its serve-loop form, or a plugin of the go-plugin ABI.

use super::{logging, sections};
use crate::needs::{STATE_VERSION, WASI_0_2, is_wasi};
use crate::shape::{ExternName, Shape};
use crate::source::{self, SourceError};
use semver::Version;
use std::borrow::Cow;

/// What providers export whose functions the host calls.
pub const EXPORT: &str = "dapr:state/provider";

/// What providers export that take their calls themselves.
pub const LOOP: &str = "dapr:state/provider-loop";

/// What components export that say which settings they have.
const DESCRIPTION: &str = "dapr:component/description";

/// The version of that in this host.
const DESCRIPTION_VERSION: Version = Version::new(0, 1, 0);

/// What providers of either form may import of Dapr's: types, and their own requests.
const OWN: [&str; 3] = [
    "dapr:state/types",
    "dapr:state/provider-types",
    "dapr:state/provider-requests",
];

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
    #[error("it exports neither {EXPORT}@{STATE_VERSION} nor {LOOP}@{STATE_VERSION}")]
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
    /// What the bytes of a file are. The [`sections`] at its end that say what the component is are no part of it.
    ///
    /// # Errors
    ///
    /// [`FileError`], by what is wrong with them.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FileError> {
        let bytes = sections::bare(bytes);
        match Self::plugin(bytes)? {
            Some(plugin) => Ok(plugin),
            None => Self::component(source::component(bytes)?),
        }
    }

    /// What the bytes of a file are, if that is a plugin.
    ///
    /// # Errors
    ///
    /// [`FileError`] if they are a plugin of another host's, or no WebAssembly.
    pub fn plugin(bytes: &'a [u8]) -> Result<Option<Self>, FileError> {
        if !source::is_module_with(bytes, PLUGIN)? {
            return Ok(None);
        }
        let imports = source::imports_beyond_wasi(bytes);
        match imports.is_empty() {
            true => Ok(Some(Self::Plugin { bytes })),
            false => Err(FileError::NotWasi { imports }),
        }
    }

    /// The provider that a component is.
    ///
    /// # Errors
    ///
    /// [`FileError`] if it is none.
    pub fn component(bytes: Cow<'a, [u8]>) -> Result<Self, FileError> {
        let shape = Shape::of(&bytes)?;
        if !shape.exports(EXPORT, &STATE_VERSION) && !shape.exports(LOOP, &STATE_VERSION) {
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

    /// Whether it takes its calls itself. A component that has both forms is served in this one.
    pub fn takes_requests(&self) -> bool {
        match self {
            Self::Component { shape, .. } => shape.exports(LOOP, &STATE_VERSION),
            Self::Plugin { .. } => false,
        }
    }

    /// Whether it says which settings it has.
    pub fn describes_itself(&self) -> bool {
        match self {
            Self::Component { shape, .. } => shape.exports(DESCRIPTION, &DESCRIPTION_VERSION),
            Self::Plugin { .. } => false,
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
    let is_own = OWN.iter().any(|own| interface.is(own, &STATE_VERSION));
    if is_own || logging::is(interface) || is_wasi(interface, &WASI_0_2) {
        return None;
    }
    Some(match interface.package.split(':').next() {
        Some("dapr") => "a store cannot use another Dapr component",
        Some("wasi") => "stores are of WASI 0.2",
        _ => "no such capability in this host",
    })
}
