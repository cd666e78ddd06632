//! A state store as Go's plugins are since 1.24: started by `_initialize`. Build for `wasm32-wasip1`.

#[path = "../../shared/plugin.rs"]
mod plugin;
#[path = "../../shared/protobuf.rs"]
mod protobuf;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const DIALECT: plugin::Dialect = plugin::Dialect::Newer;

unsafe extern "C" {
    /// The linker's. Whoever calls it takes over what the linker would else do in each export: call it again.
    fn __wasm_call_ctors();
}

/// What `crt1-reactor.o` of the C library has, which stable Rust does not link. As that does, it traps when it is called twice.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.swap(true, Relaxed) {
        core::arch::wasm32::unreachable();
    }
    // SAFETY: this is the first thing that is called, and it comes here once.
    unsafe { __wasm_call_ctors() };
    plugin::start();
}
