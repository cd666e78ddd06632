//! `state.redis`: items on a Redis server that daprd reads and writes, too.
//!
//! ```text
//! calls ──► link ──► one connection    many calls at once; each is one script and one round trip
//!             │
//!             └─ keeper                one task, which connects again when the connection is gone
//! ```
//!
//! Redis does one thing at a time, so that a connection more gives nothing; and a script is done whole or not at all, so
//! that what the rules ask of a write (a condition, an etag, an end, all of a transaction) is one script.
//!
//! | file | holds |
//! |---|---|
//! | `settings`, `address` | [`RedisSettings`], Dapr's metadata names |
//! | `store` | [`RedisStore`]: what a call is in commands |
//! | `link`, `places` | the connection that comes back by itself, and how many calls may wait for it |
//! | `dial`, `tls`, `wire` | making a connection, and what is made |
//! | `script`, `read.lua`, `write.lua` | the scripts |
//! | `layout` | how an item lies in Redis, and what the scripts are told and answer |
//! | `listing` | which keys are listed |
//! | `open_error`, `fault`, `said` | what goes wrong when opening, and later |

mod address;
mod dial;
mod fault;
mod layout;
mod link;
mod listing;
mod open_error;
mod places;
mod said;
mod script;
mod settings;
mod store;
mod tls;
mod wire;

pub use address::{Address, InvalidAddress};
pub use dial::DialError;
pub use open_error::OpenError;
pub use said::Said;
pub use settings::{Identity, RedisSettings, Tls, Verify};
pub use store::RedisStore;
