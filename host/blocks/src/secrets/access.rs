//! Which secrets of a store an app may read: Dapr's secret scopes.

use std::collections::BTreeSet;

/// Which secrets of a store an app may read.
///
/// | | it may read |
/// |---|---|
/// | with secrets that are allowed | those, and no others |
/// | else | all but those that are denied, if [`DefaultAccess::Allow`] |
/// | | none, if [`DefaultAccess::Deny`] |
///
/// Dapr's order: with `defaultAccess = "deny"` and `deniedSecrets`, what is not in the list is still denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretAccess {
    /// What holds for a secret that is in neither list.
    pub default: DefaultAccess,
    /// Where there is one, the whole rule.
    pub allowed: BTreeSet<String>,
    /// Secrets that it may not read.
    pub denied: BTreeSet<String>,
}

/// What holds for a secret that no list names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultAccess {
    /// It may be read.
    #[default]
    Allow,
    /// It may not.
    Deny,
}

impl SecretAccess {
    /// Whether the app may read the secret of this name.
    pub fn allows(&self, name: &str) -> bool {
        if !self.allowed.is_empty() {
            return self.allowed.contains(name);
        }
        !self.denied.contains(name) && self.default == DefaultAccess::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(default: DefaultAccess, allowed: &[&str], denied: &[&str]) -> [bool; 3] {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let access = SecretAccess {
            default,
            allowed: set(allowed),
            denied: set(denied),
        };
        ["a", "b", "c"].map(|name| access.allows(name))
    }

    #[test]
    fn the_rules_are_daprs() {
        use DefaultAccess::{Allow, Deny};
        assert_eq!(allows(Allow, &[], &[]), [true, true, true]);
        assert_eq!(allows(Deny, &[], &[]), [false, false, false]);
        assert_eq!(allows(Allow, &["a"], &[]), [true, false, false]);
        assert_eq!(allows(Deny, &["a"], &[]), [true, false, false]);
        assert_eq!(allows(Allow, &["a", "b"], &["a"]), [true, true, false]);
        assert_eq!(allows(Allow, &[], &["a"]), [false, true, true]);
        assert_eq!(allows(Deny, &[], &["a"]), [false, false, false]);
        assert_eq!(allows(Allow, &["A"], &[]), [false, false, false]);
    }
}
