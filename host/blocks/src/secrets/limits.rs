//! How much an app may ask for and get at once. Checked in one place, around every store.

/// Bytes of a secret's name: 1 KiB, as of a key of state.
pub const NAME_BYTES: usize = 1 << 10;

/// Bytes of one secret, its keys and values together: 1 MiB, which is what Kubernetes lets one have.
pub const SECRET_BYTES: usize = 1 << 20;

/// Bytes of all secrets of a bulk call together, with their names and keys: 8 MiB, as of a bulk call of state.
pub const BULK_BYTES: usize = 8 << 20;
