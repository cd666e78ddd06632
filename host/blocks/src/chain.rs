//! An error and those below it, for a log.

use std::error::Error;

/// An error and those below it, in a line. `Display` of an error says its own level only.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}
