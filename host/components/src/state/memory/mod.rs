//! `state.in-memory`: items in this process, lost when it ends.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | [`MemorySettings`] |
//! | `store` | [`MemoryStore`], the lock and the etags |
//! | `items` | the map, its index of ends, and how much it holds |

mod items;
mod settings;
mod store;

pub use settings::MemorySettings;
pub use store::MemoryStore;
