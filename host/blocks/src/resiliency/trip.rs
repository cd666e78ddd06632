//! The condition that opens a circuit breaker: `consecutiveFailures > 5`.
//!
//! In Dapr it is an expression of CEL over five counts. This is the part of it that compares counts with numbers:
//!
//! ```text
//! any     = all *( "||" all )
//! all     = one *( "&&" one )
//! one     = "(" any ")" / count comparison number
//! count   = "requests" / "totalSuccesses" / "totalFailures" / "consecutiveSuccesses" / "consecutiveFailures"
//! comparison = ">" / ">=" / "<" / "<=" / "==" / "!="
//! ```

use crate::config::nearest;
use std::fmt;
use std::str::FromStr;

/// What a circuit breaker counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: u32,
    total_successes: u32,
    total_failures: u32,
    pub(super) consecutive_successes: u32,
    consecutive_failures: u32,
}

impl Counts {
    pub(super) fn success(&mut self) {
        self.total_successes = self.total_successes.saturating_add(1);
        self.consecutive_successes = self.consecutive_successes.saturating_add(1);
        self.consecutive_failures = 0;
    }

    pub(super) fn failure(&mut self) {
        self.total_failures = self.total_failures.saturating_add(1);
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        self.consecutive_successes = 0;
    }
}

/// A condition on what a circuit breaker counts. `Display` is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    text: String,
    condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Compare(Count, Comparison, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Requests,
    TotalSuccesses,
    TotalFailures,
    ConsecutiveSuccesses,
    ConsecutiveFailures,
}

const COUNTS: [(&str, Count); 5] = [
    ("requests", Count::Requests),
    ("totalSuccesses", Count::TotalSuccesses),
    ("totalFailures", Count::TotalFailures),
    ("consecutiveSuccesses", Count::ConsecutiveSuccesses),
    ("consecutiveFailures", Count::ConsecutiveFailures),
];

type Comparison = (&'static str, fn(&u32, &u32) -> bool);

/// Longer ones first: `>` begins `>=`.
const COMPARISONS: [Comparison; 6] = [
    (">=", u32::ge),
    ("<=", u32::le),
    ("==", u32::eq),
    ("!=", u32::ne),
    (">", u32::gt),
    ("<", u32::lt),
];

/// Parentheses in parentheses: a text of nothing but `(` must not exhaust the stack.
const MAX_DEPTH: usize = 16;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TripError {
    /// A count was to stand here.
    #[error("{} was expected at {}", counts(), at(.0))]
    Count(String),
    /// Another name stands where a count was to stand.
    #[error("there is no count `{}`{}", .0.escape_debug(), did_you_mean(.0))]
    UnknownCount(String),
    /// A comparison was to stand here.
    #[error("`>`, `>=`, `<`, `<=`, `==` or `!=` was expected at {}", at(.0))]
    Comparison(String),
    /// A number was to stand here.
    #[error("a whole number was expected at {}", at(.0))]
    Number(String),
    /// A parenthesis is open.
    #[error("`)` was expected at {}", at(.0))]
    Close(String),
    /// Something follows that is no part of a condition.
    #[error("`&&`, `||` or the end was expected at {}", at(.0))]
    Rest(String),
    /// Parentheses stand in too many others.
    #[error("parentheses stand in more than {MAX_DEPTH} others")]
    Depth,
}

fn counts() -> String {
    COUNTS.map(|(name, _)| format!("`{name}`")).join(", ")
}

fn at(rest: &str) -> String {
    match rest {
        "" => "the end".to_owned(),
        rest => format!("`{}`", rest.escape_debug()),
    }
}

fn did_you_mean(name: &str) -> String {
    match nearest(name, COUNTS.map(|(name, _)| name)) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => format!(": there are {}", counts()),
    }
}

impl Trip {
    pub(super) fn holds(&self, counts: &Counts) -> bool {
        self.condition.holds(counts)
    }
}

impl Condition {
    fn holds(&self, counts: &Counts) -> bool {
        match self {
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(counts)),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(counts)),
            Self::Compare(count, (_, holds), number) => holds(&count.of(counts), number),
        }
    }
}

impl Count {
    fn of(self, counts: &Counts) -> u32 {
        match self {
            Self::Requests => counts.requests,
            Self::TotalSuccesses => counts.total_successes,
            Self::TotalFailures => counts.total_failures,
            Self::ConsecutiveSuccesses => counts.consecutive_successes,
            Self::ConsecutiveFailures => counts.consecutive_failures,
        }
    }
}

impl FromStr for Trip {
    type Err = TripError;

