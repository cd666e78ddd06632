//! Components that are nothing but names, of every kind: what the host reads of one must be what was put there.

#![no_main]

use dapr_wasm_fuzz::made::Named;
use dapr_wasm_fuzz::way_in;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|named: Named| {
    let arrived = way_in::follow(&named.binary()).expect("a component is taken as it is");
    named.check(&arrived);
});
