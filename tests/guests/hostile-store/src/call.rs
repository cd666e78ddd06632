//! What a command does to any call.

use crate::bindings::exports::dapr::state::provider::Error;
use crate::{exhaust, speak};
use std::sync::OnceLock;
use std::time::Duration;

/// What each call does, whatever its key says.
static EACH: OnceLock<String> = OnceLock::new();

/// Has each call from now on do so.
pub fn do_each(command: &str) {
    EACH.get_or_init(|| command.to_owned());
}

/// What is longer than a host should keep or pass on.
pub const LONG: usize = 1 << 20;

/// The command in a key or prefix: what an app has named.
pub fn command(key: &str) -> &str {
    key.rsplit_once("||").map_or(key, |(_, name)| name)
}

/// Text that is none. The compiler takes a `String` for UTF-8; nothing here reads it before it has left the instance.
pub fn no_text() -> String {
    // SAFETY: it is not UTF-8, which is the point: it is handed to the host as it is and not looked at in between.
    unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe, b'z']) }
}

/// Misbehaves if the key says so.
pub fn begin(key: &str) -> Result<(), Error> {
    let command = EACH.get().map_or_else(|| command(key), String::as_str);
    match command {
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("on purpose"),
        "exit" => std::process::exit(3),
        "loop" => exhaust::time(),
        "recurse" => drop(std::hint::black_box(exhaust::calls())),
        "hang" => exhaust::patience(),
        "grow" => exhaust::memory(),
        "handles" => exhaust::handles(),
        "print" => speak::for_ever(),
        "say" => speak::oddly(),
        _ => {
            let slow = command.strip_prefix("slow-").and_then(|number| number.parse().ok());
            if let Some(milliseconds) = slow {
                std::thread::sleep(Duration::from_millis(milliseconds));
            }
        }
    }
    refuse(key, command)
}

fn refuse(key: &str, command: &str) -> Result<(), Error> {
    let text = || format!("the key says `{command}`");
    Err(match command {
        "fail" => Error::Invalid(text()),
        "too-large" => Error::TooLarge(text()),
        "deny" => Error::Denied(text()),
        "throttle" => Error::Throttled,
        "unavailable" => Error::Unavailable(text()),
        "outcome-unknown" => Error::OutcomeUnknown(text()),
        "internal" => Error::Internal("a secret: the address is 10.0.0.1".to_owned()),
        "mismatch" => Error::EtagMismatch(Some(key.to_owned())),
        "unsaid" => Error::EtagMismatch(None),
        "mismatch-other" => Error::EtagMismatch(Some("another-app||secret".to_owned())),
        "error-long" => Error::Unavailable("\u{1b}[31m\n\0\u{202e}".repeat(LONG / 10)),
        quote if quote.starts_with("quote ") => Error::Unavailable(format!("the server says {quote:?}, and {quote}")),
        "error-utf8" => Error::Unavailable(no_text()),
        _ => return Ok(()),
    })
}

/// The results of a bulk call, of which there are too many or too few if a key says so.
pub fn miscounted<T>(mut results: Vec<T>, keys: &[String], more: impl FnOnce() -> T) -> Vec<T> {
    if keys.iter().any(|key| command(key) == "short") {
        results.pop();
    }
    if keys.iter().any(|key| command(key) == "extra") {
        results.push(more());
    }
    results
}
