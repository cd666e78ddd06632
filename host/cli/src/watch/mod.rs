//! `run --watch`: what is saved is built, and takes the place of what was served, without a request that fails.
//!
//! | file | holds |
//! |---|---|
//! | `watched` | when something was saved |
//! | `scope` | which files count |
//! | `tree` | what is in them, and which have changed |
//! | `build` | a build beside what is served |
//! | `renewal` | what comes of it: new code that answers, or a reason why the old one goes on |
//!
//! The stores stay open, and what is in them stays. What the host was started with stays, too: its configuration, its options.

mod build;
mod renewal;
mod scope;
mod tree;
mod watched;

pub(crate) use renewal::Renewal;
pub(crate) use watched::Watched;
