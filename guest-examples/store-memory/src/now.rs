//! The time of a call: asked for when it is first needed, which for most calls is never, and the same for all of the call.

use std::{cell::OnceCell, time::SystemTime};

/// The time of a call.
#[derive(Default)]
pub struct Now(OnceCell<SystemTime>);

impl Now {
    /// A time that is known, for tests.
    #[cfg(test)]
    pub fn at(time: SystemTime) -> Self {
        Self(OnceCell::from(time))
    }

    pub fn time(&self) -> SystemTime {
        *self.0.get_or_init(SystemTime::now)
    }
}
