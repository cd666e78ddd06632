//! When items end: at a whole second of the wall clock, the same rule in every store of this crate.
//!
//! An item lives while the clock's second is before its end. Rounding the end up makes it live at least its TTL, and less
//! than a second more. daprd rounds down, so an item of its own lives up to a second less than its TTL.

use dapr_blocks::state::Ttl;
use std::time::{Duration, SystemTime};

/// The second at which an item ends that is written now, counted from the Unix epoch.
pub(crate) fn end(ttl: Ttl, now: SystemTime) -> u64 {
    let now = since_epoch(now);
    let next_second = now.as_secs() + u64::from(now.subsec_nanos() > 0);
    next_second + u64::from(ttl.seconds())
}

/// Whether an item with this end has ended.
#[cfg(feature = "state-memory")]
pub(crate) fn has_ended(end: u64, now: SystemTime) -> bool {
    since_epoch(now).as_secs() >= end
}

/// A clock before 1970 counts as 1970: then items live longer, which harms less than ending early.
fn since_epoch(now: SystemTime) -> Duration {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis)
    }

    #[test]
    fn an_end_is_the_ttl_rounded_up_to_a_whole_second() {
        let ttl = Ttl::new(5).unwrap();
        assert_eq!(end(ttl, at(100, 0)), 105);
        assert_eq!(end(ttl, at(100, 1)), 106);
        assert_eq!(end(ttl, at(100, 999)), 106);
    }

    #[cfg(feature = "state-memory")]
    #[test]
    fn an_item_lives_until_its_end_and_not_a_moment_longer() {
        assert!(!has_ended(106, at(105, 999)));
        assert!(has_ended(106, at(106, 0)));
    }
}
