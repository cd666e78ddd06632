//! State stores.
//!
//! | `type` | cargo feature | keeps items |
//! |---|---|---|
//! | `in-memory` | `state-memory` | in this process, until it ends |
//! | `postgresql` | `state-postgresql` | in tables that daprd reads and writes, too |
//! | `redis` | `state-redis` | on a Redis server, as daprd does |
//! | `sqlite` | `state-sqlite` | in a file that daprd reads and writes, too |

#[cfg(any(feature = "state-postgresql", feature = "state-redis"))]
mod anybody;
#[cfg(any(feature = "state-memory", feature = "state-sqlite"))]
mod expiry;
#[cfg(feature = "state-postgresql")]
mod json;
#[cfg(any(feature = "state-memory", feature = "state-sqlite"))]
mod max_size;
#[cfg(feature = "state-memory")]
pub mod memory;
#[cfg(any(feature = "state-postgresql", feature = "state-sqlite"))]
mod percent;
#[cfg(feature = "state-postgresql")]
pub mod postgresql;
#[cfg(feature = "state-redis")]
pub mod redis;
mod settings;
#[cfg(feature = "state-sqlite")]
pub mod sqlite;
#[cfg(any(feature = "state-memory", feature = "state-postgresql", feature = "state-sqlite"))]
mod walk;

pub use settings::{OpenError, Seen, StateSettings};
