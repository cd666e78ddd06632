//! C: the `.c` files of a folder, with bindings that are written anew for each build.
//!
//! The compiler makes a core module, and the host a component of it, so that any compiler for WASI does. What a project needs
//! beyond that (C++, Zig, libraries, another layout) it builds itself, from the same bindings.

mod bindings;
mod compiler;

pub(crate) use compiler::{Compiler, GET as C};

use super::{COMPONENT, bring_wit, compile};
use crate::failure::{Failure, Outcome};
use crate::tell::say;
use dapr_runtime::source;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the bindings are written.
const BINDINGS: &str = "bindings";

/// What the compiler makes.
const MODULE: &str = "build/module.wasm";

/// Whether a folder has such a project.
pub(super) fn is_in(folder: &Path) -> bool {
    !sources(folder).is_empty()
}

/// Builds it.
pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    let shown = folder.display();
    let compiler = Compiler::find().ok_or_else(|| {
        Failure::usage(format!(
            "cannot build `{shown}`: there is no C compiler for WebAssembly"
        ))
        .help(C)
        .help("or build the app elsewhere and give its .wasm file")
    })?;
    bring_wit(folder)?;
    let (source, object) = bindings::write(folder, BINDINGS)?;
    let place = folder.join(COMPONENT);
    let parent = place.parent().unwrap_or(folder);
    let unwritable = |error: io::Error| Failure::run(format!("cannot write `{}`", place.display())).because(&error);
    fs::create_dir_all(parent).map_err(unwritable)?;

    let mut arguments = compiler.arguments();
    arguments.extend(["-Os", "-Wall", "-mexec-model=reactor", "-I", BINDINGS, "-o", MODULE]);
    let sources = sources(folder);
    arguments.extend(sources.iter().map(String::as_str));
    arguments.extend([source.as_str(), object.as_str(), "-Wl,--strip-all"]);
    // Zig compiles a C library the first time, and says nothing of it.
    say(format_args!("{shown}: compiling with {compiler} …"));
    compile(folder, compiler.program(), &arguments, C)?;

    let module = folder.join(MODULE);
    let module = fs::read(&module)
        .map_err(|error| Failure::run(format!("cannot read `{}`", module.display())).because(&error))?;
    let component = source::component(&module)
        .map_err(|error| Failure::usage(format!("what `{shown}` compiles to is no component")).because(&error))?;
    fs::write(&place, component).map_err(unwritable)?;
    Ok(place)
}

/// The C files of a folder, in the order of their names.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| PathBuf::from(entry.file_name()));
    let sources = names.filter(|name| name.extension().is_some_and(|extension| extension == "c"));
    let mut sources: Vec<_> = sources.map(|name| name.display().to_string()).collect();
    sources.sort();
    sources
}
