//! Names of keys, and the prefixes that keep apps apart in one store.
//!
//! Dapr joins prefix and key with `||` and forbids it in keys, so that one app cannot name another's items (Dapr:
//! `pkg/components/state/state_config.go`). The stored spelling is daprd's, so that both find each other's items:
//!
//! | `keyPrefix` | stored key |
//! |---|---|
//! | `appid` (default) | `APPID\|\|key` |
//! | `name` | `STORENAME\|\|key` |
//! | `namespace` | `NAMESPACE.APPID\|\|key`, or as `appid` where the host has no namespace |
//! | `none` | `key` |
//! | anything else | `VALUE\|\|key`, the value in lower case |

use super::{Limits, Listing, StateError};
use crate::config::{NameError, Namespace};
use std::fmt;
use std::str::FromStr;

/// What stands between prefix and key, and in neither of them.
pub(super) const SEPARATOR: &str = "||";

/// The `keyPrefix` of a store's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyPrefix {
    /// Each app has its own keys.
    #[default]
    AppId,
    /// All apps share the keys of a store of this name.
    Name,
    /// Each app of each namespace has its own keys.
    Namespace,
    /// All apps share all keys, whatever the store is called.
    None,
    /// All users of this prefix share keys.
    Literal(String),
}

/// A text of the user's own is held to the rules of names, since it takes the place of one.
impl FromStr for KeyPrefix {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = lower(text);
        match text.as_str() {
            "appid" | "" => Ok(Self::AppId),
            "name" => Ok(Self::Name),
            "namespace" => Ok(Self::Namespace),
            "none" => Ok(Self::None),
            _ => NameError::check(&text).map(|()| Self::Literal(text)),
        }
    }
}

/// As Go's `strings.ToLower`, since daprd must make the same of it: each character becomes one. Rust's own makes two of
/// `İ`, and looks at a word's end for `Σ`.
fn lower(text: &str) -> String {
    text.chars().filter_map(|c| c.to_lowercase().next()).collect()
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppId => "appid",
            Self::Name => "name",
            Self::Namespace => "namespace",
            Self::None => "none",
            Self::Literal(literal) => literal,
        })
    }
}

impl KeyPrefix {
    /// The prefix of one app's keys in one store. `namespace` is the host's, none outside Kubernetes.
    pub fn resolve(&self, app_id: &str, store: &str, namespace: Option<&Namespace>) -> Prefix {
        let owner = match self {
            Self::AppId => app_id.to_owned(),
            Self::Name => store.to_owned(),
            Self::Namespace => match namespace {
                Some(namespace) => format!("{namespace}.{app_id}"),
                None => app_id.to_owned(),
            },
            Self::None => return Prefix(String::new()),
            Self::Literal(literal) => literal.clone(),
        };
        Prefix(format!("{owner}{SEPARATOR}"))
    }
}

/// What an app's keys begin with in the store: empty, or ending in `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The stored key of an app's key.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if the key is empty or contains `||` or NUL (which PostgreSQL's text cannot hold);
    /// [`StateError::TooLarge`] if it exceeds [`Limits::key`].
    pub fn key(&self, key: &str, limits: &Limits) -> Result<Key, StateError> {
        if key.is_empty() {
            return Err(StateError::Invalid("the key is empty".to_owned()));
        }
        self.join(key, "key", limits).map(Key)
    }

    /// The first page of a listing of the app's keys that begin with `prefix`.
    ///
    /// # Errors
    ///
    /// As [`Prefix::key`], but an empty prefix selects all of the app's keys.
    pub fn listing(&self, prefix: &str, limits: &Limits) -> Result<Listing, StateError> {
        let stored = self.join(prefix, "prefix", limits)?;
        Ok(Listing::new(self.clone(), stored, limits.key))
    }

    /// The app's name for a stored key. None if it has none: the key is another's, or one that [`Prefix::key`] refuses.
    /// Actors and workflows keep `APPID||TYPE||ID||KEY` in the same store, and daprd takes longer keys.
    pub fn strip<'a>(&self, stored: &'a str, max_bytes: usize) -> Option<&'a str> {
        let key = stored.strip_prefix(&self.0)?;
        (!key.is_empty() && key.len() <= max_bytes && !is_forbidden(key)).then_some(key)
    }

    /// Where keys go on, in the order of their bytes, behind all those that [`Prefix::key`] refuses for what it refuses this
    /// one for: behind `APPID||TYPE||ID||KEY` all of this type, since all that begins with `APPID||TYPE||` is refused. None
    /// if that is this key alone, or none of the app's.
    pub(super) fn past(&self, refused: &str, max_bytes: usize) -> Option<String> {
        let key = refused.strip_prefix(&self.0)?;
        let separator = key.find(SEPARATOR).map(|start| start + SEPARATOR.len());
        let nul = key.find('\0').map(|start| start + 1);
        // A character on the limit counts in full: what begins with it is too long, as all that goes on behind it.
        let limit = (max_bytes..=key.len()).find(|end| key.is_char_boundary(*end));
        let limit = limit.filter(|_| key.len() > max_bytes);
        let refused_for = [separator, nul, limit].into_iter().flatten().min()?;
        behind(&refused[..self.0.len() + refused_for])
    }

    fn join(&self, key: &str, what: &str, limits: &Limits) -> Result<String, StateError> {
        if key.len() > limits.key {
            let (len, max) = (key.len(), limits.key);
            return Err(StateError::TooLarge(format!(
                "the {what} has {len} bytes, more than the {max} allowed"
            )));
        }
        if is_forbidden(key) {
            let key = key.escape_debug();
            return Err(StateError::Invalid(format!(
                "the {what} `{key}` contains `||` or a NUL character"
            )));
        }
        Ok(format!("{}{key}", self.0))
    }
}

