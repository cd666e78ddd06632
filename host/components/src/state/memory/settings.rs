//! The settings of `state.in-memory`.

use crate::state::max_size;
use dapr_blocks::config::{ByteSize, ConfigErrors, Table};
use std::fmt;

/// The settings of `state.in-memory`. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemorySettings {
    /// `maxSize`, a size of at least 64 KiB: what all items may take together, keys and bookkeeping included. Default: `"256MiB"`.
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
        let max_size = table.take_checked("maxSize", max_size::check);
        table.finish()?;
        let default = Self::default();
        Ok(Self {
            max_size: max_size?.unwrap_or(default.max_size),
        })
    }
}

/// Where the store keeps items, and how much.
impl fmt::Display for MemorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory, at most {}, lost at exit", self.max_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::config::{Environment, Source};

    fn read(text: &str) -> Result<MemorySettings, ConfigErrors> {
        let source = Source::new("components.toml", "/conf", text);
        Table::parse(source, Environment::default())
            .unwrap()
            .read(MemorySettings::read)
    }

    #[test]
    fn a_size_that_nothing_fits_into_is_refused() {
        for text in ["maxSize = 0", "maxSize = '63KiB'"] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.contains("it must be at least 64KiB"), "{problem}");
        }
        assert_eq!(read("maxSize = '64KiB'").unwrap().max_size, ByteSize::kib(64));
    }
}
