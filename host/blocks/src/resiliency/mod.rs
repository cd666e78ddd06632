//! Resiliency, with Dapr's model: how long an attempt may take, what is tried again and when, and when a component that keeps
//! failing is left alone.
//!
//! Around each call stands retry( circuit breaker( timeout( attempt ) ) ), as in Dapr (`dapr/dapr` `d8450742`,
//! `pkg/resiliency`). What differs:
//!
//! - All attempts together end at the deadline of the call, and an attempt that could not begin before it is not waited for.
//! - Only what is safe is tried again: a write of which nobody knows whether it was done is not, unless doing it twice is
//!   doing it once. Dapr tries everything again but etag mismatches.
//! - Without a policy of its own, a component that is a server's client has [`Retry::for_servers`].
//!
//! | file | holds |
//! |---|---|
//! | `policy` | [`Policy`], what a configuration says of one component |
//! | `retry` | [`Retry`]: how often and when |
//! | `breaker`, `trip` | [`CircuitBreaker`], its settings, and the condition that opens it |
//! | `guard` | [`Guard`], a policy at work |

mod breaker;
mod guard;
mod policy;
mod retry;
mod trip;

pub use breaker::{BreakerSettings, CircuitBreaker};
pub use guard::{Attempts, Guard, Refused, Repeat, Verdict};
pub use policy::Policy;
pub use retry::{Retry, Retryable, Times};
pub use trip::{Trip, TripError};
