//! What the probes are asked, and what they answer that does not depend on the kind of app.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The store of all probes.
pub const STORE: &str = "statestore";

/// The key that a test makes slow.
pub const SLOW: &str = "slow";

/// How often an addition starts again because another request was faster.
pub const TRIES: usize = 64;

static SERVED: AtomicU64 = AtomicU64::new(0);

/// What to do.
pub enum Ask {
    /// `GET /served`: say how many requests this instance was asked, this one included.
    Served(u64),
    /// `GET /overlap?n=N`: read [`SLOW`] N times, at once where that is possible, and say how many milliseconds it took.
    Overlap(usize),
    /// `GET /patience?n=N`: as `overlap`, and reads to the end where a read fails.
    Patience(usize),
    /// `GET /NAME`: say the number under this name.
    Read(String),
    /// `POST /NAME`: add one to it.
    Add(String),
}

impl Ask {
    /// To be called once a request, since it counts them.
    pub fn new(is_post: bool, target: &str) -> Self {
        let served = SERVED.fetch_add(1, Relaxed) + 1;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let name = path.strip_prefix('/').unwrap_or(path);
        match name {
            _ if is_post => Self::Add(name.to_owned()),
            "served" => Self::Served(served),
            "overlap" => Self::Overlap(times(query)),
            "patience" => Self::Patience(times(query)),
            _ => Self::Read(name.to_owned()),
        }
    }
}

fn times(query: &str) -> usize {
    query.strip_prefix("n=").and_then(|n| n.parse().ok()).unwrap_or(8)
}

/// The number that a value is in text, 0 where there is none.
pub fn number(value: Option<&[u8]>) -> Result<u64, String> {
    let Some(value) = value else { return Ok(0) };
    let text = str::from_utf8(value).map_err(|error| error.to_string())?;
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

/// How many milliseconds ago it was.
pub fn millis_since(start: Instant) -> Result<u64, String> {
    u64::try_from(start.elapsed().as_millis()).map_err(|error| error.to_string())
}
