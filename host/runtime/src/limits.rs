//! What a guest may use, and what all guests may use together.
//!
//! | what | bound by | default |
//! |---|---|---|
//! | memory of an instance, all its memories and tables together | [`MemoryLimiter`] | 128 MiB |
//! | memory of all instances together | [`MemoryBudget`] | half of the machine's or control group's |
//! | what one call makes the host allocate | `Store::set_hostcall_fuel` | 32 MiB |
//! | handles of an instance | `Store::set_max_component_handles`, `ResourceTable::set_max_capacity` | 10 000 |
//! | sockets of an instance, of one guest, of all | [`SocketBudget`] | 128, a quarter and half of the descriptors |
//! | headers of one message | `WasiHttpCtx::set_field_size_limit` | 128 KiB |
//!
//! Why the first is a running total and not wasmtime's own limit: that one holds for each memory alone, so a component of
//! N modules gets N times the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::{ResourceLimiter, ResourcesRequired};

/// The limits of the host, whatever the app. Those of an app are in [`crate::app::AppSpec`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests under way at once, each with an instance of its own at most.
    pub requests: usize,
    /// Open connections; beyond it the longest-idle one is closed.
    pub connections: usize,
    /// Bytes of a request's body.
    pub request_body: usize,
    /// The longest that a client may take to send a request's head.
    pub header_read: Duration,
    /// The longest that a client may leave the host waiting to send it more of an answer.
    pub send: Duration,
    /// How long requests under way may go on after the host was told to stop.
    pub drain: Duration,
    /// Bytes that one call from a guest may make the host allocate. Exhausting it traps, so it must exceed
    /// [`request_body`](Self::request_body).
    pub host_call: usize,
    /// Handles and host objects of one instance.
    pub handles: usize,
    /// Bytes of the headers of one message, as held in memory.
    pub headers: usize,
    /// Requests that an instance of a WASI 0.3 app serves at once.
    pub concurrency: usize,
    /// Requests that an instance of a WASI 0.3 app serves before it is replaced.
    pub reuse: usize,
    /// How long an instance without a request is kept.
    pub idle: Duration,
}

/// Headers of a request in HTTP/1. It is hyper's own limit: to set it would cost each request an allocation.
pub const HEADERS: usize = 100;

impl Limits {
    /// Instances of apps. More than requests: an idle instance has a place and no request.
    pub fn instances(&self) -> usize {
        self.requests + self.requests / 8
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 1000,
            connections: 1000,
            request_body: 16 << 20,
            header_read: Duration::from_secs(10),
            send: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            host_call: 32 << 20,
            handles: 10_000,
            headers: 128 << 10,
            concurrency: 16,
            reuse: 128,
            idle: Duration::from_secs(1),
        }
    }
}

/// What all guests may use together.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    max: usize,
    used: Arc<AtomicUsize>,
}

impl MemoryBudget {
    /// A budget of `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            used: Arc::default(),
        }
    }

    /// Half of what the control group or the machine has.
    pub fn of_this_machine() -> Self {
        Self::new(crate::machine::available_memory() / 2)
    }

    /// The bytes of the budget.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= self.max)
        });
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Sockets that an instance may have at once, of those of the [`SocketBudget`]. A connection pool has some tens.
pub const SOCKETS: usize = 128;

/// How many sockets all guests may have together. Clones are the same.
#[derive(Clone, Debug)]
pub struct SocketBudget {
    max: usize,
    free: Arc<Semaphore>,
}

impl SocketBudget {
    /// The most for all, however many descriptors there are.
    const MOST: usize = 2048;

    /// A budget of so many.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            free: Arc::new(Semaphore::new(max)),
        }
    }

    /// Half of the descriptors that this process may have: clients, files and outgoing requests need the others.
    pub fn of_this_process() -> Self {
        Self::new((crate::machine::descriptors() / 2).min(Self::MOST))
    }

    /// The most that one app or store may have, in all of its instances: what is left is enough for another.
    pub fn of_one(&self) -> usize {
        self.max / 2
    }

    pub(crate) fn free(&self) -> &Arc<Semaphore> {
        &self.free
    }
}

/// Bounds the memories and tables of one instance, in sum, within the budget of all.
///
/// What was granted stays charged until the instance ends, also where the system then refused it: wasmtime reports such a
/// failure in the same way as one that it never asked about, so that giving back would let a guest empty its account.
#[derive(Debug)]
pub struct MemoryLimiter {
    max: usize,
    used: usize,
    budget: MemoryBudget,
    refused_by_budget: bool,
}

/// A table's element is a pointer.
const TABLE_ELEMENT: usize = size_of::<usize>();

impl MemoryLimiter {
    /// A limiter for `max` bytes of one instance.
    pub fn new(max: usize, budget: MemoryBudget) -> Self {
        Self {
            max,
            used: 0,
            budget,
            refused_by_budget: false,
        }
    }

    /// Whether the budget of all has refused what the instance's own limit allows.
    pub fn was_refused_by_budget(&self) -> bool {
        self.refused_by_budget
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let within = self.used.checked_add(bytes).is_some_and(|used| used <= self.max);
        if !within {
            return false;
        }
        if !self.budget.take(bytes) {
            self.refused_by_budget = true;
            return false;
        }
        self.used += bytes;
        true
    }
}

impl Drop for MemoryLimiter {
    fn drop(&mut self) {
        self.budget.give_back(self.used);
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // What the module's own maximum refuses is not charged: wasmtime asks before it looks.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT)))
    }
}

/// Bytes of the largest memory or table that an instance begins with; 0 where that cannot be told.
pub(crate) fn begins_with(resources: Option<ResourcesRequired>) -> u64 {
    const PAGE: u64 = 64 << 10;
    let Some(resources) = resources else { return 0 };
    let memory = resources.max_initial_memory_size.unwrap_or_default();
    let table = resources.max_initial_table_size.unwrap_or_default();
    memory
        .saturating_mul(PAGE)
        .max(table.saturating_mul(TABLE_ELEMENT as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_count_together() {
        let mut limiter = MemoryLimiter::new(1000, MemoryBudget::new(10_000));
        assert!(limiter.memory_growing(0, 600, None).unwrap());
        assert!(!limiter.memory_growing(0, 600, None).unwrap(), "a second memory");
        assert!(!limiter.table_growing(0, 100, None).unwrap());
        assert!(limiter.table_growing(0, 50, None).unwrap());
    }

    #[test]
    fn a_guest_within_its_own_limit_is_refused_when_all_together_are_not() {
        let budget = MemoryBudget::new(1000);
        let mut first = MemoryLimiter::new(800, budget.clone());
        let mut second = MemoryLimiter::new(800, budget);
        assert!(first.memory_growing(0, 700, None).unwrap());
        assert!(!second.memory_growing(0, 700, None).unwrap());
        assert!(second.was_refused_by_budget());
        drop(first);
        assert!(second.memory_growing(0, 700, None).unwrap());
    }

    #[test]
    fn growth_beyond_the_modules_own_maximum_is_not_charged() {
        let budget = MemoryBudget::new(1000);
        let mut limiter = MemoryLimiter::new(1000, budget.clone());
        assert!(!limiter.memory_growing(0, 200, Some(100)).unwrap());
        assert_eq!(budget.used(), 0);
    }
}
