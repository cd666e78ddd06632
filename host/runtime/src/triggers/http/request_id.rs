//! The number of a request, under which the log has it and its client is told of it.

use http::header::HeaderValue;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers requests, unlike those of an earlier run of the host.
pub(super) struct Ids {
    run: u32,
    next: AtomicU64,
}

/// The id of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestId {
    run: u32,
    number: u64,
}

impl Default for Ids {
    fn default() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        // The low bits of milliseconds: enough to tell runs apart in a log.
        Self {
            run: now.as_millis() as u32,
            next: AtomicU64::new(1),
        }
    }
}

impl Ids {
    pub(super) fn next(&self) -> RequestId {
        RequestId {
            run: self.run,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.run, self.number)
    }
}

impl RequestId {
    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
    }
}
