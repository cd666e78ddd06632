//! Secret stores, end to end: the real binary, and guests that read secrets in WASI 0.2 and 0.3.
//!
//! | file | holds |
//! |---|---|
//! | `reading` | what apps are answered |
//! | `referring` | `{ secret = "NAME" }` in `components.toml` |
//! | `away` | stores that are away |
//! | `in_wasm` | secret stores in WebAssembly |
//! | `never_shown` | a secret in every place, and everything that the host says |

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

mod away;
mod in_wasm;
mod never_shown;
mod reading;
mod referring;
