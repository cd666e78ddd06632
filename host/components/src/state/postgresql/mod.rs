//! `state.postgresql`: items in tables that daprd reads and writes, too, in both of its layouts.
//!
//! ```text
//! calls ──► request ──► a connection of the pool ──► one statement, one round trip
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `settings`, `identifier` | [`PostgresqlSettings`], Dapr's metadata names |
//! | `connection_string`, `parameters`, `server` | where the server is and how it is reached |
//! | `tls` | what is demanded of its certificate |
//! | `layout`, `statements` | daprd's two layouts, and what is said to the server |
//! | `schema` | daprd's tables, and what stands beside them |
//! | `pool`, `session` | connections |
//! | `probe` | waits for a server that is away |
//! | `store` | [`PostgresqlStore`] |
//! | `read`, `write`, `listing` | one type for each request |
//! | `cleanup` | removes what has ended |
//! | `open_error`, `fault` | what goes wrong when opening, and later |

mod cleanup;
mod connection_string;
mod fault;
mod identifier;
mod layout;
mod listing;
mod open_error;
mod parameters;
mod pool;
mod probe;
mod read;
mod schema;
mod server;
mod session;
mod settings;
mod statements;
mod store;
mod tls;
mod write;

pub use identifier::{Identifier, InvalidIdentifier, Prefix};
pub use layout::Layout;
pub use open_error::{OpenError, Said};
pub use server::{Host, Server, SslMode, Tls};
pub use settings::PostgresqlSettings;
pub use store::PostgresqlStore;
