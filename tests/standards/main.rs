//! The interfaces that hosts share, end to end: components that know nothing of this host, and do here what they do elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `others` | what others wrote for other hosts, without a change |
//! | `keyvalue` | `wasi:keyvalue` in both drafts, `wasi:config` and `wasi:logging` |
//! | `asking` | outgoing `wasi:http`: whom an app may ask, and what goes wrong |
//! | `names` | what a name on the list leads to |
//! | `go_release` | nothing: another release of Go than the installed one |
//! | `sockets` | sockets of an app in Go: `net/http` and a driver, against real servers |
//! | `tls` | the same over TLS, in HTTP/1 and HTTP/2 |

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

mod asking;
#[cfg(feature = "servers")]
mod go_release;
mod keyvalue;
mod names;
mod others;
#[cfg(feature = "servers")]
mod sockets;
mod tls;
