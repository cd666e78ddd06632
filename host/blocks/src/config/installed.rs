//! A component that is installed on this machine, as far as a configuration needs to know it.

use super::property::Property;
use std::path::PathBuf;

/// A component that stands behind a type that is not built in.
#[derive(Clone, Debug)]
pub struct InstalledComponent {
    /// The `.wasm` file.
    pub file: PathBuf,
    /// What it is, for people: `mongodb (Dapr's own, ...)`.
    pub title: String,
    /// The settings that it has; none where it does not say, and then any key is one.
    pub properties: Option<Vec<Property>>,
    /// Where its settings are listed, as a help.
    pub settings_listed: String,
}

impl InstalledComponent {
    /// The setting of this name, if the component says which it has.
    ///
    /// # Errors
    ///
    /// All names, if it has none of this name.
    pub(super) fn property(&self, name: &str) -> Result<Option<&Property>, Vec<&str>> {
        let Some(properties) = &self.properties else {
            return Ok(None);
        };
        match properties.iter().find(|property| property.is_called(name)) {
            Some(property) => Ok(Some(property)),
            None => Err(properties.iter().flat_map(Property::names).collect()),
        }
    }
}
