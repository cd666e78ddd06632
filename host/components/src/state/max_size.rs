//! The least that `maxSize` may be, in every store of this crate.

use dapr_blocks::config::{ByteSize, TooSmall};

/// With less, a store is full before it has an item: SQLite's empty tables alone take half of it.
const MIN: ByteSize = ByteSize::kib(64);

/// Whether a store can work with this `maxSize`.
pub(crate) fn check(size: &ByteSize) -> Result<(), TooSmall> {
    size.at_least(MIN)
}
