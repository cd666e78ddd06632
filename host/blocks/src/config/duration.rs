//! Durations as Go and Dapr write them: `"30s"`, `"1h30m"`, `"100ms"`, `"1.5s"`.
//!
//! | unit | |
//! |---|---|
//! | `h`, `m`, `s` | hour, minute, second |
//! | `ms`, `us` (`µs`), `ns` | milli-, micro-, nanosecond |
//!
//! A number needs its unit; `"0"` needs none. A bare TOML integer is refused, except where the key itself says the unit
//! (`timeoutInSeconds = 20`): such keys are read as [`InSeconds`], and those of Dapr's Redis as [`InMilliseconds`]. Negative
//! durations are refused.

use super::document::Data;
use super::error::ConfigErrors;
use super::value::{FromText, FromToml, Value};
use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Nothing is written.
    #[error("it is empty")]
    Empty,
    /// It is below zero.
    #[error("a duration cannot be negative")]
    Negative,
    /// It is zero where that makes no sense.
    #[error("it must be longer than zero")]
    Zero,
    /// It is longer than 292 years, the most that Go's durations hold.
    #[error("it is longer than 292 years")]
    TooLong,
    /// A unit has no number before it, or the number is none.
    #[error("a number must stand before each unit")]
    MissingNumber,
    /// A number has no unit.
    #[error("the unit is missing")]
    MissingUnit,
    /// The unit is another word.
    #[error("`{}` is not a unit of time (h, m, s, ms, us, ns)", .0.escape_debug())]
    UnknownUnit(String),
}

/// Go's durations are 64-bit counts of nanoseconds.
const MAX_NANOS: u128 = i64::MAX as u128;

/// Reads a duration as Go's `time.ParseDuration` does, except that negative ones are refused.
///
/// # Errors
///
/// [`DurationError`] says which part is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text;
    if let Some(positive) = text.strip_prefix('+') {
        rest = positive;
    } else if text.starts_with('-') {
        return Err(DurationError::Negative);
    }
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split(after, |c| c.is_ascii_digit() || c == '.');
        nanos = nanos
            .checked_add(nanoseconds(number, unit)?)
            .filter(|sum| *sum <= MAX_NANOS)
            .ok_or(DurationError::TooLong)?;
        rest = after;
    }
    let nanos = u64::try_from(nanos).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::from_nanos(nanos))
}

fn split(text: &str, end: impl FnMut(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

fn nanoseconds(number: &str, unit: &str) -> Result<u128, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(DurationError::MissingNumber);
    }
    let unit: u128 = match unit {
        "" => return Err(DurationError::MissingUnit),
        "ns" => 1,
        // U+00B5 and U+03BC look alike, and Go takes both.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        other => return Err(DurationError::UnknownUnit(other.to_owned())),
    };
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| DurationError::TooLong)?
    };
    // What is smaller than a nanosecond is dropped, as Go does; 13 digits of an hour's fraction are below one.
    let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let fraction: u128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().map_err(|_| DurationError::TooLong)?
    };
    whole
        .checked_mul(unit)
        .and_then(|nanos| nanos.checked_add(fraction * unit / scale))
        .ok_or(DurationError::TooLong)
}

const WHAT: &str = "a duration";
const EXAMPLE: &str = "\"30s\"";

impl FromText for Duration {
    const WHAT: &'static str = WHAT;
    const EXAMPLE: &'static str = EXAMPLE;
    type Problem = DurationError;

    fn from_text(text: &str) -> Result<Self, DurationError> {
        parse_duration(text)
    }
}

/// A duration longer than zero: a deadline, a timeout, an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NonZeroDuration(Duration);

impl NonZeroDuration {
    /// The duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl FromText for NonZeroDuration {
    const WHAT: &'static str = WHAT;
    const EXAMPLE: &'static str = EXAMPLE;
    type Problem = DurationError;

    fn from_text(text: &str) -> Result<Self, DurationError> {
        match parse_duration(text)? {
            Duration::ZERO => Err(DurationError::Zero),
            duration => Ok(Self(duration)),
        }
    }
}

/// The duration of a key that says its unit, `timeoutInSeconds`: an integer is seconds, a text may have other units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InSeconds(pub Duration);

impl FromToml for InSeconds {
    const WHAT: &'static str = "a number of seconds or a duration";

    fn example() -> String {
        "30".to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        in_unit::<Self>(&value, "s").map(Self)
    }
}

/// The duration of a key whose bare integer is milliseconds, as all of Dapr's Redis are; none is written -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InMilliseconds(pub Option<Duration>);

