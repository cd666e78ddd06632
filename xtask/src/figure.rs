//! How numbers are written.

use std::time::Duration;

/// What stands where there is no number.
pub(crate) const NONE: &str = "–";

/// A whole number, its thousands apart.
pub(crate) fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn micros(duration: Duration) -> String {
    whole(duration.as_secs_f64() * 1e6)
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1e3)
}

/// Bytes as kB, of which a kilobyte has a thousand.
pub(crate) fn kilobytes(bytes: u64) -> String {
    whole(bytes as f64 / 1e3)
}

/// Bytes as MB, of which a megabyte has a million.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(whole(0.4), "0");
        assert_eq!(whole(999.0), "999");
        assert_eq!(whole(1000.0), "1 000");
        assert_eq!(whole(1_234_567.8), "1 234 568");
    }
}