fn is_forbidden(key: &str) -> bool {
    key.contains(SEPARATOR) || key.contains('\0')
}

/// The least text behind all that begin with this one. None if nothing is behind them.
fn behind(text: &str) -> Option<String> {
    let mut ends = text.char_indices().rev();
    ends.find_map(|(end, last)| Some(format!("{}{}", &text[..end], (last..=char::MAX).nth(1)?)))
}

/// A key as the store has it: valid, and with its app's prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The stored spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stored spelling, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse::<KeyPrefix>()
            .unwrap()
            .resolve("orders", "statestore", Some(&"prod".parse().unwrap()))
    }

    fn stored(prefix: &Prefix, key: &str) -> String {
        prefix.key(key, &Limits::default()).unwrap().into_string()
    }

    #[test]
    fn stored_keys_are_spelled_as_daprd_spells_them() {
        assert_eq!(stored(&prefix("appid"), "k"), "orders||k");
        assert_eq!(stored(&prefix("NAME"), "k"), "statestore||k");
        assert_eq!(stored(&prefix("namespace"), "k"), "prod.orders||k");
        assert_eq!(
            stored(&KeyPrefix::Namespace.resolve("orders", "s", None), "k"),
            "orders||k"
        );
        assert_eq!(stored(&prefix("none"), "k"), "k");
        assert_eq!(stored(&prefix("Shared"), "k"), "shared||k");
    }

    #[test]
    fn a_prefix_of_ones_own_is_held_to_the_rules_of_names() {
        for (text, error) in [
            ("a||b", NameError::Separator),
            ("a|", NameError::TrailingBar),
            ("a\0", NameError::Control('\0')),
            ("a\nb", NameError::Control('\n')),
            (&"a".repeat(254), NameError::TooLong(254)),
        ] {
            assert_eq!(text.parse::<KeyPrefix>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_lower_case_as_go_makes_it() {
        assert_eq!(stored(&prefix("ÄÖ"), "k"), "äö||k");
        assert_eq!(stored(&prefix("İ"), "k"), "i||k");
        assert_eq!(stored(&prefix("ΟΔΟΣ"), "k"), "οδοσ||k");
    }

    #[test]
    fn keys_that_could_name_anothers_items_are_refused() {
        for key in ["", "a||b", "||", "a\0b"] {
            let error = prefix("appid").key(key, &Limits::default()).unwrap_err();
            assert_eq!(error.case(), "invalid", "{key:?}");
        }
    }

    #[test]
    fn a_key_of_the_limit_is_taken_and_one_more_byte_is_not() {
        let limits = Limits::default();
        assert!(prefix("appid").key(&"k".repeat(limits.key), &limits).is_ok());
        assert_eq!(
            prefix("appid")
                .key(&"k".repeat(limits.key + 1), &limits)
                .unwrap_err()
                .case(),
            "too-large"
        );
    }

    fn named<'a>(keys: &str, stored: &'a str) -> Option<&'a str> {
        prefix(keys).strip(stored, Limits::default().key)
    }

    #[test]
    fn anothers_keys_and_actor_state_have_no_name_in_the_app() {
        assert_eq!(named("appid", "orders||k"), Some("k"));
        assert_eq!(named("appid", "other||k"), None);
        assert_eq!(named("appid", "orders||Type||id||k"), None);
        assert_eq!(named("none", "other||k"), None);
        assert_eq!(named("none", "k"), Some("k"));
    }

    #[test]
    fn behind_a_refused_key_are_no_more_that_are_refused_for_the_same() {
        let past = |keys: &str, stored: &str| prefix(keys).past(stored, 6);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(past("appid", "orders||Type||id||k"), some("orders||Type|}"));
        assert_eq!(past("appid", "orders||a|||"), some("orders||a|}"));
        assert_eq!(past("none", "one||k"), some("one|}"));
        assert_eq!(past("appid", "orders||a\0b||c"), some("orders||a\u{1}"));
        assert_eq!(past("appid", "orders||abcdefg"), some("orders||abcdeg"));
        assert_eq!(past("appid", "orders||abcdeé"), some("orders||abcdeê"));
        assert_eq!(past("appid", "orders||abcde\u{d7ff}"), some("orders||abcde\u{e000}"));
        assert_eq!(past("none", "abcde\u{10ffff}"), some("abcdf"));
        assert_eq!(past("none", "\u{10ffff}\u{10ffff}"), None);
        for alone in ["orders||", "orders||abcdef", "other||k"] {
            assert_eq!(past("appid", alone), None, "{alone}");
        }
    }

    #[test]
    fn a_stored_key_has_a_name_where_the_app_could_have_written_it() {
        let longest = "k".repeat(Limits::default().key);
        for key in ["", "k", "a\0b", "a||b", "|", &longest, &format!("{longest}k")] {
            let could_be_written = prefix("appid").key(key, &Limits::default()).is_ok();
            let stored = format!("orders||{key}");
            assert_eq!(named("appid", &stored).is_some(), could_be_written, "{key:?}");
        }
    }
}
