//! What the server said, as it may stand in a log.

use redis::ServerError;
use std::fmt;

/// Longer than any text of Redis's own. A module or a proxy may say more.
const LONGEST: usize = 300;

/// An error of the server. What would begin a line of its own, or end a log's, is written as in Rust.
#[derive(Clone, Debug)]
pub struct Said {
    code: String,
    text: String,
}

impl Said {
    pub(super) fn new(error: &ServerError) -> Self {
        Self::of(error.code(), error.details().unwrap_or_default())
    }

    fn of(code: &str, details: &str) -> Self {
        let text = match details {
            "" => code.to_owned(),
            details => format!("{code} {details}"),
        };
        // Before version 7 a script's error has the command's own one at its end: `ERR … @user_script: 12: -OOM …`.
        let inner = text
            .rsplit_once(": -")
            .and_then(|(_, inner)| inner.split_whitespace().next());
        let is_code = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
        Self {
            code: inner.filter(is_code).unwrap_or(code).to_owned(),
            text,
        }
    }

    /// The word that says which error it is: `OOM`, `READONLY`.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.text.chars().take(LONGEST) {
            match char.is_control() {
                true => write!(f, "{}", char.escape_default())?,
                false => write!(f, "{char}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Said {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripts_error_has_the_code_of_the_command_that_failed() {
        for (code, details, expected) in [
            ("OOM", "command not allowed when used memory > 'maxmemory'.", "OOM"),
            (
                "ERR",
                "Error running script (call to f_8ca5): @user_script:9: @user_script: 9: -OOM command not allowed",
                "OOM",
            ),
            (
                "@user_script:",
                "9: -READONLY You can't write against a read only replica.",
                "READONLY",
            ),
            ("ERR", "value: -1 is out of range", "ERR"),
            ("NOAUTH", "", "NOAUTH"),
        ] {
            assert_eq!(Said::of(code, details).code(), expected, "{details}");
        }
    }

    #[test]
    fn what_the_server_says_stays_on_its_line() {
        let said = Said::of("ERR", &format!("one\r\ntwo\u{1b}[2J{}", "x".repeat(1000)));
        let shown = said.to_string();
        assert!(shown.starts_with("ERR one\\r\\ntwo\\u{1b}[2Jxxx"), "{shown}");
        assert!(shown.len() < 400);
    }
}
