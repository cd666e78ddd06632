//! Go bindings, generated from the contract.
//!
//! The generator is the Bytecode Alliance's, as a library. What it writes is changed in one thing: what the host gets the
//! address of is kept by a type of the patched runtime module and not by the standard library's `Pinner`, which costs more
//! than a call.

use crate::BuildError;
use crate::files::{UNPUBLISHED, WIT};
use std::fmt;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};

/// What the overlay asks the host for, and no world of an app has to have.
const SOCKETS: &str = "wasi:sockets@0.2.10";
const SOCKETS_FILE: &str = "wasi-sockets-0.2.10/package.wit";

/// How bindings lie in their folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As packages of the program that they are part of.
    Program,
    /// As packages of a module that a program requires, in `imports` and `exports`.
    Library,
}

/// The contract with the worlds of one building block.
pub(crate) struct Contract {
    resolve: Resolve,
    bindings: WorldId,
    component: WorldId,
}

impl Contract {
    /// Reads the contract and a building block's own worlds. The parser wants files: they are put into a folder.
    pub(crate) fn read(folder: &Path, worlds: &str) -> Result<Self, BuildError> {
        write_carried(folder)?;
        UNPUBLISHED
            .extract(folder.join("deps"))
            .map_err(BuildError::files(folder))?;
        let mut resolve = Resolve::default();
        resolve.push_path(folder).map_err(|error| wrong(&error))?;
        Self::of(resolve, worlds, wrong)
    }

    /// Reads the WIT in a folder, for a world of it; `worlds` makes the text of an app's worlds of the whole name of this one.
    pub(crate) fn of_app(wit: &Path, world: &str, worlds: impl Fn(&str) -> String) -> Result<Self, BuildError> {
        let unfit = |error: &dyn fmt::Display| BuildError::Wit {
            folder: wit.to_owned(),
            problem: format!("{error:#}"),
        };
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(wit).map_err(|error| unfit(&error))?;
        let found = resolve
            .select_world(&[package], Some(world))
            .map_err(|error| unfit(&error))?;
        let found = &resolve.worlds[found];
        let name = resolve.id_of_name(found.package.unwrap_or(package), &found.name);
        // The user's own WIT may have it, too, and nothing may be there twice.
        let has_sockets = resolve.package_names.keys().any(|name| name.to_string() == SOCKETS);
        if let (false, Some(file)) = (has_sockets, UNPUBLISHED.get_file(SOCKETS_FILE)) {
            let text = String::from_utf8_lossy(file.contents());
            // The packages that it uses are the user's.
            resolve.push_str(SOCKETS_FILE, &text).map_err(|error| unfit(&error))?;
        }
        Self::of(resolve, &worlds(&name), unfit)
    }

    /// `wrong` makes an error of what is wrong with the packages, by whose they are.
    fn of(
        mut resolve: Resolve,
        worlds: &str,
        wrong: impl Fn(&dyn fmt::Display) -> BuildError,
    ) -> Result<Self, BuildError> {
        let package = resolve.push_str("world.wit", worlds).map_err(|error| wrong(&error))?;
        let world = |name| {
            resolve
                .select_world(&[package], Some(name))
                .map_err(|error| wrong(&error))
        };
        let (bindings, component) = (world("bindings")?, world("component")?);
        Ok(Self {
            resolve,
            bindings,
            component,
        })
    }

    /// What is embedded into the module.
    pub(crate) fn component(&self) -> (&Resolve, WorldId) {
        (&self.resolve, self.component)
    }

    /// Writes the bindings into a folder.
    pub(crate) fn generate(&self, folder: &Path, layout: Layout) -> Result<(), BuildError> {
        let mut files = Files::default();
        let options = wit_bindgen_go::Opts {
            format: wit_bindgen_go::Format::False,
            quiet: true,
            pkg_name: (layout == Layout::Library).then(|| "wit_component".to_owned()),
            ..Default::default()
        };
        options
            .build()
            .generate(&mut self.resolve.clone(), self.bindings, &mut files)
            .map_err(|error| BuildError::Component(format!("the bindings: {error:#}")))?;
        for (name, contents) in files.iter() {
            let path = folder.join(name.trim_start_matches('/'));
            if path.file_name().is_some_and(|name| name == "go.mod") {
                continue;
            }
            let contents = match std::str::from_utf8(contents) {
                Ok(text) if name.ends_with(".go") => with_pins(text).into_bytes(),
                _ => contents.to_vec(),
            };
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(BuildError::files(parent))?;
            }
            std::fs::write(&path, contents).map_err(BuildError::files(&path))?;
        }
        Ok(())
    }
}

/// Writes the WIT that this crate carries into a folder.
pub(crate) fn write_carried(folder: &Path) -> Result<(), BuildError> {
    std::fs::create_dir_all(folder)
        .and_then(|()| WIT.extract(folder))
        .map_err(BuildError::files(folder))
}

fn wrong(error: &dyn fmt::Display) -> BuildError {
    BuildError::Component(format!("the contract: {error:#}"))
}

/// The runtime module as the generator imports it.
const RUNTIME: &str = "witRuntime \"go.bytecodealliance.org/pkg/wit/runtime\"";

/// The same source with the runtime module's pins.
fn with_pins(source: &str) -> String {
    if !source.contains("runtime.Pinner{}") {
        return source.to_owned();
    }
    let mut source = source.replace("runtime.Pinner{}", "witRuntime.Pins{}");
    let import = if source.contains(RUNTIME) { "" } else { RUNTIME };
    if !source.contains(" runtime.") && !source.contains("\truntime.") {
        source = source.replacen("\"runtime\"\n", &format!("{import}\n"), 1);
    } else if !import.is_empty() {
        source = source.replacen("\"runtime\"\n", &format!("\"runtime\"\n{import}\n"), 1);
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_stand_in_place_of_pinners() {
        let source = "import (\n\"runtime\"\n\"unsafe\"\n)\n\tpinner := &runtime.Pinner{}\n";
        let pinned = with_pins(source);
        assert!(
            pinned.contains("&witRuntime.Pins{}") && pinned.contains(RUNTIME),
            "{pinned}"
        );
        assert!(!pinned.contains("\"runtime\"\n"), "{pinned}");
    }

    #[test]
    fn what_else_is_used_of_the_standard_librarys_package_stays() {
        let source = "import (\n\"runtime\"\n)\n\tpinner := &runtime.Pinner{}\n\truntime.KeepAlive(x)\n";
        let pinned = with_pins(source);
        assert!(pinned.contains("\"runtime\"\n") && pinned.contains(RUNTIME), "{pinned}");
    }

    #[test]
    fn a_source_without_pinners_is_left_as_it_is() {
        let source = "import \"runtime\"\n\truntime.GC()\n";
        assert_eq!(with_pins(source), source);
    }

    #[test]
    fn bindings_are_generated_from_the_contract() {
        for (worlds, name) in [
            (
                include_str!("../go/glue/secrets/world.wit"),
                "dapr:secrets/provider-loop@0.1.0#run",
            ),
            (
                include_str!("../go/glue/state/world.wit"),
                "dapr:state/provider-loop@0.1.0#run",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let contract = Contract::read(&folder.path().join("wit"), worlds).unwrap();
            contract.generate(&folder.path().join("go"), Layout::Program).unwrap();
            let exports = std::fs::read_to_string(folder.path().join("go/wit_exports.go")).unwrap();
            for name in [name, "dapr:component/description@0.1.0#properties"] {
                assert!(exports.contains(name), "{name}");
            }
            assert!(!exports.contains("runtime.Pinner"));
        }
    }
}
