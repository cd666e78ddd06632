//! When items end: at a whole second of the clock.
//!
//! Rounded up, so that an item lives at least its TTL, and less than a second more.

use std::time::{Duration, SystemTime};

/// The second at which an item ends that is written now, counted from the Unix epoch.
pub fn end(ttl: u32, now: SystemTime) -> u64 {
    let now = since_epoch(now);
    let next_second = now.as_secs() + u64::from(now.subsec_nanos() > 0);
    next_second + u64::from(ttl)
}

/// Whether an item with this end has ended.
pub fn has_ended(end: u64, now: SystemTime) -> bool {
    since_epoch(now).as_secs() >= end
}

/// A clock before 1970 counts as 1970: then items live longer, which harms less than ending early.
fn since_epoch(now: SystemTime) -> Duration {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn an_end_is_the_ttl_rounded_up_to_a_whole_second() {
        assert_eq!(end(5, at(100_000)), 105);
        assert_eq!(end(5, at(100_001)), 106);
        assert_eq!(end(5, at(100_999)), 106);
    }

    #[test]
    fn an_item_lives_until_its_end_and_not_a_moment_longer() {
        assert!(!has_ended(106, at(105_999)));
        assert!(has_ended(106, at(106_000)));
    }

    #[test]
    fn the_longest_ttl_ends_after_2038() {
        assert_eq!(end(2_147_483_647, at(2_000_000_000_000)), 4_147_483_647);
    }
}
