//! Go: a module with a `main`, built with the overlay and the bindings of Dapr's own components.

use super::{COMPONENT, WORLD};
use crate::components::go_cache;
use crate::failure::{Failure, Outcome};
use crate::tell::say;
use dapr_go_components::{App, BuildError, Go, Step, build_app};
use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    let shown = folder.display();
    let cannot = |error: &BuildError| Failure::usage(format!("cannot build `{shown}`")).because(error);
    let go = Go::find().map_err(|error| cannot(&error))?;
    let cache = go_cache().ok_or_else(|| {
        Failure::run("there is no place for what Go compiles: neither XDG_CACHE_HOME nor HOME is set")
    })?;
    let app = App { folder, world: WORLD };
    let progress = |step: Step| say(format_args!("{shown}: {step}"));
    let component = build_app(&go, &app, &cache, &progress).map_err(|error| cannot(&error))?;
    let file = folder.join(COMPONENT);
    let written = fs::create_dir_all(file.parent().unwrap_or(folder)).and_then(|()| fs::write(&file, component));
    written.map_err(|error| Failure::run(format!("cannot write `{}`", file.display())).because(&error))?;
    Ok(file)
}
