//! What tests of the loop have in common.

use crate::providers::linked::{AllowedIn, ProviderSpec};
use std::num::NonZeroUsize;
use std::time::Duration;

/// The deadline of a call.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// A store of so many instances.
pub(super) fn spec(instances: usize) -> ProviderSpec {
    ProviderSpec {
        name: "store".to_owned(),
        allow_hosts: std::iter::empty().collect(),
        memory: 1 << 20,
        instances: NonZeroUsize::new(instances),
        deadline: DEADLINE,
        allowed_in: AllowedIn::CommandLine,
        metadata: Vec::new(),
    }
}
