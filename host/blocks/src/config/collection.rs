//! Lists and tables of values that are all alike.

use super::document::Data;
use super::error::ConfigErrors;
use super::value::{FromText, FromToml, Value, quoted};
use std::collections::BTreeMap;

impl<T: FromToml> FromToml for Vec<T> {
    const WHAT: &'static str = "an array";

    fn example() -> String {
        format!("[{}]", T::example())
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let Data::Array(items) = value.data() else {
            let error = value.mismatch::<Self>();
            return Err(match (value.data(), value.literal()) {
                (Data::String(_), Some(literal)) => error.with_help(format!("write it in brackets: [{literal}]")),
                _ => error,
            }
            .into());
        };
        let label = format!("an item of {}", value.label());
        all(items.iter().map(|item| T::from_toml(value.part(&label, item))))
    }
}

impl<K: FromText + Ord, T: FromToml> FromToml for BTreeMap<K, T> {
    const WHAT: &'static str = "a table";

    fn example() -> String {
        format!("{{ name = {} }}", T::example())
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let Data::Table(entries) = value.data() else {
            return Err(value.mismatch::<Self>().into());
        };
        all(entries.iter().map(|entry| {
            let name = &entry.name;
            let key = K::from_text(name).map_err(|problem| {
                let message = format!("a key of {} cannot be {}: {problem}", value.label(), quoted(name));
                value.at(&entry.key).error(message)
            })?;
            let label = format!("`{}` in {}", name.escape_debug(), value.label());
            Ok((key, T::from_toml(value.part(&label, &entry.node))?))
        }))
    }
}

/// All results, or all errors: the first wrong item must not hide the others.
fn all<T, C: FromIterator<T>>(results: impl Iterator<Item = Result<T, ConfigErrors>>) -> Result<C, ConfigErrors> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(found) => errors.extend(found),
        }
    }
    ConfigErrors::of(errors).map_or_else(|| Ok(values.into_iter().collect()), Err)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, read, read_with};
    use super::*;

    #[test]
    fn lists_and_tables_are_read() {
        assert_eq!(read::<Vec<u16>>("[1, '2']"), [1, 2]);
        let table = read_with::<BTreeMap<String, String>>(r#"{ a = "x", b = { env = "B" } }"#, &[("B", "y")]);
        assert_eq!(
            table,
            BTreeMap::from([("a".to_owned(), "x".to_owned()), ("b".to_owned(), "y".to_owned())])
        );
    }

    #[test]
    fn all_wrong_items_are_reported() {
        assert_eq!(
            failure::<Vec<String>>(r#"[1, "a", true]"#),
            "an item of `key` must be a string, not an integer (write it in quotes: \"1\")\n\
             an item of `key` must be a string, not a boolean (write it in quotes: \"true\")"
        );
        assert_eq!(
            failure::<BTreeMap<String, u16>>(r#"{ a = 1.5, b = "x" }"#),
            "`a` in `key` must be an integer, not a float (write it like 10)\n\
             `b` in `key` cannot be \"x\": it is not an integer (write it like 10)"
        );
    }

    #[test]
    fn one_string_is_no_list() {
        assert_eq!(
            failure::<Vec<String>>(r#""a""#),
            "`key` must be an array, not a string (write it in brackets: [\"a\"])"
        );
        assert_eq!(
            failure::<Vec<String>>("\"a\u{202e}\""),
            "`key` must be an array, not a string (write it like [\"text\"])",
            "what would turn the writing is not repeated"
        );
    }
}
