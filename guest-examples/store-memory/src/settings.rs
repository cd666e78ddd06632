//! The `metadata` of the store's table in `components.toml`.
//!
//! An unknown name is refused, since it is most likely a known one with a mistake in it, whose default would then hold in
//! silence.

use crate::bindings::exports::dapr::state::provider::Error;

/// What a table may say.
pub struct Settings {
    /// `max-size`: bytes that all items may take together, with their keys and what keeping them costs. The store's
    /// `memory` must be about twice as much.
    pub max_size: usize,
}

impl Default for Settings {
    /// Half of the memory that the host gives an instance where its table says nothing else.
    fn default() -> Self {
        Self { max_size: 128 << 20 }
    }
}

impl Settings {
    /// Reads them. What is not said has its default.
    pub fn read(metadata: &[(String, String)]) -> Result<Self, Error> {
        let mut settings = Self::default();
        for (name, value) in metadata {
            match name.as_str() {
                "max-size" => settings.max_size = size(value)?,
                _ => {
                    let fault = format!("unknown metadata `{name}`: this store has `max-size` alone");
                    return Err(Error::Invalid(fault));
                }
            }
        }
        Ok(settings)
    }
}

fn size(value: &str) -> Result<usize, Error> {
    let fault = || Error::Invalid(format!("`max-size` is `{value}`: it must be a number of bytes"));
    value.parse().map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<usize, String> {
        match Settings::read(&[(name.to_owned(), value.to_owned())]) {
            Ok(settings) => Ok(settings.max_size),
            Err(Error::Invalid(text)) => Err(text),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_size_is_a_number_of_bytes() {
        assert_eq!(read("max-size", "1048576"), Ok(1_048_576));
        for value in ["", "-1", "1MiB"] {
            let fault = format!("`max-size` is `{value}`: it must be a number of bytes");
            assert_eq!(read("max-size", value), Err(fault));
        }
    }

    #[test]
    fn without_metadata_the_defaults_hold() {
        assert!(matches!(Settings::read(&[]), Ok(Settings { max_size: 0x800_0000 })));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let fault = "unknown metadata `maxSize`: this store has `max-size` alone".to_owned();
        assert_eq!(read("maxSize", "1"), Err(fault));
    }
}
