//! Apps in Go: a program of the user's own, built with the same overlay, bindings and linking as Dapr's components.

use crate::bindings::{Contract, Layout};
use crate::files::{self, GO};
use crate::folder::Folder;
use crate::{BuildError, Go, Step, build, component, overlay};
use std::path::Path;

/// An app: a Go module with a `main` that says who answers requests.
#[derive(Debug, Clone, Copy)]
pub struct App<'a> {
    /// The folder of the module. Its `go.mod` has
    ///
    /// ```text
    /// require wit_component v0.0.0
    ///
    /// replace (
    ///     go.bytecodealliance.org/pkg => ./bindings/pkg
    ///     wit_component => ./bindings
    /// )
    /// ```
    pub folder: &'a Path,
    /// What it imports and exports: a world of the contract, `dapr:host/http-app`.
    pub world: &'a str,
}

/// What the standard library of the overlay calls itself, which the component imports if it is called.
const OF_THE_OVERLAY: &str = "\
  import wasi:clocks/monotonic-clock@0.2.10;
  import wasi:io/error@0.2.10;
  import wasi:io/poll@0.2.10;
  import wasi:io/streams@0.2.10;
  import wasi:sockets/instance-network@0.2.10;
  import wasi:sockets/ip-name-lookup@0.2.10;
  import wasi:sockets/network@0.2.10;
  import wasi:sockets/tcp@0.2.10;
  import wasi:sockets/tcp-create-socket@0.2.10;
";

/// The generated module's `go.mod`.
const GO_MOD: &str = "module wit_component\n\ngo 1.26\n\nrequire go.bytecodealliance.org/pkg v0.4.0\n";

/// Builds an app into a component. The bindings are written into the folder `bindings` of the app, where editors find them, too;
/// what Go compiles is kept below `cache`.
///
/// # Errors
///
/// [`BuildError::Compile`] if Go does not compile it, [`BuildError::Component`] if there is no such world or the app does not
/// fit it, [`BuildError::Files`].
pub fn build_app(go: &Go, app: &App<'_>, cache: &Path, progress: &dyn Fn(Step)) -> Result<Vec<u8>, BuildError> {
    progress(Step::Resolving);
    let folder = Folder::new(cache)?;
    let go = &go.keeping_in(folder.compiled());
    let contract = Contract::read(&folder.wit(), &worlds(app.world))?;
    write_bindings(&contract, &app.folder.join("bindings"))?;
    let overlay = overlay::write(go, &folder.overlay())?;

    progress(Step::Compiling);
    let core = folder.core();
    // The user's `go.mod` is the user's: what it lacks is an error.
    build::compile(go, app.folder, &overlay, &["-mod=readonly"], &core)?;

    progress(Step::Linking);
    let module = std::fs::read(&core).map_err(BuildError::files(&core))?;
    component::encode(module, &contract)
}

/// The world of the bindings, and that of the component.
fn worlds(world: &str) -> String {
    // A version stands at the end of the name of an included world.
    let version = if world.contains('@') { "" } else { "@0.1.0" };
    format!(
        "package dapr:go-app@0.1.0;\n\nworld bindings {{\n  include {world}{version};\n}}\n\n\
         world component {{\n  include bindings;\n{OF_THE_OVERLAY}}}\n"
    )
}

fn write_bindings(contract: &Contract, folder: &Path) -> Result<(), BuildError> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).map_err(BuildError::files(folder))?;
    }
    contract.generate(folder, Layout::Library)?;
    files::write(&GO, "pkg", &folder.join("pkg"))?;
    files::write(&GO, "glue/http", folder)?;
    let go_mod = folder.join("go.mod");
    std::fs::write(&go_mod, GO_MOD).map_err(BuildError::files(&go_mod))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_of_an_app_are_a_module_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let contract = Contract::read(&folder.path().join("wit"), &worlds("dapr:host/http-app")).unwrap();
        let bindings = folder.path().join("bindings");
        std::fs::create_dir(&bindings).unwrap();
        std::fs::write(bindings.join("left.go"), "package left\n").unwrap();
        write_bindings(&contract, &bindings).unwrap();
        for file in [
            "go.mod",
            "pkg/go.mod",
            "imports/dapr_state_store/wit_bindings.go",
            "exports/wit_exports/wit_exports.go",
            "exports/export_wasi_http_0_2_10_incoming_handler/export.go",
        ] {
            assert!(bindings.join(file).is_file(), "{file}");
        }
        assert!(!bindings.join("left.go").exists());
    }

    #[test]
    fn a_world_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let read = Contract::read(folder.path(), &worlds("dapr:host/nothing"));
        assert!(matches!(read, Err(BuildError::Component(_))));
    }
}
