//! The engines of the process: how guests are compiled, where their memory comes from, and what interrupts them.
//!
//! A guest that uses nothing of the component model's concurrency has an engine without it: each call of an engine with it
//! goes through an event loop (decision 36). Apps and stores have pools of their own.
//!
//! Two settings decide what a fresh instance per request costs: the pooling allocator with memory kept resident, and the
//! kernel's page-map scan (Linux 6.7) that finds the pages to reset. Together they are worth a factor of three
//! (decision 11), so that falling back is worth a warning.

use crate::limits::Limits;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, Memory, MemoryType, PoolingAllocationConfig, Store,
};

/// How often a running guest lets others run: short enough that a busy guest is not felt, long enough to cost nothing.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Memory that a pool slot keeps when its instance ends, so that the next one need not fault it in again. Larger than the
/// initial memory of a Rust guest (17 pages), smaller than what a burst may leave behind.
const KEEP_RESIDENT: usize = 2 << 20;

/// Warm slots that stay after a burst: 64 at [`KEEP_RESIDENT`] hold 128 MiB at the very worst.
const WARM_SLOTS: u32 = 64;

/// The same of a table: as much as most have. Of tables every slot that was ever used stays warm.
const KEEP_RESIDENT_TABLE: usize = 64 << 10;

/// Core instances that a component may consist of where they come from a pool. Toolchains make a handful.
pub const CORE_INSTANCES: u32 = 128;

/// Memories of a component in a pool. Most core modules of a component have none of their own.
pub const MEMORIES: u32 = 16;

/// Tables of a component in a pool.
pub const TABLES: u32 = 64;

/// Elements of a table in a pool.
pub const TABLE_ELEMENTS: usize = 100_000;

/// Instances of stores in WebAssembly, of all of them together, where they come from a pool.
pub const STORE_INSTANCES: usize = 256;

/// Whose code an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guests {
    /// Apps: an instance for one request or for some.
    Apps(Calls),
    /// Stores: few instances that live long, and have one call after the other.
    Stores,
}

/// How the calls of a guest are made. What is compiled for the one cannot be loaded for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// One after the other, which is all that WASI 0.2 knows.
    Plain,
    /// Several at once in one instance, in an event loop: the component model's concurrency, and so WASI 0.3.
    Concurrent,
}

impl Guests {
    /// How their calls are made.
    pub fn calls(self) -> Calls {
        match self {
            Self::Apps(calls) => calls,
            Self::Stores => Calls::Plain,
        }
    }
}

/// The engines of a process, each made when it is first asked for.
#[derive(Clone)]
pub struct Engines(Arc<Made>);

struct Made {
    allocator: Allocator,
    limits: Limits,
    plain: OnceLock<Engine>,
    concurrent: OnceLock<Engine>,
    stores: OnceLock<Engine>,
}

impl Engines {
    /// None yet.
    pub fn new(allocator: Allocator, limits: &Limits) -> Self {
        Self(Arc::new(Made {
            allocator,
            limits: limits.clone(),
            plain: OnceLock::new(),
            concurrent: OnceLock::new(),
            stores: OnceLock::new(),
        }))
    }

    /// The engine of these guests.
    ///
    /// # Errors
    ///
    /// If the system refuses the address space of its pool, or lacks what every guest needs.
    pub fn of(&self, guests: Guests) -> wasmtime::Result<&Engine> {
        let Made { allocator, limits, .. } = &*self.0;
        let made = self.0.place(guests);
        if let Some(engine) = made.get() {
            return Ok(engine);
        }
        let engine = Engine::new(&config(guests, *allocator, limits))?;
        Ok(made.get_or_init(|| engine))
    }
}

impl Made {
    fn place(&self, guests: Guests) -> &OnceLock<Engine> {
        match guests {
            Guests::Apps(Calls::Plain) => &self.plain,
            Guests::Apps(Calls::Concurrent) => &self.concurrent,
            Guests::Stores => &self.stores,
        }
    }

    fn tick(&self) {
        for engine in [&self.plain, &self.concurrent, &self.stores] {
            if let Some(engine) = engine.get() {
                engine.increment_epoch();
            }
        }
    }
}

/// Where guests' memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocator {
    /// A pool of reserved address space: fast.
    Pooling,
    /// `mmap` for each instance: two to four times slower under load.
    OnDemand,
}

impl Allocator {
    /// The pool if this process can reserve the address space it needs, else on demand.
    ///
    /// Probed as `wasmtime serve` does: one memory with as much reserved address space as the pool will want.
    pub fn probe() -> Self {
        const BITS: u32 = 43;
        let mut config = Config::new();
        config.wasm_memory64(true).memory_reservation(1 << BITS);
        let probed = Engine::new(&config).and_then(|engine| {
            let mut store = Store::new(&engine, ());
            const PAGE_BITS: u32 = 16;
            Memory::new(&mut store, MemoryType::new64(0, Some(1 << (BITS - PAGE_BITS))))
        });
        match probed {
            Ok(_) => {
                if !scans_page_maps() {
                    tracing::warn!(
                        "this kernel cannot scan page maps (Linux 6.7 can): fresh instances take about a third longer"
                    );
                }
                Self::Pooling
            }
            Err(error) => {
                tracing::warn!(
                    cause = %error,
                    "no address space for a pool of instances, 8 TiB: requests take two to four times longer; \
                     `ulimit -v unlimited` lifts the limit that is most often set"
                );
                Self::OnDemand
            }
        }
    }
}

/// How this host runs guests.
///
/// The process that compiles and the one that loads must agree on it, or loading refuses the file.
pub fn config(guests: Guests, allocator: Allocator, limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(guests.calls() == Calls::Concurrent);
    let instances = match guests {
        Guests::Apps(_) => limits.instances(),
        Guests::Stores => STORE_INSTANCES,
    };
    match allocator {
        Allocator::Pooling => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
        }
        // Address space is what there is too little of: wasmtime's own choice is 4 GiB of it for each memory.
        Allocator::OnDemand => {
            config
                .memory_reservation(0)
                .memory_reservation_for_growth(1 << 20)
                .memory_guard_size(64 << 10)
                .memory_may_move(true);
        }
    }
    config
}

fn pool(instances: usize) -> PoolingAllocationConfig {
    let instances = u32::try_from(instances).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    // One request is one component instance, and so is an instance of a store. A component is several core modules, of which few have a memory.
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(16))
        .total_memories(instances.saturating_add(instances / 4))
        .total_tables(instances.saturating_mul(2))
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(2 << 20)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT_TABLE)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(WARM_SLOTS)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Whether the kernel tells which pages an instance has touched, so that only those are cleared for the next.
pub fn scans_page_maps() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Ticks the engines' epochs, so that no guest holds a thread for longer than [`EPOCH_TICK`]. Stops when dropped.
#[must_use = "guests are not interrupted once this is dropped"]
pub struct EpochTicker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EpochTicker {
    /// Starts ticking, on a thread of its own since the runtime's may all be busy in guests.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub fn start(engines: &Engines) -> std::io::Result<Self> {
        let engines = Arc::clone(&engines.0);
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while matches!(stopped.recv_timeout(EPOCH_TICK), Err(RecvTimeoutError::Timeout)) {
                engines.tick();
            }
        })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for EpochTicker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A ticker that panicked has nothing to clean up.
            let _ = thread.join();
        }
    }
}
