//! `run --watch`: what is saved takes the place of what is served, and nobody who asks notices more than another answer.
//!
//! | file | claims about |
//! |---|---|
//! | `replaced` | a file: requests before, at and after the change, stores, code that does not do |
//! | `built` | a project: builds that work and fail, saving while one runs, the end of the host |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod built;
mod ground;
mod replaced;
