//! Apps that are valid where random bytes are not: components with names of every kind, and modules for preview 1 or for a
//! world, with code in them. What the host reads of them must be what was put there.

#![no_main]

use arbitrary::Arbitrary;
use dapr_wasm_fuzz::made::{Module, Named};
use dapr_wasm_fuzz::way_in;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum App {
    Component(Named),
    Module(Module),
}

fuzz_target!(|app: App| {
    match app {
        App::Component(named) => {
            let arrived = way_in::follow(&named.binary()).expect("a component is taken as it is");
            named.check(&arrived);
        }
        App::Module(module) => {
            let arrived = way_in::follow(&module.binary);
            assert!(arrived.is_some(), "a module of the right shape is refused: {module:?}");
        }
    }
});
