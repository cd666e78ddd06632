//! Real servers for stores to talk to: started in a folder of their own, broken in every way, gone when the test is.
//!
//! | module | holds |
//! |---|---|
//! | [`server`] | a server that runs, and the ways to break and to end it |
//! | [`setup`] | how a server is to be started: passwords, TLS |
//! | [`kind`] | which servers there are, and what differs between them |
//! | [`proxy`] | what stands between a server and its client, and breaks connections |
//! | `redis`, `postgresql`, `mariadb`, `memcached`, `etcd`, `zookeeper` | one server each: its first data, its command line, its own client |
//! | [`vault`] | a stand-in for HashiCorp Vault, which may not be had here |
//! | `process` | the processes of a server, which end with the tests |
//! | `program` | programs of servers and clients: where they are, run to their end |
//! | `socket` | a question and its answer, for servers without a client of their own |
//! | `port`, `certificate`, `disk` | a port to listen at; a certificate, and who signed it; a disk that can be full |
//!
//! Nothing here is of any use but in tests: data is never synced to the disk, which survives a killed server and not a
//! machine that loses power, and all passwords are the same word.

mod certificate;
mod disk;
mod etcd;
pub mod kind;
mod mariadb;
mod memcached;
mod port;
mod postgresql;
mod process;
mod program;
pub mod proxy;
mod redis;
pub mod server;
pub mod setup;
mod socket;
pub mod vault;
mod zookeeper;

pub use kind::Kind;
pub use proxy::Proxy;
pub use server::Server;
pub use setup::Setup;
pub use vault::Vault;
