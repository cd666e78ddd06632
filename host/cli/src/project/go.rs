//! Go: a module with a `main` is an app, and any other is a store with the interface of Dapr's components. Both are built with the
//! overlay of those.

use super::world::{HTTP_APP, advised, unfit, world};
use super::{COMPONENT, bring_wit};
use crate::components::{cannot_build, go_cache};
use crate::failure::{Failure, Outcome};
use crate::tell::say;
use dapr_go_components::{App, BuildError, Go, Recipe, Step, build_app};
use std::fs;
use std::path::{Path, PathBuf};

/// How an app imports what is in its world.
const BINDINGS: &str = "wit_component/imports/";

/// What a store becomes, and the licences of what is linked into it, which go where it goes.
const STORE: &str = "build/store.wasm";
const LICENCES: &str = "build/store.licences.txt";

pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    let shown = folder.display();
    let cannot = |error: &BuildError| {
        let failure = cannot_build(&shown.to_string(), error);
        match error {
            BuildError::Compile { output } if output.contains(BINDINGS) => advised(failure, folder),
            BuildError::Wit { .. } => unfit(failure, folder),
            _ => failure,
        }
    };
    let go = Go::find().map_err(|error| cannot(&error))?;
    let cache = go_cache().ok_or_else(|| {
        Failure::run("there is no place for what Go compiles: neither XDG_CACHE_HOME nor HOME is set")
    })?;
    let progress = |step: Step| say(format_args!("{shown}: {step}"));
    if is_app(folder) {
        // Where there is none, the bindings are made of what this host has.
        if folder.join("wit").exists() {
            bring_wit(folder)?;
        }
        let world = world(folder, HTTP_APP);
        let app = App { folder, world };
        let component = build_app(&go, &app, &cache, &progress).map_err(|error| cannot(&error))?;
        return write(folder, COMPONENT, &component);
    }
    let recipe = Recipe::package(folder, None).map_err(|error| cannot(&error))?;
    let built = dapr_go_components::build(&go, &recipe, &cache, &progress).map_err(|error| cannot(&error))?;
    write(folder, LICENCES, built.licences.as_bytes())?;
    write(folder, STORE, &built.component)
}

/// Whether a folder's package is a program.
fn is_app(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sources = entries.map(|entry| entry.path());
    let mut sources = sources.filter(|path| path.extension().is_some_and(|extension| extension == "go"));
    let is_of_a_program = |path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let clause = text.lines().find(|line| line.starts_with("package "));
        clause.is_some_and(|clause| clause.split_whitespace().nth(1) == Some("main"))
    };
    sources.any(is_of_a_program)
}

fn write(folder: &Path, name: &str, contents: &[u8]) -> Outcome<PathBuf> {
    let file = folder.join(name);
    let written = fs::create_dir_all(file.parent().unwrap_or(folder)).and_then(|()| fs::write(&file, contents));
    written.map_err(|error| Failure::run(format!("cannot write `{}`", file.display())).because(&error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_an_app_and_another_package_is_not() {
        for (text, is) in [
            ("// Command x does.\npackage main // it is\n\nimport \"fmt\"\n", true),
            ("// package main is another\npackage store\n", false),
            ("", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("x.go"), text).unwrap();
            assert_eq!(is_app(folder.path()), is, "{text}");
        }
    }
}
