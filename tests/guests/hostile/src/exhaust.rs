//! Takes all there is: time, stack, memory, handles.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Fields;

const MIB: usize = 1 << 20;

const HOUR_IN_NANOSECONDS: u64 = 3_600_000_000_000;

/// Computes for ever.
pub fn time() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Calls itself for ever. The numbers are on the engine's stack and not in memory, so that it is that one which ends.
pub fn calls() -> u64 {
    /// Never set, which the compiler cannot know.
    static ENOUGH: AtomicBool = AtomicBool::new(false);

    #[inline(never)]
    fn deeper(depth: u64) -> u64 {
        if ENOUGH.load(Relaxed) {
            return depth;
        }
        // Work after the call, or it would be a loop.
        deeper(depth + 1).rotate_left(1) ^ depth
    }
    deeper(0)
}

/// Takes memory, and writes to it, until there is none; says how many MiB there were.
pub fn memory() -> String {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more = Vec::new();
        if more.try_reserve_exact(MIB).is_err() || taken.try_reserve(1).is_err() {
            break;
        }
        more.resize(MIB, 1);
        taken.push(more);
    }
    let mebibytes = taken.len();
    // There must be some left to answer with.
    drop(taken);
    mebibytes.to_string()
}

/// Takes all memory that there is without writing to it, and keeps it.
pub fn memory_for_long() -> String {
    for pages in [16 << 10, 1 << 10, 64, 1] {
        while core::arch::wasm32::memory_grow(0, pages) != usize::MAX {}
    }
    patience()
}

/// Makes resources of the host and loses them.
pub fn handles() -> ! {
    loop {
        std::mem::forget(Fields::new());
    }
}

/// Adds headers until they are refused; says how many there were, and why it ended. WASI 0.2 has no word for "too many",
/// so that a host may well trap.
pub fn headers() -> String {
    let headers = Fields::new();
    let mut number = 0_u64;
    loop {
        if let Err(error) = headers.append(&format!("x-{number}"), &[b'x'; 1000]) {
            return format!("{number} {error:?}");
        }
        number += 1;
    }
}

/// Hands the host 48 MiB in one call, which it copies before it looks at them; says what came of it.
pub fn one_call() -> String {
    format!("{:?}", Fields::new().append("x-large", &vec![b'x'; 48 * MIB]))
}

/// Waits for an hour.
pub fn patience() -> String {
    monotonic_clock::subscribe_duration(HOUR_IN_NANOSECONDS).block();
    "good morning".to_owned()
}
