//! Sizes as a person reads them.

use dapr_blocks::config::ByteSize;

/// The units of sizes that are not round.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Digits that a person reads. Of half of some machine's memory, the others say nothing.
const DIGITS: usize = 4;

/// A size as a configuration would have it if it is round, `64MiB`, else its first digits.
pub(crate) fn size(bytes: u64) -> String {
    let exact = ByteSize::bytes(bytes).to_string();
    let is_round = exact.chars().take_while(char::is_ascii_digit).count() <= DIGITS;
    match UNITS.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) if !is_round => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            format!("{}.{}{name}", tenths / 10, tenths % 10)
        }
        _ => exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_sizes_are_exact_and_others_have_the_digits_that_one_reads() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (100_000_000, "100MB"),
            (64 << 20, "64MiB"),
            (28_744, "28.0KiB"),
            (12_052 << 20, "11.7GiB"),
            (u64::MAX, "17179869183.9GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