    fn from_str(text: &str) -> Result<Self, TripError> {
        let mut parser = Parser(text.trim_start());
        let condition = parser.any(0)?;
        if !parser.0.is_empty() {
            return Err(TripError::Rest(parser.rest()));
        }
        let text = text.trim().to_owned();
        Ok(Self { text, condition })
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is left of the text, which never begins with a space.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn any(&mut self, depth: usize) -> Result<Condition, TripError> {
        let mut conditions = vec![self.all(depth)?];
        while self.take("||") {
            conditions.push(self.all(depth)?);
        }
        Ok(Condition::Any(conditions))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, TripError> {
        let mut conditions = vec![self.one(depth)?];
        while self.take("&&") {
            conditions.push(self.one(depth)?);
        }
        Ok(Condition::All(conditions))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, TripError> {
        if !self.take("(") {
            return self.comparison();
        }
        if depth == MAX_DEPTH {
            return Err(TripError::Depth);
        }
        let condition = self.any(depth + 1)?;
        match self.take(")") {
            true => Ok(condition),
            false => Err(TripError::Close(self.rest())),
        }
    }

    fn comparison(&mut self) -> Result<Condition, TripError> {
        let rest = self.rest();
        let count = match self.word(|c| c.is_ascii_alphanumeric() || c == '_') {
            "" => return Err(TripError::Count(rest)),
            word => match COUNTS.iter().find(|(name, _)| *name == word) {
                Some((_, count)) => *count,
                None => return Err(TripError::UnknownCount(word.to_owned())),
            },
        };
        let comparison = COMPARISONS.into_iter().find(|(sign, _)| self.take(sign));
        let comparison = comparison.ok_or_else(|| TripError::Comparison(self.rest()))?;
        let rest = self.rest();
        match self.word(|c| c.is_ascii_digit()).parse() {
            Ok(number) => Ok(Condition::Compare(count, comparison, number)),
            Err(_) => Err(TripError::Number(rest)),
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        match self.0.strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !belongs(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        word
    }

    /// For a message, which is short.
    fn rest(&self) -> String {
        const MAX_CHARS: usize = 20;
        self.0.chars().take(MAX_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After some successes, and then some failures.
    fn holds(text: &str, successes: u32, failures: u32) -> bool {
        let mut counts = Counts {
            requests: successes + failures,
            ..Counts::default()
        };
        (0..successes).for_each(|_| counts.success());
        (0..failures).for_each(|_| counts.failure());
        text.parse::<Trip>().unwrap().holds(&counts)
    }

    #[test]
    fn counts_are_compared_with_numbers() {
        for (text, failures) in [
            ("consecutiveFailures > 5", 6),
            ("consecutiveFailures>=6", 6),
            ("  totalFailures == 6 ", 6),
            ("requests > 9 && totalFailures != 5", 6),
            ("consecutiveSuccesses < 4 && (requests > 100 || totalFailures >= 6)", 6),
        ] {
            assert!(holds(text, 4, failures), "{text}");
            assert!(!holds(text, 4, failures - 1), "{text}");
        }
        assert!(holds("totalSuccesses <= 4 && consecutiveSuccesses == 4", 4, 0));
    }

    #[test]
    fn and_binds_closer_than_or() {
        assert!(holds("requests >= 0 || requests > 9 && requests > 9", 0, 0));
        assert!(!holds("(requests >= 0 || requests > 9) && requests > 9", 0, 0));
    }

    #[test]
    fn what_is_no_condition_says_what_was_expected_where() {
        let problem = |text: &str| text.parse::<Trip>().unwrap_err().to_string();
        for (text, expected) in [
            ("", "`consecutiveFailures` was expected at the end"),
            ("consecutiveFailure > 5", "(did you mean `consecutiveFailures`?)"),
            ("errors > 5", "there is no count `errors`: there are `requests`, "),
            ("requests", "`!=` was expected at the end"),
            ("requests > many", "a whole number was expected at `many`"),
            ("requests > 5.5", "`&&`, `||` or the end was expected at `.5`"),
            ("requests > -1", "a whole number was expected at `-1`"),
            ("requests > 99999999999", "a whole number was expected at `99999999999`"),
            ("(requests > 5", "`)` was expected at the end"),
            ("requests > 5 and requests > 6", "was expected at `and requests > 6`"),
        ] {
            let found = problem(text);
            assert!(found.contains(expected), "{text:?}: {found}");
        }
        assert_eq!(problem(&"(".repeat(100_000)), TripError::Depth.to_string());
    }
}
