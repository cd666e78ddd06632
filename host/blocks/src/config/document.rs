//! A TOML text as a tree that owns its data and knows where each part stands.
//!
//! The `toml` crate's own tree borrows the text and sorts keys by name; this one outlives the text's borrow and keeps the
//! order of the file, which is the order of the errors.

use super::error::ConfigErrors;
use super::source::Source;
use super::syntax;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// A value and the bytes it takes in the file. For a table with a header, the header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    String(String),
    /// Held at the nearest limit where it is longer than 128 bits: it is outside any range that is asked for, too.
    Integer(i128),
    /// As it is written, without underscores.
    Float(String),
    Boolean(bool),
    Datetime,
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) node: Node,
}

/// Reads the whole text.
pub(super) fn parse(source: &Arc<Source>) -> Result<Vec<Entry>, ConfigErrors> {
    // The recovering parser, because the plain one stops at the first error.
    let (table, errors) = DeTable::parse_recoverable(source.text());
    match syntax::errors(source, errors) {
        Some(errors) => Err(errors),
        None => Ok(entries(table.into_inner())),
    }
}

fn entries(table: DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key: key.span(),
            name: key.into_inner().into_owned(),
            node: node(value),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key.start);
    entries
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let data = match value.into_inner() {
        DeValue::String(text) => Data::String(text.into_owned()),
        DeValue::Integer(number) => Data::Integer(integer(&number)),
        DeValue::Float(number) => Data::Float(number.as_str().to_owned()),
        DeValue::Boolean(value) => Data::Boolean(value),
        DeValue::Datetime(_) => Data::Datetime,
        DeValue::Array(items) => Data::Array(items.into_iter().map(node).collect()),
        DeValue::Table(table) => Data::Table(entries(table)),
    };
    Node { span, data }
}

fn integer(number: &DeInteger<'_>) -> i128 {
    let beyond = if number.as_str().starts_with('-') {
        i128::MIN
    } else {
        i128::MAX
    };
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(beyond)
}

impl Data {
    /// Whether it is what `[header]` or `[[header]]` makes.
    pub(super) fn is_headed(&self) -> bool {
        match self {
            Self::Table(_) => true,
            Self::Array(items) => !items.is_empty() && items.iter().all(|item| matches!(item.data, Self::Table(_))),
            _ => false,
        }
    }

    /// What a value of this kind is called, with its article.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<Entry> {
        parse(&Arc::new(Source::new("components.toml", "", text))).unwrap()
    }

    #[test]
    fn entries_keep_the_order_of_the_file() {
        let names: Vec<String> = parsed("z = 1\na = 2\n[m]\n")
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["z", "a", "m"]);
    }

    #[test]
    fn a_table_stands_at_its_header() {
        let text = "[state.a]\nx = 1";
        let [state] = &parsed(text)[..] else {
            panic!("one table")
        };
        let Data::Table(stores) = &state.node.data else {
            panic!("a table")
        };
        assert_eq!(&text[stores[0].node.span.clone()], "[state.a]");
        assert_eq!(&text[stores[0].key.clone()], "a");
    }

    #[test]
    fn integers_have_any_radix_and_size() {
        let values: Vec<i128> = parsed("a = 0x1F\nb = -1_000\nc = 99999999999999999999999999999999999999999")
            .into_iter()
            .map(|entry| match entry.node.data {
                Data::Integer(value) => value,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values, [31, -1000, i128::MAX]);
    }
}
