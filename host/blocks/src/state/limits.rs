//! How much an app may hand over and get back at once. Checked in one place, around every store.

/// How much an app may hand over and get back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key, without its app's prefix: 1 KiB, which every vendor's key column takes.
    pub key: usize,
    /// Bytes of a value: 4 MiB, daprd's own limit on a request.
    pub value: usize,
    /// Items of a bulk call: 1000.
    pub items: usize,
    /// Operations of a transaction: 1000. Many vendors take fewer than items.
    pub operations: usize,
    /// Bytes of a call or of its result, with keys, values, etags, content types and metadata: 8 MiB, a quarter of what a
    /// guest's call may make the host allocate.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key: 1 << 10,
            value: 4 << 20,
            items: 1000,
            operations: 1000,
            batch: 8 << 20,
        }
    }
}

impl Limits {
    /// What both allow.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self {
            key: self.key.min(other.key),
            value: self.value.min(other.value),
            items: self.items.min(other.items),
            operations: self.operations.min(other.operations),
            batch: self.batch.min(other.batch),
        }
    }
}
