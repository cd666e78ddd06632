//! Compiled code: found in the cache, or made in a child process.

use crate::args::COMPILE;
use crate::failure::{self, Failure, Outcome, counted};
use crate::size::size;
use dapr_code_cache::{CacheError, ChildCompiler, Code, CodeCache, DEFAULT_LIMIT, Progress};
use dapr_runtime::engine::{self, Allocator};
use dapr_runtime::limits::Limits;
use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use wasmtime::Engine;

/// The code of a component or module, compiled or found.
pub(crate) async fn load<C: Code>(path: &Path, wasm: &[u8], engine: &Engine) -> Outcome<C> {
    let cache = cache()?;
    let program =
        std::env::current_exe().map_err(|error| Failure::run("cannot find this program's own file").because(&error))?;
    let compiler = ChildCompiler {
        program,
        args: vec![COMPILE.into()],
    };
    let progress = |progress| match progress {
        Progress::Compiling => failure::say(format_args!(
            "compiling {} (cached for the next start) …",
            path.display()
        )),
        Progress::Compiled { took } => failure::say(format_args!("compiled in {:.1} s", took.as_secs_f64())),
    };
    let loaded = cache.load(engine, wasm, &compiler, &progress).await;
    let loaded = loaded.map_err(|error| match error {
        CacheError::Compile { message } => Failure::usage(format!("cannot compile `{}`", path.display()))
            .detail(message)
            .help("the tool that made it may be at fault: build it with another version"),
        CacheError::Incompatible { source } => Failure::usage(format!("`{}` does not fit this host", path.display()))
            .because(source.as_ref())
            .help("docs/configuration.md has the limits that hold for a component"),
        error => Failure::run(&error).caused(&error),
    })?;
    Ok(loaded.code)
}

/// The cache of compiled code; one that keeps nothing where there is no place for it.
fn cache() -> Outcome<CodeCache> {
    let warning = match open_cache() {
        Ok(cache) => return Ok(cache),
        Err(NoCache::Refused(failure)) => return Err(failure),
        Err(NoCache::Unwritable(failure)) => failure,
    };
    warning
        .help("each start compiles the app anew; set XDG_CACHE_HOME to a folder that can be written")
        .warn();
    Ok(CodeCache::disabled())
}

/// Removes all compiled code, and says what there was.
pub(crate) fn clean() -> Outcome<String> {
    let cache = open_cache().map_err(|(NoCache::Refused(failure) | NoCache::Unwritable(failure))| failure)?;
    let cleaned = cache.clean().map_err(|error| Failure::run(&error).caused(&error))?;
    if cleaned.files == 0 {
        return Ok("there is no compiled code to remove".to_owned());
    }
    let (files, size) = (counted(cleaned.files as usize, "file"), size(cleaned.bytes));
    Ok(format!("removed {files} of compiled code, {size}"))
}

/// Why there is no cache of compiled code.
enum NoCache {
    /// There is no place for it.
    Unwritable(Failure),
    /// Its place is not safe.
    Refused(Failure),
}

fn open_cache() -> Result<CodeCache, NoCache> {
    let Some(dir) = CodeCache::default_dir() else {
        let nowhere = "there is no place for compiled code: neither XDG_CACHE_HOME nor HOME is set";
        return Err(NoCache::Unwritable(Failure::run(nowhere)));
    };
    CodeCache::open(dir, DEFAULT_LIMIT).map_err(|error| match error {
        CacheError::Unwritable { .. } => NoCache::Unwritable(Failure::run(&error).caused(&error)),
        _ => NoCache::Refused(
            Failure::usage(&error)
                .caused(&error)
                .help("remove it, or name another place with XDG_CACHE_HOME, which only you may write"),
        ),
    })
}

/// The hidden command: compiles what is on standard input, in a process whose memory goes with it.
pub(crate) fn compile(out: &Path) -> ExitCode {
    let compiled = || -> Result<(), Box<dyn Error>> {
        let mut component = Vec::new();
        std::io::stdin().read_to_end(&mut component)?;
        let engine = Engine::new(&engine::config(Allocator::probe(), &Limits::default()))?;
        Ok(dapr_code_cache::compile_to_file(&engine, &component, out)?)
    };
    let Err(error) = compiled() else {
        return ExitCode::SUCCESS;
    };
    let mut cause: Option<&dyn Error> = match error.downcast_ref() {
        // That it does not compile is what the host says above this.
        Some(CacheError::Component { source }) => Some(source.as_ref()),
        _ => Some(error.as_ref()),
    };
    while let Some(error) = cause {
        failure::say(format_args!("{error}"));
        cause = error.source();
    }
    ExitCode::FAILURE
}
