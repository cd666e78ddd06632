//! Makes the seeds of the target `module`, which are committed: `cargo run --release --example seeds`.
//!
//! They are the apps of the command's golden tests, and two core modules that a component can be made of.

// All code here counts what it reaches, and the counters are libFuzzer's.
use libfuzzer_sys as _;
use std::path::Path;
use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A part of what a compiler's program imports.
const COMMAND: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 8)))))"#;

/// A world of names and texts, so that strings, lists, results and resources are lifted and lowered.
const WORLD: &str = "package tests:seed;
    interface store {
        resource item { get: func() -> result<option<list<u8>>, string>; }
        open: func(name: string) -> result<item, string>;
    }
    world app {
        import store;
        export handle: func(path: string) -> result<list<u8>, string>;
    }";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = fuzz.join("seeds/module");
    std::fs::create_dir_all(&seeds)?;
    for entry in std::fs::read_dir(fuzz.join("../tests/cli/apps"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "wat") {
            let name = path.file_stem().unwrap_or_default();
            std::fs::write(seeds.join(name).with_extension("wasm"), wat::parse_file(&path)?)?;
        }
    }
    std::fs::write(seeds.join("command.wasm"), wat::parse_str(COMMAND)?)?;
    std::fs::write(seeds.join("reactor.wasm"), reactor()?)?;
    Ok(())
}

/// A module of that world which does nothing.
fn reactor() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("world.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}
