//! Strings, booleans, integers and paths.
//!
//! Dapr's settings are texts, and so is what an environment variable holds: a boolean may be `true` or `"true"`, an integer
//! `10` or `"10"`, and nothing else (`yes`, `1` for true, `1_000` in quotes are refused). A string is only ever a string:
//! `8080` where text is wanted is an error that says to write `"8080"`.

use super::document::Data;
use super::error::ConfigErrors;
use super::value::{FromText, FromToml, Value};
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

impl FromText for String {
    const WHAT: &'static str = "a string";
    const EXAMPLE: &'static str = "\"text\"";
    type Problem = Infallible;

    fn from_text(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned())
    }
}

/// A path; a relative one starts at the configuration file's folder.
impl FromToml for PathBuf {
    const WHAT: &'static str = "a path";

    fn example() -> String {
        "\"data/state.db\"".to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let Some(text) = value.text()? else {
            return Err(value.unquoted::<Self>().into());
        };
        value.refuse_secret(&text)?;
        let problem = match text.as_str() {
            "" => "it is empty",
            // Nothing but a shell gives `~` a meaning: taken literally, it makes a folder of that name.
            path if path == "~" || path.starts_with("~/") => "`~` is not expanded here, write the whole path",
            path if path.contains('\0') => "it contains a NUL character",
            path => return Ok(value.source().resolve(Path::new(path))),
        };
        Err(value.unfit::<Self>(&text, &problem).into())
    }
}

impl FromToml for bool {
    const WHAT: &'static str = "a boolean";

    fn example() -> String {
        "true".to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        if let Data::Boolean(boolean) = value.data() {
            return Ok(*boolean);
        }
        let Some(text) = value.text()? else {
            return Err(value.mismatch::<Self>().into());
        };
        match text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(value.unfit::<Self>(&text, &"it is neither true nor false").into()),
        }
    }
}

fn integer<T: FromToml>(value: &Value<'_>, range: RangeInclusive<i128>) -> Result<i128, ConfigErrors> {
    let number = match value.data() {
        Data::Integer(number) => *number,
        _ => match value.text()? {
            None => return Err(value.mismatch::<T>().into()),
            Some(text) => match text.as_str().parse() {
                Ok(number) => number,
                Err(_) => return Err(value.unfit::<T>(&text, &"it is not an integer").into()),
            },
        },
    };
    let problem = match (range.start(), range.end()) {
        (min, _) if number < *min => format!("it must be at least {min}"),
        (_, max) if number > *max => format!("it must be at most {max}"),
        _ => return Ok(number),
    };
    Err(value.out_of_bounds(&problem).into())
}

macro_rules! integers {
    ($($type:ty: $primitive:ty, $min:expr, $example:literal;)*) => {$(
        impl FromToml for $type {
            const WHAT: &'static str = "an integer";

            fn example() -> String {
                $example.to_owned()
            }

            fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
                let range = i128::from($min)..=<$primitive>::MAX as i128;
                let number = integer::<Self>(&value, range)? as $primitive;
                Ok(<$type>::try_from(number).expect("the range was checked"))
            }
        }
    )*};
}

integers! {
    u16: u16, u16::MIN, "10";
    u32: u32, u32::MIN, "10";
    u64: u64, u64::MIN, "10";
    i64: i64, i64::MIN, "10";
    NonZeroU32: u32, 1, "10";
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, failure_with, read, read_with};
    use super::*;

    #[test]
    fn booleans_and_integers_may_be_texts() {
        assert!(read::<bool>("true"));
        assert!(!read::<bool>(r#""false""#));
        assert_eq!(read::<u16>("8080"), 8080);
        assert_eq!(read::<i64>(r#""-5""#), -5);
        assert_eq!(read_with::<u32>(r#"{ env = "N" }"#, &[("N", "7")]), 7);
    }

    #[test]
    fn other_spellings_of_booleans_are_refused() {
        for text in [r#""yes""#, r#""True""#, r#""1""#, "1", r#""""#] {
            failure::<bool>(text);
        }
    }

    #[test]
    fn integers_outside_their_range_name_the_bound() {
        assert_eq!(
            failure::<u16>("65536"),
            "`key` cannot be 65536: it must be at most 65535"
        );
        assert_eq!(failure::<u64>("-1"), "`key` cannot be -1: it must be at least 0");
        assert_eq!(failure::<NonZeroU32>("0"), "`key` cannot be 0: it must be at least 1");
        assert_eq!(
            failure::<u64>(&"9".repeat(50)),
            format!("`key` cannot be {}: it must be at most {}", "9".repeat(50), u64::MAX)
        );
        assert_eq!(
            failure::<u32>("1.5"),
            "`key` must be an integer, not a float (write it like 10)"
        );
    }

    #[test]
    fn paths_start_at_the_files_folder() {
        assert_eq!(
            read::<PathBuf>(r#""./data/state.db""#),
            Path::new("/conf/data/state.db")
        );
        assert_eq!(read::<PathBuf>(r#""/var/state.db""#), Path::new("/var/state.db"));
    }

    #[test]
    fn paths_that_only_a_shell_understands_are_refused() {
        assert_eq!(
            failure::<PathBuf>(r#""~/state.db""#),
            r#"`key` cannot be "~/state.db": `~` is not expanded here, write the whole path (write it like "data/state.db")"#
        );
        assert_eq!(
            failure::<PathBuf>(r#""""#),
            r#"`key` cannot be "": it is empty (write it like "data/state.db")"#
        );
    }

    #[test]
    fn a_number_is_no_string_and_the_help_quotes_it() {
        assert_eq!(
            failure::<String>("8080"),
            "`key` must be a string, not an integer (write it in quotes: \"8080\")"
        );
        assert_eq!(
            failure::<String>("[1]"),
            "`key` must be a string, not an array (write it like \"text\")"
        );
    }

    #[test]
    fn the_value_of_a_variable_is_never_shown() {
        let text = failure_with::<u32>(r#"{ env = "PASSWORD" }"#, &[("PASSWORD", "hunter2")]);
        assert_eq!(
            text,
            "`key` cannot be the value of environment variable `PASSWORD`: it is not an integer (write it like 10)"
        );
    }
}