impl FromToml for InMilliseconds {
    const WHAT: &'static str = "a duration or a number of milliseconds";

    fn example() -> String {
        EXAMPLE.to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let none = match value.data() {
            Data::Integer(number) => *number == -1,
            _ => value.text()?.is_some_and(|text| text.as_str() == "-1"),
        };
        if none {
            return Ok(Self(None));
        }
        in_unit::<Self>(&value, "ms").map(|duration| Self(Some(duration)))
    }
}

/// A duration whose bare integer has this unit.
fn in_unit<T: FromToml>(value: &Value<'_>, unit: &str) -> Result<Duration, ConfigErrors> {
    if let Data::Integer(number) = value.data() {
        let duration = parse_duration(&format!("{number}{unit}"));
        return duration.map_err(|problem| value.out_of_bounds(&problem).into());
    }
    let Some(text) = value.text()? else {
        return Err(value.mismatch::<T>().into());
    };
    let number = text.as_str();
    let parsed = if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        parse_duration(&format!("{number}{unit}"))
    } else {
        parse_duration(number)
    };
    parsed.map_err(|problem| value.unfit::<T>(&text, &problem).into())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, read};
    use super::*;

    fn nanos(text: &str) -> u128 {
        parse_duration(text).unwrap().as_nanos()
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(nanos("0"), 0);
        assert_eq!(nanos("30s"), 30_000_000_000);
        assert_eq!(nanos("+5m"), 300_000_000_000);
        assert_eq!(nanos("1h30m"), 5_400_000_000_000);
        assert_eq!(nanos("100ms"), 100_000_000);
        assert_eq!(nanos("1.5s"), 1_500_000_000);
        assert_eq!(nanos(".5s"), 500_000_000);
        assert_eq!(nanos("5.s"), 5_000_000_000);
        assert_eq!(nanos("2us3µs4μs5ns"), 9_005);
        assert_eq!(nanos("0.100000000000000000000h"), 360_000_000_000);
        assert_eq!(nanos("9223372036854775807ns"), MAX_NANOS);
    }

    #[test]
    fn what_is_no_duration_is_told_apart() {
        use DurationError::*;
        let unknown = |unit: &str| UnknownUnit(unit.to_owned());
        for (text, error) in [
            ("", Empty),
            ("+", Empty),
            ("-1s", Negative),
            ("30", MissingUnit),
            ("1m30", MissingUnit),
            ("s", MissingNumber),
            ("ms5", MissingNumber),
            (".s", MissingNumber),
            ("1.2.3s", MissingNumber),
            ("30 seconds", unknown(" seconds")),
            ("1h30 m", unknown(" m")),
            ("1h 30m", unknown("h ")),
            (" 1s", MissingNumber),
            ("1s ", unknown("s ")),
            ("1d", unknown("d")),
            ("30S", unknown("S")),
            ("9223372036854775808ns", TooLong),
            ("99999999999999999999999999999999999999999h", TooLong),
            ("340282366920938463463374607431768211455h", TooLong),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn redis_own_durations_are_in_milliseconds_and_may_be_none() {
        let read = |text| read::<InMilliseconds>(text).0;
        assert_eq!(read("500"), Some(Duration::from_millis(500)));
        assert_eq!(read(r#""500""#), Some(Duration::from_millis(500)));
        assert_eq!(read(r#""5s""#), Some(Duration::from_secs(5)));
        assert_eq!((read("-1"), read(r#""-1""#)), (None, None));
        assert_eq!(
            failure::<InMilliseconds>("-2"),
            "`key` cannot be -2: a duration cannot be negative"
        );
    }

    #[test]
    fn a_bare_integer_has_a_unit_only_where_the_key_says_it() {
        assert_eq!(
            failure::<Duration>("30"),
            "`key` must be a duration, not an integer (write it like \"30s\")"
        );
        assert_eq!(read::<InSeconds>("30").0, Duration::from_secs(30));
        assert_eq!(read::<InSeconds>(r#""30""#).0, Duration::from_secs(30));
        assert_eq!(read::<InSeconds>(r#""2m""#).0, Duration::from_secs(120));
        assert_eq!(
            failure::<InSeconds>("-1"),
            "`key` cannot be -1: a duration cannot be negative"
        );
    }

    #[test]
    fn zero_is_refused_where_it_makes_no_sense() {
        assert_eq!(
            failure::<NonZeroDuration>(r#""0s""#),
            r#"`key` cannot be "0s": it must be longer than zero (write it like "30s")"#
        );
        assert_eq!(read::<NonZeroDuration>(r#""1ns""#).get(), Duration::from_nanos(1));
    }
}
