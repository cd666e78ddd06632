//! The building blocks whose components are built, and what differs between them.

/// A building block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// What Dapr's names of its components begin with, and its package in components-contrib.
    pub(crate) name: &'static str,
    /// What its components are, in Go.
    pub(crate) interface: &'static str,
    /// The folder of `go/glue` with what stands between that and the contract.
    pub(crate) glue: &'static str,
}

pub(crate) const STATE: Block = Block {
    name: "state",
    interface: "state.Store",
    glue: "state",
};

pub(crate) const SECRETS: Block = Block {
    name: "secretstores",
    interface: "secretstores.SecretStore",
    glue: "secrets",
};

/// All of them.
pub(crate) const ALL: [Block; 2] = [SECRETS, STATE];

impl Block {
    /// The building block of a component's name: that of `state.redis` is state.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (block, _) = name.split_once('.')?;
        ALL.into_iter().find(|known| known.name == block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::GO;

    #[test]
    fn a_name_begins_with_its_building_block() {
        assert_eq!(Block::of("state.redis"), Some(STATE));
        assert_eq!(Block::of("secretstores.hashicorp.vault"), Some(SECRETS));
        for other in ["redis", "state", "pubsub.redis", ""] {
            assert_eq!(Block::of(other), None, "{other}");
        }
    }

    #[test]
    fn each_has_its_glue() {
        for block in ALL {
            let world = format!("glue/{}/world.wit", block.glue);
            assert!(GO.get_file(&world).is_some(), "{world}");
        }
    }
}
