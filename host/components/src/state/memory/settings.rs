//! The settings of `state.in-memory`.

use dapr_blocks::config::{ByteSize, ConfigErrors, Table};
use std::fmt;

/// The settings of `state.in-memory`. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemorySettings {
    /// `maxSize`, a size: what all items may take together, keys and bookkeeping included. Default: `"256MiB"`.
    pub max_size: ByteSize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            max_size: ByteSize::mib(256),
        }
    }
}

impl MemorySettings {
    /// Reads the store's keys of a table.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let max_size = table.take("maxSize");
        table.finish()?;
        let default = Self::default();
        Ok(Self {
            max_size: max_size?.unwrap_or(default.max_size),
        })
    }
}

/// Where the store keeps items.
impl fmt::Display for MemorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory, lost at exit")
    }
}
