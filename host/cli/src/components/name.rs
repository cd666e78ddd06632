//! Dapr's names for a component: `state.postgresql`, or `state.postgresql/v2` in one of several versions.

use dapr_blocks::config::{ComponentVersion, FromText};
use std::fmt;

/// What Dapr's names of state stores begin with, the one building block whose components are built so far.
pub(crate) const STATE: &str = "state.";

/// The name of a component as Dapr writes it, in one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// `state.postgresql`
    pub(crate) kind: String,
    pub(crate) version: ComponentVersion,
}

impl Name {
    /// From Dapr's type and version; none if the version is not `v` and a number.
    pub(crate) fn new(kind: impl Into<String>, version: &str) -> Option<Self> {
        Some(Self {
            kind: kind.into(),
            version: ComponentVersion::from_text(version).ok()?,
        })
    }

    /// The type without its building block.
    pub(crate) fn short(&self) -> &str {
        self.kind.strip_prefix(STATE).unwrap_or(&self.kind)
    }

    /// The file that it is installed as.
    pub(crate) fn file(&self) -> String {
        match self.version {
            ComponentVersion::V1 => format!("{}.wasm", self.kind),
            version => format!("{}.{version}.wasm", self.kind),
        }
    }

    /// Where the licences of what is linked into it are, beside that.
    pub(crate) fn licences(&self) -> String {
        format!("{}.licences.txt", self.file().trim_end_matches(".wasm"))
    }

    /// What commands call it: without a version where there is one alone.
    pub(crate) fn argument(&self) -> String {
        match known().iter().filter(|known| known.kind == self.kind).count() > 1 {
            true => format!("{}/{}", self.kind, self.version),
            false => self.kind.clone(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.version)
    }
}

/// The components of Dapr's that this host can build.
pub(crate) fn known() -> Vec<Name> {
    #[cfg(feature = "go-components")]
    let known = dapr_go_components::known()
        .iter()
        .filter_map(|known| Name::new(known.name, known.version))
        .collect();
    #[cfg(not(feature = "go-components"))]
    let known = Vec::new();
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: &str, version: &str) -> Name {
        Name::new(kind, version).unwrap()
    }

    #[test]
    fn the_first_version_is_not_in_the_name_of_a_file() {
        assert_eq!(name("state.mongodb", "v1").file(), "state.mongodb.wasm");
        assert_eq!(name("state.postgresql", "v2").file(), "state.postgresql.v2.wasm");
        assert_eq!(
            name("state.postgresql", "v2").licences(),
            "state.postgresql.v2.licences.txt"
        );
    }

    #[cfg(feature = "go-components")]
    #[test]
    fn a_version_is_said_where_there_are_several() {
        assert_eq!(name("state.mongodb", "v1").argument(), "state.mongodb");
        assert_eq!(name("state.postgresql", "v1").argument(), "state.postgresql/v1");
    }

    #[cfg(feature = "go-components")]
    #[test]
    fn all_that_can_be_built_has_a_name_in_a_version() {
        assert_eq!(known().len(), dapr_go_components::known().len());
    }
}
