//! What comes out of an instance, whichever its building block and form.

use super::pool::{Fitness, Refused};
use super::serving::{Silent, Why};
use dapr_blocks::Pulse;
use dapr_blocks::state::Health;

/// What a call gives: what the provider answered, or the trap that ended the instance.
pub(super) type Answer<T> = wasmtime::Result<T>;

/// How many instances may serve one store at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instances {
    One,
    Several,
}

/// What a provider says of itself, as far as it matters whatever its building block.
pub(super) trait Declared: Clone + PartialEq + Send + Sync + 'static {
    /// How many instances there may be.
    fn instances(&self) -> Instances;
}

/// What a provider answers, as far as it tells of the server behind it.
pub(super) trait Heard {
    /// Whether it says that the server cannot be reached, or broke off.
    fn is_away(&self) -> bool;
}

/// Notes an answer.
pub(super) fn note(pulse: &Pulse, answer: &impl Heard) {
    match answer.is_away() {
        // In what way may be the server's own words, and is for the log.
        true => pulse.silent("its server cannot be reached; the log has the causes"),
        false => pulse.answered(),
    }
}

/// That a provider answered what it must not, for the log.
pub(super) fn untrue(what: impl AsRef<str>) -> String {
    format!("the store answered {}", what.as_ref())
}

/// A provider's text as the host passes it on: cut, since it may be as long as the provider's memory.
pub(super) fn shown(text: &str) -> String {
    const MAX_BYTES: usize = 1 << 10;
    match text.len() > MAX_BYTES {
        true => format!("{}…", &text[..text.floor_char_boundary(MAX_BYTES)]),
        false => text.to_owned(),
    }
}

/// What an app hears of a call that was not begun; nothing if it should ask again later.
pub(super) fn refused(refused: &Refused) -> Option<&'static str> {
    match refused {
        Refused::Full => None,
        // The log has the cause, once.
        Refused::Down => Some("its component keeps failing and starts again later"),
        Refused::Closed => Some("the host is stopping"),
    }
}

/// What an app hears of a request that has no answer.
pub(super) fn silent(silent: &Silent) -> String {
    let (Silent::NotBegun(why) | Silent::Begun(why)) = silent;
    match why {
        Why::TooSlow(deadline) => format!("no answer within {deadline:?}"),
        Why::Ended => "its component failed during the call".to_owned(),
    }
}

/// What operators hear of the instances, and where those are well, of the server behind them.
pub(super) fn health(fitness: Fitness, pulse: &Pulse) -> Health {
    match fitness {
        Fitness::Well => pulse.health(),
        // The causes may be the server's own words, and are for the log.
        Fitness::Failing { failures } => Health::Failing(format!(
            "its component failed {failures} times in a row; the log has the causes"
        )),
    }
}
