//! `state.sqlite`: items in a file that daprd reads and writes, too.
//!
//! ```text
//! calls ──► queue of writes ──► one writer thread    groups what is queued into one transaction, answers after COMMIT
//!       └─► queue of reads  ──► reader threads       one connection each; a call sees one state of the file
//! ```
//!
//! SQLite has one writer at a time and a commit waits for the disk, so one commit for all who wait is what makes writes
//! fast; and its calls block, so they stay off the runtime's threads.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | [`SqliteSettings`], Dapr's metadata names |
//! | `connection_string` | the path in a `connectionString` |
//! | `store` | [`SqliteStore`], the queues and the threads |
//! | `queue` | a bounded queue in front of threads |
//! | `writer`, `transaction`, `change`, `cleanup`, `log` | the writer thread |
//! | `reader` | the reader threads |
//! | `file` | the file: creating it, connecting to it |
//! | `schema` | daprd's tables, and what stands beside them |
//! | `row` | how a value stands in a row |
//! | `open_error`, `fault` | what goes wrong when opening, and later |

mod change;
mod cleanup;
mod connection_string;
mod fault;
mod file;
mod log;
mod open_error;
mod queue;
mod reader;
mod row;
mod schema;
mod settings;
mod store;
mod transaction;
mod writer;

pub use open_error::{OpenError, Said};
pub use settings::{Identifier, InvalidIdentifier, Journal, SqliteSettings, Synchronous};
pub use store::SqliteStore;
