//! Sizes in bytes: `"128MiB"`, `"16KiB"`, `4096`.
//!
//! | unit | bytes |
//! |---|---|
//! | `KiB`, `MiB`, `GiB`, `TiB`, and Kubernetes' `Ki`, `Mi`, `Gi`, `Ti` | powers of 1024 |
//! | `KB` (`kB`), `MB`, `GB`, `TB` | powers of 1000 |
//! | `B`, or none | 1 |
//!
//! Each unit means one thing: `K`, `M` and `G` alone are 1000 to some and 1024 to others, and are refused. Numbers are
//! whole; a space before the unit is allowed.

use super::document::Data;
use super::error::ConfigErrors;
use super::nearest::nearest;
use super::value::{FromToml, Value};
use std::fmt;
use std::str::FromStr;

/// A number of bytes. `Display` and `FromStr` are one round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// There is no whole number at the start.
    #[error("it does not start with a whole number")]
    MissingNumber,
    /// The unit is one that people read differently.
    #[error("`{0}` is 1000 to some and 1024 to others, write `{0}B` or `{0}iB`")]
    Ambiguous(char),
    /// The unit is another word.
    #[error(
        "`{}` is not a unit of size{}",
        .0.escape_debug(),
        nearest(.0, UNITS.iter().map(|unit| unit.0)).map_or_else(
            || " (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)".to_owned(),
            |unit| format!(", did you mean `{unit}`?")
        )
    )]
    UnknownUnit(String),
    /// It exceeds 64 bits.
    #[error("it is more than {} bytes", u64::MAX)]
    TooLarge,
}

/// That a size is below the least that makes sense, which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be at least {0}")]
pub struct TooSmall(ByteSize);

/// From the largest to the smallest, which is the order in which `Display` tries them; names of equal size at the end.
const UNITS: [(&str, u64); 14] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("kB", 1_000),
];

impl ByteSize {
    /// This many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// This many times 1024 bytes, or the largest size if that is more.
    pub const fn kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// This many times 1024 KiB, or the largest size if that is more.
    pub const fn mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the size is not below `least`.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] if it is.
    pub fn at_least(self, least: Self) -> Result<(), TooSmall> {
        if self < least { Err(TooSmall(least)) } else { Ok(()) }
    }

    /// The number of bytes as an index; the largest one where the machine has no more.
    pub fn to_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let text = text.trim();
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        if number.is_empty() || unit.starts_with('.') {
            return Err(ByteSizeError::MissingNumber);
        }
        let unit = unit.trim_start();
        let factor = match unit {
            "" => 1,
            "K" | "k" | "M" | "G" | "T" => {
                return Err(ByteSizeError::Ambiguous(
                    unit.chars().next().unwrap_or('K').to_ascii_uppercase(),
                ));
            }
            _ => match UNITS.iter().find(|(name, _)| *name == unit) {
                Some((_, factor)) => *factor,
                None => return Err(ByteSizeError::UnknownUnit(unit.to_owned())),
            },
        };
        let number: u64 = number.parse().map_err(|_| ByteSizeError::TooLarge)?;
        number.checked_mul(factor).map(Self).ok_or(ByteSizeError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl FromToml for ByteSize {
    const WHAT: &'static str = "a size";

    fn example() -> String {
        "\"128MiB\"".to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        if let Data::Integer(bytes) = value.data() {
            let problem = if *bytes < 0 {
                &"a size cannot be negative" as &dyn fmt::Display
            } else {
                &ByteSizeError::TooLarge
            };
            return u64::try_from(*bytes)
                .map(Self)
                .map_err(|_| value.out_of_bounds(problem).into());
        }
        let Some(text) = value.text()? else {
            return Err(value.mismatch::<Self>().into());
        };
        text.as_str()
            .parse()
            .map_err(|problem: ByteSizeError| value.unfit::<Self>(&text, &problem).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, read};
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("16KiB", 16 << 10),
            ("16Ki", 16 << 10),
            ("128 MiB", 128 << 20),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
            ("64MB", 64_000_000),
            ("1kB", 1000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text:?}");
        }
    }

    #[test]
    fn display_round_trips() {
        for text in [
            "0B",
            "1B",
            "1KiB",
            "1500B",
            "128MiB",
            "1536MiB",
            "64MB",
            "3TiB",
            "16777215TiB",
        ] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for bytes in [u64::MAX, 999, 1_000, 1_024, 1_048_576_000] {
            let size = ByteSize::bytes(bytes);
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn what_is_no_size_is_told_apart() {
        let problem = |text: &str| text.parse::<ByteSize>().unwrap_err().to_string();
        assert_eq!(problem(""), "it does not start with a whole number");
        assert_eq!(problem("-1"), "it does not start with a whole number");
        assert_eq!(problem("1.5GiB"), "it does not start with a whole number");
        assert_eq!(
            problem("64M"),
            "`M` is 1000 to some and 1024 to others, write `MB` or `MiB`"
        );
        assert_eq!(problem("64mib"), "`mib` is not a unit of size, did you mean `MiB`?");
        assert_eq!(
            problem("64 apples"),
            "`apples` is not a unit of size (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)"
        );
        assert_eq!(problem("16777216TiB"), "it is more than 18446744073709551615 bytes");
    }

    #[test]
    fn a_bare_integer_is_bytes() {
        assert_eq!(read::<ByteSize>("4096"), ByteSize::kib(4));
        assert_eq!(
            failure::<ByteSize>("-1"),
            "`key` cannot be -1: a size cannot be negative"
        );
        assert_eq!(
            failure::<ByteSize>("1.5"),
            "`key` must be a size, not a float (write it like \"128MiB\")"
        );
    }
}
