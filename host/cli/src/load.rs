//! A target becomes an app: its needs checked, its code compiled or found, its imports linked.

use crate::args::{AppArgs, COMPILE};
use crate::failure::{Failure, Outcome, counted};
use crate::setup::Setup;
use crate::target::Target;
use dapr_code_cache::{CacheError, ChildCompiler, CodeCache, DEFAULT_LIMIT, Loaded, Progress};
use dapr_runtime::app::{App, AppSpec, Shared};
use dapr_runtime::engine::{self, Allocator};
use dapr_runtime::limits::{Limits, MemoryBudget};
use dapr_runtime::needs::{self, Entry, Need, Standing};
use dapr_runtime::output::GuestOutput;
use dapr_runtime::shape::Shape;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use wasmtime::Engine;

/// What an app is and needs, known without compiling it.
pub(crate) struct Examined {
    pub(crate) target: Target,
    pub(crate) shape: Shape,
    pub(crate) needs: Vec<Need>,
    /// None: there is nothing in it that the host can call.
    pub(crate) entry: Option<Entry>,
}

impl Examined {
    pub(crate) fn read(args: &AppArgs, setup: &Setup) -> Outcome<Self> {
        let target = Target::read(&args.target)?;
        let shape = Shape::of(&target.component).map_err(|error| {
            Failure::usage(format!("`{}` does not parse", target.path.display())).because(&error)
        })?;
        let needs = needs::needs(&shape, &setup.store_names());
        let entry = needs::entry(&shape);
        Ok(Self { target, shape, needs, entry })
    }

    /// How the app is entered, unless it cannot run: then everything that is in the way, at once.
    pub(crate) fn runnable(&self, strict: bool) -> Outcome<Entry> {
        let shown = self.target.path.display();
        let missing: Vec<_> = self.needs.iter().filter(|need| is_missing(need, strict)).collect();
        if !missing.is_empty() {
            let count = counted(missing.len(), "capability");
            return Err(Failure::usage(format!("`{shown}` needs {count} that this host does not give"))
                .detail(table(&missing))
                .help(advice(&missing)));
        }
        self.entry.ok_or_else(|| {
            let exports: Vec<_> = self.shape.exports.iter().map(ToString::to_string).collect();
            let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join("\n") };
            Failure::usage(format!("there is nothing to run in `{shown}`"))
                .detail(format!("it exports\n{exports}"))
                .help(
                    "an app exports wasi:http/incoming-handler@0.2, wasi:http/handler@0.3 or wasi:cli/run; \
                     the worlds are in `dapr-wasm wit DIR`",
                )
        })
    }
}

fn is_missing(need: &Need, strict: bool) -> bool {
    need.standing.is_fatal() || (strict && need.standing == Standing::NotConfigured)
}

fn table(needs: &[&Need]) -> String {
    let names: Vec<_> = needs.iter().map(|need| need.name.to_string()).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let rows = names.iter().zip(needs).map(|(name, need)| format!("{name:width$}  {}\n", need.standing));
    rows.collect()
}

/// What to paste for what is not configured, else where to look.
fn advice(missing: &[&Need]) -> &'static str {
    if missing.iter().any(|need| need.standing == Standing::NotConfigured) {
        return STORE_TO_PASTE;
    }
    "build the app against this host's WIT, which `dapr-wasm wit DIR` writes"
}

/// The least that configures a state store.
pub(crate) const STORE_TO_PASTE: &str = "add to components.toml:\n\
    [state.statestore]\n\
    type = \"sqlite\"\n\
    connectionString = \"state.db\"";

/// Makes the engine and what all apps share.
pub(crate) fn shared() -> Outcome<Shared> {
    let limits = Limits::default();
    let output = GuestOutput::start().map_err(|error| Failure::run("cannot start a thread").because(&error))?;
    let budget = MemoryBudget::of_this_machine();
    Ok(Shared { engine: engine(&limits)?, limits, budget, output: Arc::new(output) })
}

fn engine(limits: &Limits) -> Outcome<Engine> {
    Engine::new(&engine::config(Allocator::probe(), limits))
        .map_err(|error| Failure::run("cannot start the WebAssembly engine").because(error.as_ref()))
}

/// Compiles or finds the app's code and links it.
pub(crate) async fn app(examined: &Examined, entry: Entry, spec: AppSpec, shared: &Shared) -> Outcome<App> {
    let path = &examined.target.path;
    let Loaded { component, .. } = code(path, &examined.target.component, &shared.engine).await?;
    App::link(&component, &examined.shape, entry, spec, shared.clone()).map_err(|error| {
        Failure::usage(format!("cannot link `{}`: {error}", path.display()))
            .caused(&error)
            .help("build the app against this host's WIT, which `dapr-wasm wit DIR` writes")
    })
}

async fn code(path: &Path, component: &[u8], engine: &Engine) -> Outcome<Loaded> {
    let cache = cache()?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::run("cannot find this program's own file").because(&error))?;
    let compiler = ChildCompiler { program, args: vec![COMPILE.into()] };
    let progress = |progress| match progress {
        Progress::Compiling => eprintln!("compiling {} (cached for the next start) …", path.display()),
        Progress::Compiled { took } => eprintln!("compiled in {:.1} s", took.as_secs_f64()),
    };
    cache.load(engine, component, &compiler, &progress).await.map_err(|error| match error {
        CacheError::Compile { message } => {
            Failure::usage(format!("cannot compile `{}`", path.display())).detail(message)
        }
        error => Failure::run(&error).caused(&error),
    })
}

/// The cache of compiled code; one that keeps nothing where there is no place for it.
pub(crate) fn cache() -> Outcome<CodeCache> {
    let Some(dir) = CodeCache::default_dir() else {
        tracing::warn!("neither XDG_CACHE_HOME nor HOME is set: compiled code is not kept");
        return Ok(CodeCache::disabled());
    };
    match CodeCache::open(dir, DEFAULT_LIMIT) {
        Ok(cache) => Ok(cache),
        Err(error @ CacheError::Unwritable { .. }) => {
            tracing::warn!(cause = %error, "compiled code is not kept: each start compiles anew");
            Ok(CodeCache::disabled())
        }
        Err(error) => Err(Failure::usage(&error)
            .caused(&error)
            .help("repair its owner and mode, or set XDG_CACHE_HOME to another folder")),
    }
}

/// The hidden command: compiles what is on standard input, in a process whose memory goes with it.
pub(crate) fn compile(out: &Path) -> ExitCode {
    let compiled = || -> Result<(), Box<dyn std::error::Error>> {
        let mut component = Vec::new();
        std::io::stdin().read_to_end(&mut component)?;
        let engine = Engine::new(&engine::config(Allocator::probe(), &Limits::default()))?;
        Ok(dapr_code_cache::compile_to_file(&engine, &component, out)?)
    };
    let Err(error) = compiled() else { return ExitCode::SUCCESS };
    let mut cause: Option<&dyn std::error::Error> = Some(error.as_ref());
    while let Some(error) = cause {
        eprintln!("{error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
