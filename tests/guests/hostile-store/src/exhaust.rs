//! Takes all there is: time, stack, memory, handles.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wasip2::clocks::monotonic_clock;

const MIB: usize = 1 << 20;

const HOUR_IN_NANOSECONDS: u64 = 3_600_000_000_000;

/// Computes for ever.
pub fn time() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Waits for ever.
pub fn patience() -> ! {
    loop {
        monotonic_clock::subscribe_duration(HOUR_IN_NANOSECONDS).block();
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

/// Takes memory, and writes to it, until there is none. It is free again afterwards, and the instance no smaller.
pub fn memory() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more = Vec::new();
        if more.try_reserve_exact(MIB).is_err() || taken.try_reserve(1).is_err() {
            break;
        }
        more.resize(MIB, 1);
        taken.push(more);
    }
}

/// Makes resources of the host and loses them.
pub fn handles() -> ! {
    loop {
        std::mem::forget(monotonic_clock::subscribe_duration(HOUR_IN_NANOSECONDS));
    }
}
