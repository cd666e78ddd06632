//! Instances that serve calls one at a time, and take the place of those that broke.
//!
//! Each of the pool's places is in one of four states:
//!
//! | state | becomes |
//! |---|---|
//! | idle | busy, with a call |
//! | busy | idle, or starting or resting if the instance broke |
//! | starting: an instance is being made | idle, or resting if that fails |
//! | resting: nothing is there until the back-off has passed | starting |
//!
//! Places come into being as calls find no idle one. A call that finds none waits in a bounded queue; if all places rest, it
//! is refused at once, since waiting for a store that breaks at each call would only make its callers slow.
//!
//! The first failure costs no rest, so that one bad call is felt by nobody else. What breaks again soon rests twice as long
//! each time, so that a provider that always breaks costs its neighbours next to nothing, and heals by itself when it can.
//!
//! | file | holds |
//! |---|---|
//! | `places` | [`Pool`], the places and who waits for one |
//! | `lease` | [`Lease`], an instance for one call |
//! | `failures` | what went wrong lately, and how long to rest after it |

mod failures;
mod lease;
mod places;

pub(super) use failures::{FIRST_REST, Failures, Fitness};
pub(super) use lease::Broken;
pub(super) use places::{Pool, Refused, Start};
