//! Compiled WebAssembly on disk, filled by a child process and mapped from the file.
//!
//! Compiling a Python component takes 5 s and leaves 350 MB of compiler memory in the process that did it, even after
//! the result is dropped; mapping the finished file takes 3 ms and some 10 MB, and the first instance comes five times
//! sooner. So a host never compiles: a child does, writes a file and exits, and the host maps that file now and at
//! every later start.
//!
//! * [`CodeCache::open`] keeps the files in a directory; [`CodeCache::disabled`] keeps nothing, for a home that cannot
//!   be written. Both are loaded from in the same way.
//! * [`CodeCache::load`] finds the file or has a [`ChildCompiler`] make it.
//! * [`compile_to_file`] is what that child calls.
//!
//! What is loaded is machine code and runs with the rights of the host, so this is the one crate of the workspace with
//! `unsafe` in it (in `code.rs`, with the whole argument) and it refuses a directory that anybody else could write.
//! It does not decide which engine settings the two processes use: the child must build its engine as the host does,
//! and a file from another one is refused, not run. Unix only.
//!
//! ```no_run
//! use dapr_code_cache::{ChildCompiler, CodeCache, DEFAULT_LIMIT, Progress};
//! use std::io::Read;
//! use std::process::ExitCode;
//! use wasmtime::component::Component;
//!
//! // Started as `host compile-child FILE`, this program is its own compiler.
//! fn child(out: &std::path::Path) -> Result<ExitCode, Box<dyn std::error::Error>> {
//!     let mut wasm = Vec::new();
//!     std::io::stdin().read_to_end(&mut wasm)?;
//!     let compiled = dapr_code_cache::compile_to_file(&wasmtime::Engine::default(), &wasm, out);
//!     let Err(error) = compiled else { return Ok(ExitCode::SUCCESS) };
//!     eprintln!("{error}");
//!     Ok(error.exit_status().into())
//! }
//!
//! async fn host(wasm: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//!     let cache = match CodeCache::default_dir() {
//!         Some(dir) => CodeCache::open(dir, DEFAULT_LIMIT)?,
//!         None => CodeCache::disabled(),
//!     };
//!     let compiler = ChildCompiler { program: std::env::current_exe()?, args: vec!["compile-child".into()] };
//!     let progress = |step| match step {
//!         Progress::Compiling => eprintln!("compiling app.wasm ... (cached for next time)"),
//!         Progress::Compiled { took } => eprintln!("compiled in {:.1} s", took.as_secs_f32()),
//!     };
//!     let app = cache.load::<Component>(&wasmtime::Engine::default(), wasm, &compiler, &progress).await?;
//!     println!("{:?} after {:?}", app.origin, app.took);
//!     Ok(())
//! }
//! ```

#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod cache;
mod child;
mod code;
mod compile;
mod directory;
mod error;
mod key;
mod progress;
mod sweep;
#[cfg(test)]
mod testing;

pub use cache::{CodeCache, DEFAULT_LIMIT, Loaded, Origin};
pub use child::ChildCompiler;
pub use code::Code;
pub use compile::compile_to_file;
pub use error::{CacheError, Untrusted};
pub use progress::Progress;
pub use sweep::Cleaned;
