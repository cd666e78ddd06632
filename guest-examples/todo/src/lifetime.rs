//! When a todo goes away by itself.
//!
//! The store counts a TTL from the moment of a write. A todo keeps the second of its end as well, and each change gives the
//! store what is left until then: were the store's own end passed on from change to change, each could add the part of a
//! second that it was rounded up by, and a todo that is changed often enough would never end.

use crate::failure::Failure;
use std::time::{Duration, SystemTime};

/// When a lifetime that begins now has passed, in seconds since 1970. The second that has begun counts in full.
pub fn end(ttl: u32) -> u64 {
    let now = now();
    now.as_secs() + u64::from(now.subsec_nanos() > 0) + u64::from(ttl)
}

pub fn is_over(end: u64) -> bool {
    now().as_secs() >= end
}

/// The seconds that are left until then.
pub fn remaining(end: u64) -> Result<u32, Failure> {
    match u32::try_from(end.saturating_sub(now().as_secs())) {
        Ok(0) => Err(Failure::NotFound),
        Ok(seconds) => Ok(seconds),
        Err(_) => Ok(i32::MAX as u32),
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
