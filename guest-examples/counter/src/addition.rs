//! Adding one to a number that others may be adding to at the same time.

use crate::{
    bindings::dapr::state::types::{Condition, Error},
    failure::Failure,
};

/// How often an addition starts again because another request was faster. Each round lets at least one of them through,
/// so that this many must collide before one is refused.
pub const TRIES: usize = 64;

/// Where a number lies.
pub trait Place {
    /// The number, and the condition under which it is still this one.
    fn read(&self) -> Result<(u64, Condition), Failure>;

    /// Writes a number if the condition holds.
    fn write(&self, number: u64, condition: Condition) -> Result<(), Error>;
}

/// Reads, adds and writes on the condition that nobody wrote in between: two requests at once count as two.
pub fn add_one(place: &impl Place) -> Result<u64, Failure> {
    for _ in 0..TRIES {
        let (number, condition) = place.read()?;
        let number = number.checked_add(1).ok_or(Failure::Full)?;
        match place.write(number, condition) {
            Ok(()) => return Ok(number),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(Failure::Store(error)),
        }
    }
    Err(Failure::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A number to which somebody else adds one between each read and write, so many times.
    struct Contested {
        number: Cell<u64>,
        others: Cell<u64>,
    }

    fn contested(number: u64, others: u64) -> Contested {
        Contested {
            number: Cell::new(number),
            others: Cell::new(others),
        }
    }

    impl Place for Contested {
        fn read(&self) -> Result<(u64, Condition), Failure> {
            let number = self.number.get();
            if let Some(others) = self.others.get().checked_sub(1) {
                self.others.set(others);
                self.number.set(number + 1);
            }
            Ok((number, Condition::Matches(number.to_string())))
        }

        fn write(&self, number: u64, condition: Condition) -> Result<(), Error> {
            match condition {
                Condition::Matches(etag) if etag == self.number.get().to_string() => {
                    self.number.set(number);
                    Ok(())
                }
                _ => Err(Error::EtagMismatch("somebody else wrote".to_owned())),
            }
        }
    }

    #[test]
    fn an_addition_that_collides_63_times_counts() {
        let place = contested(0, 63);
        assert!(matches!(add_one(&place), Ok(64)));
        assert_eq!(place.number.get(), 64);
    }

    #[test]
    fn an_addition_that_collides_64_times_is_a_409_and_counts_nothing() {
        let place = contested(0, u64::MAX);
        let failure = add_one(&place).expect_err("others were faster each time");
        assert_eq!(
            place.number.get(),
            64,
            "others added one in each round, and nobody else did"
        );
        assert_eq!(failure.spoken().0, 409);
    }

    #[test]
    fn a_counter_at_its_maximum_stays_there() {
        let place = contested(u64::MAX, 0);
        assert!(matches!(add_one(&place), Err(Failure::Full)));
        assert_eq!(place.number.get(), u64::MAX);
    }
}
