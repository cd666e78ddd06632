//! Compiled code: found in the cache, or made in a child process.

use crate::args::{COMPILE, CONCURRENT};
use crate::failure::{Failure, Outcome, counted};
use crate::size::size;
use crate::tell::{say, say_lines};
use dapr_code_cache::{CacheError, ChildCompiler, Code, CodeCache, DEFAULT_LIMIT, Progress};
use dapr_runtime::engine::{self, Allocator, Calls, Engines, Guests};
use dapr_runtime::limits::Limits;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wasmtime::Engine;

/// The code of a component or module, compiled or found.
pub(crate) async fn load<C: Code>(path: &Path, wasm: &[u8], guests: Guests, engines: &Engines) -> Outcome<C> {
    let engine = engines
        .of(guests)
        .map_err(|error| Failure::run("cannot start the WebAssembly engine").because(error.as_ref()))?;
    let cache = match open_cache() {
        Ok(cache) => cache,
        Err(NoCache::Refused(failure)) => return Err(failure),
        Err(NoCache::Unwritable(failure)) => not_kept(failure, "set XDG_CACHE_HOME to a folder that can be written"),
    };
    let program =
        std::env::current_exe().map_err(|error| Failure::run("cannot find this program's own file").because(&error))?;
    let calls = match guests.calls() {
        Calls::Plain => None,
        Calls::Concurrent => Some(CONCURRENT.into()),
    };
    let compiler = ChildCompiler {
        program,
        args: [COMPILE.into()].into_iter().chain(calls).collect(),
    };
    let loaded = match cache.load(engine, wasm, &compiler, &told(path, &cache)).await {
        // The disk is full, say.
        Err(error @ CacheError::Unwritable { .. }) if cache.keeps() => {
            let cache = not_kept(
                Failure::run(&error).caused(&error),
                "make room, or set XDG_CACHE_HOME to another folder",
            );
            cache.load(engine, wasm, &compiler, &told(path, &cache)).await
        }
        loaded => loaded,
    };
    Ok(loaded.map_err(|error| no_code(path, error))?.code)
}

/// Tells of compiling that takes long.
fn told(path: &Path, cache: &CodeCache) -> impl Fn(Progress) {
    let kept = if cache.keeps() {
        " (cached for the next start)"
    } else {
        ""
    };
    move |progress| match progress {
        Progress::Compiling => say(format_args!("compiling {}{kept} …", path.display())),
        Progress::Compiled { took } => say(format_args!("compiled in {:.1} s", took.as_secs_f64())),
    }
}

/// Warns that code is not kept, and goes on without keeping it.
fn not_kept(why: Failure, mend: &str) -> CodeCache {
    why.help(format!("each start compiles the app anew; {mend}")).warn();
    CodeCache::disabled()
}

fn no_code(path: &Path, error: CacheError) -> Failure {
    match error {
        CacheError::Compile { message } => Failure::usage(format!("cannot compile `{}`", path.display()))
            .detail(message)
            .help("the tool that made it may be at fault: build it with another version"),
        CacheError::Incompatible { source } => Failure::usage(format!("`{}` does not fit this host", path.display()))
            .because(source.as_ref())
            .help("docs/configuration.md has the limits that hold for a component"),
        error => Failure::run(&error).caused(&error),
    }
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

/// Where compiled code is kept.
///
/// # Errors
///
/// As a start has them.
pub(crate) fn cache_folder() -> Result<PathBuf, NoCache> {
    let dir = default_dir()?;
    open_in(dir.clone()).map(|_| dir)
}

/// Why there is no cache of compiled code.
pub(crate) enum NoCache {
    /// There is no place for it: each start compiles.
    Unwritable(Failure),
    /// Its place is not safe: nothing starts.
    Refused(Failure),
}

fn default_dir() -> Result<PathBuf, NoCache> {
    let nowhere = "there is no place for compiled code: neither XDG_CACHE_HOME nor HOME is set";
    CodeCache::default_dir().ok_or_else(|| NoCache::Unwritable(Failure::run(nowhere)))
}

fn open_cache() -> Result<CodeCache, NoCache> {
    open_in(default_dir()?)
}

fn open_in(dir: PathBuf) -> Result<CodeCache, NoCache> {
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
pub(crate) fn compile(out: &Path, calls: Calls) -> ExitCode {
    std::thread::spawn(end_with_the_host);
    let compiled = || -> Result<(), Box<dyn Error>> {
        let mut component = Vec::new();
        std::io::stdin().read_to_end(&mut component)?;
        let engine = Engine::new(&engine::config(
            Guests::Apps(calls),
            Allocator::probe(),
            &Limits::default(),
        ))?;
        Ok(dapr_code_cache::compile_to_file(&engine, &component, out)?)
    };
    let Err(error) = compiled() else {
        return ExitCode::SUCCESS;
    };
    let (mut cause, status): (Option<&dyn Error>, _) = match error.downcast_ref::<CacheError>() {
        // That it does not compile, or that its code cannot be kept, is what the host says above this.
        Some(error) => (error.source(), error.exit_status().into()),
        None => (Some(error.as_ref()), ExitCode::FAILURE),
    };
    while let Some(error) = cause {
        say_lines(error);
        cause = error.source();
    }
    status
}

/// Ends this process once nobody listens to what it says: the host was killed, and what is compiled would be for nobody.
fn end_with_the_host() {
    let stderr = std::io::stderr();
    // What is not asked for and told all the same is that the other end is closed, which only pipes have.
    let mut heard = [PollFd::new(&stderr, PollFlags::empty())];
    let told = loop {
        match poll(&mut heard, None) {
            Err(Errno::INTR) => {}
            told => break told,
        }
    };
    if told.is_ok() {
        std::process::exit(1);
    }
}
