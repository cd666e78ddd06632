//! `allow-private`: which names may lead to private addresses, those of networks that are not the internet.
//!
//! What a name of the internet leads to is for whoever runs its servers to say, who may be anybody. A name that the internet
//! does not have leads where the operator's own network says.

use super::error::ConfigErrors;
use super::table::Table;

/// Which names may lead to private addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// Those that the internet does not have: of one label, or below `.internal`, `.local` and `.home.arpa`.
    #[default]
    OfTheirNetwork,
    /// All that are listed.
    OfAnyName,
}

/// What is set aside for names of networks: by ICANN, RFC 6762 and RFC 8375.
const OF_A_NETWORK: [&str; 3] = ["internal", "local", "home.arpa"];

impl PrivateAddresses {
    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        Ok(match table.take::<bool>("allow-private")? {
            Some(true) => Self::OfAnyName,
            Some(false) | None => Self::OfTheirNetwork,
        })
    }

    /// Whether a name may lead to them, in lower case and without the dot of the root.
    pub(super) fn may_have(self, name: &str) -> bool {
        let is_below = |parent: &str| name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
        match self {
            Self::OfAnyName => true,
            Self::OfTheirNetwork => !name.contains('.') || OF_A_NETWORK.into_iter().any(is_below),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    #[test]
    fn names_that_the_internet_does_not_have_may_be_private_and_others_if_it_is_said() {
        let (default, any) = (PrivateAddresses::default(), PrivateAddresses::OfAnyName);
        for name in [
            "redis",
            "localhost",
            "db.internal",
            "a.svc.cluster.local",
            "nas.home.arpa",
        ] {
            assert!(default.may_have(name), "{name}");
        }
        for name in [
            "api.example.com",
            "internal.example.com",
            "evil-internal.com",
            "a.xinternal",
            "a.arpa",
        ] {
            assert!(!default.may_have(name) && any.may_have(name), "{name}");
        }
    }

    #[test]
    fn it_is_off_unless_it_is_said() {
        for (text, read) in [
            ("", PrivateAddresses::OfTheirNetwork),
            ("allow-private = false", PrivateAddresses::OfTheirNetwork),
            ("allow-private = true", PrivateAddresses::OfAnyName),
        ] {
            assert_eq!(table(text).read(PrivateAddresses::read).unwrap(), read, "{text}");
        }
    }
}
