//! Names of tables, with or without a schema, as they may stand in a statement without quotes.

use dapr_blocks::config::FromText;
use std::fmt;

/// PostgreSQL cuts names off behind 63 bytes; `_content_type` is what this host adds at most.
const MAX: usize = 63 - "_content_type".len();

/// The name of a table, perhaps with its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// With its dot, or empty.
    schema: String,
    name: String,
}

/// What stands before `state` in the name of a table: a schema with its dot, the beginning of a name, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

/// Why a text is no name of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdentifier {
    /// It is empty, or has other characters.
    #[error(
        "a table's name is ASCII letters, digits and `_`, begins with no digit, and may have a schema and a dot in front"
    )]
    Characters,
    /// PostgreSQL would cut off what this host adds to it.
    #[error("a table's name has at most {MAX} characters")]
    Long,
}

impl Identifier {
    fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        if !schema.into_iter().chain([name]).all(is_name) {
            return Err(InvalidIdentifier::Characters);
        }
        if name.len() > MAX || schema.is_some_and(|schema| schema.len() > MAX) {
            return Err(InvalidIdentifier::Long);
        }
        Ok(Self {
            schema: schema.map(|schema| format!("{schema}.")).unwrap_or_default(),
            name: name.to_owned(),
        })
    }

    /// The table of names and values that daprd has where it is told none.
    pub(super) fn metadata() -> Self {
        Self {
            schema: String::new(),
            name: "dapr_metadata".to_owned(),
        }
    }

    /// The schema, as the server has it: a name without quotes is in lower case.
    pub(super) fn schema(&self) -> Option<String> {
        self.schema.strip_suffix('.').map(str::to_ascii_lowercase)
    }

    /// Without the schema.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Another table or index beside it.
    pub(super) fn beside(&self, ending: &str) -> Self {
        Self {
            schema: self.schema.clone(),
            name: format!("{}{ending}", self.name),
        }
    }

    /// Whether both are the same table, as far as names tell.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

/// As it stands in a statement.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.schema, self.name)
    }
}

impl Default for Identifier {
    /// `state`
    fn default() -> Self {
        Prefix::default().table()
    }
}

impl Prefix {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn table(&self) -> Identifier {
        let (schema, name) = match self.0.split_once('.') {
            Some((schema, name)) => (format!("{schema}."), name),
            None => (String::new(), self.0.as_str()),
        };
        Identifier {
            schema,
            name: format!("{name}state"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && !text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(is_part)
}

impl FromText for Identifier {
    const WHAT: &'static str = "the name of a table";
    const EXAMPLE: &'static str = "\"state\"";
    type Problem = InvalidIdentifier;

    fn from_text(text: &str) -> Result<Self, InvalidIdentifier> {
        Self::parse(text)
    }
}

impl FromText for Prefix {
    const WHAT: &'static str = "the beginning of a table's name";
    const EXAMPLE: &'static str = "\"dapr_\"";
    type Problem = InvalidIdentifier;

    fn from_text(text: &str) -> Result<Self, InvalidIdentifier> {
        Identifier::parse(&format!("{text}state"))?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_may_have_a_schema_and_nothing_that_needs_quotes() {
        for text in ["state", "dapr.state", "_S1"] {
            assert_eq!(Identifier::from_text(text).unwrap().to_string(), text);
        }
        for text in [
            "", "a.b.c", ".state", "dapr.", "1state", "a b", "a\"", "a;b", "grün", "a-b",
        ] {
            assert_eq!(
                Identifier::from_text(text),
                Err(InvalidIdentifier::Characters),
                "{text}"
            );
        }
        assert_eq!(Identifier::from_text(&"a".repeat(51)), Err(InvalidIdentifier::Long));
    }

    #[test]
    fn a_prefix_is_a_schema_the_beginning_of_a_name_or_both() {
        for (text, table) in [
            ("", "state"),
            ("dapr.", "dapr.state"),
            ("dapr.my_", "dapr.my_state"),
            ("my_", "my_state"),
        ] {
            assert_eq!(Prefix::from_text(text).unwrap().table().to_string(), table);
        }
        for text in [".", "a.b.", "a ", "1"] {
            assert!(Prefix::from_text(text).is_err(), "{text}");
        }
    }
}
