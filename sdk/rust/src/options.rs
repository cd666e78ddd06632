//! How to read, write and delete: nothing has to be said, and what is said reads as a sentence.

use crate::bindings::dapr::state::types;

/// How much a read or write must agree with others: a hint, which a store of one consistency ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// A read may be stale; a write is acknowledged by one replica.
    Eventual,
    /// A read sees every acknowledged write; a write is acknowledged by all replicas or a quorum.
    Strong,
}

impl From<Consistency> for types::Consistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::Eventual => Self::Eventual,
            Consistency::Strong => Self::Strong,
        }
    }
}

/// How to read.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GetOptions {
    consistency: Option<Consistency>,
    metadata: Vec<(String, String)>,
}

/// How to write.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SetOptions {
    condition: Condition,
    ttl: Option<u32>,
    content_type: Option<String>,
    consistency: Option<Consistency>,
    metadata: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default)]
enum Condition {
    #[default]
    Any,
    Absent,
    Matches(String),
}

/// How to delete.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeleteOptions {
    etag: Option<String>,
    consistency: Option<Consistency>,
    metadata: Vec<(String, String)>,
}

/// What all of them have.
macro_rules! in_common {
    ($($options:ty),+) => {
        $(
            impl $options {
                /// Nothing is asked for.
                pub fn new() -> Self {
                    Self::default()
                }

                /// With this consistency.
                pub fn consistency(self, consistency: Consistency) -> Self {
                    Self { consistency: Some(consistency), ..self }
                }

                /// With a name and value for the store, as they are.
                pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                    self.metadata.push((name.into(), value.into()));
                    self
                }
            }
        )+
    };
}

in_common!(GetOptions, SetOptions, DeleteOptions);

impl SetOptions {
    /// Write only if there is no item.
    pub fn if_absent(self) -> Self {
        Self {
            condition: Condition::Absent,
            ..self
        }
    }

    /// Write only if the item has this etag.
    pub fn if_match(self, etag: impl Into<String>) -> Self {
        Self {
            condition: Condition::Matches(etag.into()),
            ..self
        }
    }

    /// The item ends after so many seconds. `None`, as without: it does not end.
    pub fn ttl(self, seconds: impl Into<Option<u32>>) -> Self {
        Self {
            ttl: seconds.into(),
            ..self
        }
    }

    /// What the value is. JSON says so by itself.
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self {
            content_type: Some(content_type.into()),
            ..self
        }
    }

    pub(crate) fn or_content_type(self, content_type: &str) -> Self {
        let content_type = self.content_type.or_else(|| Some(content_type.to_owned()));
        Self { content_type, ..self }
    }
}

impl DeleteOptions {
    /// Delete only if the item has this etag.
    pub fn if_match(self, etag: impl Into<String>) -> Self {
        Self {
            etag: Some(etag.into()),
            ..self
        }
    }
}

impl From<GetOptions> for types::GetOptions {
    fn from(options: GetOptions) -> Self {
        Self {
            consistency: options.consistency.map(Into::into),
            metadata: options.metadata,
        }
    }
}

impl From<SetOptions> for types::SetOptions {
    fn from(options: SetOptions) -> Self {
        Self {
            condition: match options.condition {
                Condition::Any => types::Condition::Any,
                Condition::Absent => types::Condition::Absent,
                Condition::Matches(etag) => types::Condition::Matches(etag),
            },
            ttl: options.ttl,
            content_type: options.content_type,
            consistency: options.consistency.map(Into::into),
            metadata: options.metadata,
        }
    }
}

impl From<DeleteOptions> for types::DeleteOptions {
    fn from(options: DeleteOptions) -> Self {
        Self {
            etag: options.etag,
            consistency: options.consistency.map(Into::into),
            metadata: options.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_say_nothing_write_without_condition_for_good() {
        let options = types::SetOptions::from(SetOptions::new());
        assert!(matches!(options.condition, types::Condition::Any));
        assert!(options.ttl.is_none() && options.content_type.is_none() && options.metadata.is_empty());
    }

    #[test]
    fn the_last_condition_counts() {
        let options = types::SetOptions::from(SetOptions::new().if_absent().if_match("7").ttl(5));
        assert!(matches!(options.condition, types::Condition::Matches(etag) if etag == "7"));
        assert_eq!(options.ttl, Some(5));
    }

    #[test]
    fn a_content_type_that_was_said_stays() {
        let said = SetOptions::new()
            .content_type("text/plain")
            .or_content_type("application/json");
        assert_eq!(said.content_type.as_deref(), Some("text/plain"));
        let unsaid = SetOptions::new().or_content_type("application/json");
        assert_eq!(unsaid.content_type.as_deref(), Some("application/json"));
    }
}
