//! Panics of a library that reads what others wrote, as errors.
//!
//! Some libraries take a file as one of their own make, and panic where it is not. What they were doing is dropped whole, so
//! that nothing broken is left behind.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// A panic, in the words of who panicked.
#[derive(Debug, thiserror::Error)]
#[error("what reads it gave up: {0}")]
pub(crate) struct Caught(String);

/// What the work gives, unless it panics. It must not share what it changes with anybody.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    let before = CATCHING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    outcome.map_err(|panic| Caught(words(&*panic)))
}

/// From now on, a panic that is told as an error is not printed as well. For a program to call once, when it starts.
pub fn print_no_caught_panic() {
    let print = take_hook();
    set_hook(Box::new(move |panic| {
        if !CATCHING.get() {
            print(panic);
        }
    }));
}

/// The first line: others have values in them.
fn words(panic: &(dyn Any + Send)) -> String {
    let words = match panic.downcast_ref::<String>() {
        Some(words) => Some(words.as_str()),
        None => panic.downcast_ref::<&str>().copied(),
    };
    let line = words.and_then(|words| words.lines().next());
    line.unwrap_or("for no reason that it names").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_first_line() {
        let give_up = |words: &str| caught(|| assert!(words.is_empty(), "{words}")).map_err(|panic| panic.to_string());
        assert_eq!(give_up(""), Ok(()));
        let first = "what reads it gave up: one".to_owned();
        assert_eq!(give_up("one\ntwo"), Err(first));
    }
}
