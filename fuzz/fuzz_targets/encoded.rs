//! Valid core modules with code in them, for preview 1 or for a world: each becomes a component.
//!
//! A target of its own, since it is a hundred times slower than the one of components.

#![no_main]

use dapr_wasm_fuzz::made::Module;
use dapr_wasm_fuzz::way_in;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|module: Module| {
    let arrived = way_in::follow(&module.binary);
    assert!(arrived.is_some(), "a module of the right shape is refused: {module:?}");
});
