//! How much an app may hand over at once. Checked in one place, before any store is asked.

/// How much an app may hand over at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key, without its app's prefix: 1 KiB, which every vendor's key column takes.
    pub key: usize,
    /// Bytes of a value: 4 MiB, daprd's own limit on a request.
    pub value: usize,
    /// Items of a bulk call or a transaction: 1000.
    pub items: usize,
    /// Bytes of all keys and values of a call, or of its result: 8 MiB, a quarter of what a guest's call may make the host
    /// allocate.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key: 1 << 10,
            value: 4 << 20,
            items: 1000,
            batch: 8 << 20,
        }
    }
}
