//! An examined target becomes an app: its code compiled or found, its imports linked.

use crate::args::COMPILE;
use crate::examined::{BUILD_AGAINST_THIS_HOST, Examined};
use crate::failure::{Failure, Outcome, counted};
use crate::size::size;
use dapr_code_cache::{CacheError, ChildCompiler, Code, CodeCache, DEFAULT_LIMIT, Progress};
use dapr_runtime::app::{App, AppSpec, LinkError, Shared};
use dapr_runtime::engine::{self, Allocator, EpochTicker};
use dapr_runtime::limits::{Limits, MemoryBudget};
use dapr_runtime::needs::Entry;
use dapr_runtime::output::GuestOutput;
use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Engine;

/// Makes the engine and what all apps share.
pub(crate) fn shared() -> Outcome<Shared> {
    let limits = Limits::default();
    let output = GuestOutput::start().map_err(|error| Failure::run("cannot start a thread").because(&error))?;
    let budget = MemoryBudget::of_this_machine();
    Ok(Shared {
        engine: engine(&limits)?,
        limits,
        budget,
        output: Arc::new(output),
    })
}

/// What interrupts guests that compute.
pub(crate) fn ticker(shared: &Shared) -> Outcome<EpochTicker> {
    EpochTicker::start(&shared.engine).map_err(|error| Failure::run("cannot start a thread").because(&error))
}

/// How long what guests printed last may take to be printed: nobody may be reading.
const PRINTED_WITHIN: Duration = Duration::from_secs(1);

/// Waits until what guests printed is printed.
pub(crate) async fn printed(shared: &Shared) {
    let printed = tokio::time::timeout(PRINTED_WITHIN, shared.output.flush()).await;
    if printed.is_err() {
        tracing::warn!("nobody reads what guests printed: the end of it is lost");
    }
}

fn engine(limits: &Limits) -> Outcome<Engine> {
    Engine::new(&engine::config(Allocator::probe(), limits))
        .map_err(|error| Failure::run("cannot start the WebAssembly engine").because(error.as_ref()))
}

/// Compiles or finds the app's code and links it.
pub(crate) async fn app(examined: &Examined, entry: Entry, spec: AppSpec, shared: &Shared) -> Outcome<App> {
    let path = &examined.target.path;
    let component = code(path, &examined.target.component, &shared.engine).await?;
    App::link(&component, &examined.shape, entry, spec, shared.clone()).map_err(|error| match error {
        LinkError::Memory { needed, memory } => Failure::usage(format!(
            "an instance of `{}` begins with {} in one memory, and may have {}",
            path.display(),
            size(needed),
            size(memory as u64)
        ))
        .help("components.toml sets what it may have, as `memory` of [app]"),
        error => Failure::usage(format!("cannot link `{}`: {error}", path.display()))
            .caused(&error)
            .help(BUILD_AGAINST_THIS_HOST),
    })
}

/// The code of a component or module, compiled or found.
pub(crate) async fn code<C: Code>(path: &Path, wasm: &[u8], engine: &Engine) -> Outcome<C> {
    let cache = cache()?;
    let program =
        std::env::current_exe().map_err(|error| Failure::run("cannot find this program's own file").because(&error))?;
    let compiler = ChildCompiler {
        program,
        args: vec![COMPILE.into()],
    };
    let progress = |progress| match progress {
        Progress::Compiling => crate::failure::say(format_args!(
            "compiling {} (cached for the next start) …",
            path.display()
        )),
        Progress::Compiled { took } => crate::failure::say(format_args!("compiled in {:.1} s", took.as_secs_f64())),
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
pub(crate) fn cache() -> Outcome<CodeCache> {
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
pub(crate) fn clean_cache() -> Outcome<String> {
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
        crate::failure::say(format_args!("{error}"));
        cause = error.source();
    }
    ExitCode::FAILURE
}
