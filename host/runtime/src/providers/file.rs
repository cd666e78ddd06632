//! What a file is: a component that exports a building block's `provider` or its serve-loop form, or a plugin of the go-plugin
//! ABI, which is a state store.

use super::{logging, sections};
use crate::needs::{Block, SECRETS_VERSION, STATE_VERSION, WASI_0_2, is_wasi};
use crate::shape::{ExternName, Shape};
use crate::source::{self, SourceError};
use semver::Version;
use std::borrow::Cow;

/// The interfaces of a building block's providers.
struct Interfaces {
    /// What those export whose functions the host calls.
    called: &'static str,
    /// What those export that take their calls themselves.
    looped: &'static str,
    /// What those of either form may import of Dapr's: types, and their own requests.
    own: [&'static str; 3],
    version: Version,
}

static STATE: Interfaces = Interfaces {
    called: "dapr:state/provider",
    looped: "dapr:state/provider-loop",
    own: [
        "dapr:state/types",
        "dapr:state/provider-types",
        "dapr:state/provider-requests",
    ],
    version: STATE_VERSION,
};

static SECRETS: Interfaces = Interfaces {
    called: "dapr:secrets/provider",
    looped: "dapr:secrets/provider-loop",
    own: [
        "dapr:secrets/types",
        "dapr:secrets/provider-types",
        "dapr:secrets/provider-requests",
    ],
    version: SECRETS_VERSION,
};

impl Interfaces {
    fn of(block: Block) -> &'static Self {
        match block {
            Block::State => &STATE,
            Block::Secrets => &SECRETS,
        }
    }

    fn is_called(&self, shape: &Shape) -> bool {
        shape.exports(self.called, &self.version)
    }

    fn is_looped(&self, shape: &Shape) -> bool {
        shape.exports(self.looped, &self.version)
    }
}

/// What components export that say which settings they have.
const DESCRIPTION: &str = "dapr:component/description";

/// The version of that in this host.
const DESCRIPTION_VERSION: Version = Version::new(0, 1, 0);

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
        /// What it is for.
        block: Block,
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
    #[error("it exports neither {called} nor {looped}")]
    NoProvider {
        /// What one exports that is called.
        called: String,
        /// What one exports that takes its calls itself.
        looped: String,
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
    /// What the bytes of a file for a building block are. The [`sections`] at its end that say what the component is are no part of it.
    ///
    /// # Errors
    ///
    /// [`FileError`], by what is wrong with them.
    pub fn read(bytes: &'a [u8], block: Block) -> Result<Self, FileError> {
        let bytes = sections::bare(bytes);
        if block == Block::State
            && let Some(plugin) = Self::plugin(bytes)?
        {
            return Ok(plugin);
        }
        Self::component(source::component(bytes)?, block)
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

    /// The provider of this building block that a component is.
    ///
    /// # Errors
    ///
    /// [`FileError`] if it is none.
    pub fn component(bytes: Cow<'a, [u8]>, block: Block) -> Result<Self, FileError> {
        let (shape, interfaces) = (Shape::of(&bytes)?, Interfaces::of(block));
        if !interfaces.is_called(&shape) && !interfaces.is_looped(&shape) {
            let version = &interfaces.version;
            return Err(FileError::NoProvider {
                called: format!("{}@{version}", interfaces.called),
                looped: format!("{}@{version}", interfaces.looped),
                exports: shape.exports.iter().map(ExternName::to_string).collect(),
            });
        }
        let refused = shape
            .imports
            .iter()
            .filter_map(|name| Some((name.to_string(), refusal(name, interfaces)?)));
        let imports: Vec<_> = refused.collect();
        match imports.is_empty() {
            true => Ok(Self::Component { bytes, shape, block }),
            false => Err(FileError::Refused { imports }),
        }
    }

    /// Whether it takes its calls itself. A component that has both forms is served in this one.
    pub fn takes_requests(&self) -> bool {
        match self {
            Self::Component { shape, block, .. } => Interfaces::of(*block).is_looped(shape),
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
fn refusal(name: &ExternName, interfaces: &Interfaces) -> Option<&'static str> {
    let Some(interface) = name.interface() else {
        return Some("no such capability in this host");
    };
    let is_own = interfaces.own.iter().any(|own| interface.is(own, &interfaces.version));
    if is_own || logging::is(interface) || is_wasi(interface, &WASI_0_2) {
        return None;
    }
    Some(match interface.package.split(':').next() {
        Some("dapr") => "a store cannot use another Dapr component",
        Some("wasi") => "stores are of WASI 0.2",
        _ => "no such capability in this host",
    })
}
