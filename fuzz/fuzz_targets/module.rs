//! The bytes of an app or a provider on their way in, up to where wasmtime compiles them: read or refused, in bounded time and memory.

#![no_main]

use dapr_wasm_fuzz::way_in;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    way_in::follow(bytes);
});
