//! Dapr's names for a component: `state.postgresql`, or `state.postgresql/v2` in one of several versions.

use dapr_blocks::config::{ComponentVersion, FromText, KnownType, Vendors};
use dapr_components::BuiltIn;
use dapr_runtime::needs::Block;
use std::fmt;

/// The building blocks whose components are built: what Dapr's names of them begin with, and what one is called.
const BLOCKS: [(&str, Block); 2] = [("secretstores", Block::Secrets), ("state", Block::State)];

/// The building block of a name of Dapr's, and the name without it; none if it begins with none.
pub(crate) fn block_of(kind: &str) -> Option<(Block, &str)> {
    let (prefix, short) = kind.split_once('.')?;
    let (_, block) = BLOCKS.iter().find(|(known, _)| *known == prefix)?;
    Some((*block, short))
}

static BUILT_IN: BuiltIn = BuiltIn;

/// The types that are built in, by Dapr's names.
pub(crate) fn built_in() -> Vec<Name> {
    let of = |block: Block| match block {
        Block::Secrets => BUILT_IN.secret_types(),
        _ => BUILT_IN.state_types(),
    };
    let names = BLOCKS.iter().flat_map(|(prefix, block)| {
        let name = move |(short, version): KnownType<'_>| Name {
            kind: format!("{prefix}.{short}"),
            version,
        };
        of(*block).into_iter().map(name)
    });
    names.collect()
}

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
        block_of(&self.kind).map_or(self.kind.as_str(), |(_, short)| short)
    }

    /// Its building block. One that is not known is taken for state.
    pub(crate) fn block(&self) -> Block {
        block_of(&self.kind).map_or(Block::State, |(block, _)| block)
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

    #[test]
    fn a_type_is_without_its_building_block() {
        let vault = name("secretstores.hashicorp.vault", "v1");
        assert_eq!((vault.short(), vault.block()), ("hashicorp.vault", Block::Secrets));
        let etcd = name("state.etcd", "v2");
        assert_eq!((etcd.short(), etcd.block()), ("etcd", Block::State));
        assert_eq!(block_of("redis"), None);
        assert_eq!(block_of("pubsub.redis"), None);
    }

    #[test]
    fn what_is_built_in_has_daprs_names() {
        let names = built_in();
        assert!(names.contains(&name("secretstores.local.env", "v1")));
        #[cfg(feature = "state-sqlite")]
        assert!(names.contains(&name("state.sqlite", "v1")));
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
