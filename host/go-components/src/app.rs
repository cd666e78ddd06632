//! Apps in Go: a program of the user's own, built with the same overlay, bindings and linking as Dapr's components.

use crate::bindings::{Contract, Layout, write_carried};
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
    /// What it imports and exports: `dapr:host/http-app`, or another world of the WIT in its folder `wit`. Where there is no such
    /// folder, of the contract.
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
/// [`BuildError::Compile`] if Go does not compile it, [`BuildError::Wit`] if there is no such world,
/// [`BuildError::Component`] if the app does not fit it, [`BuildError::Files`].
pub fn build_app(go: &Go, app: &App<'_>, cache: &Path, progress: &dyn Fn(Step)) -> Result<Vec<u8>, BuildError> {
    progress(Step::Resolving);
    let folder = Folder::new(cache)?;
    let go = &go.keeping_in(folder.compiled());
    let contract = contract(app, &folder.wit())?;
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

/// The user's own WIT, else that of this crate, which is written into a folder for its parser.
fn contract(app: &App<'_>, carried: &Path) -> Result<Contract, BuildError> {
    let own = app.folder.join("wit");
    if own.is_dir() {
        return Contract::of_app(&own, app.world, worlds);
    }
    write_carried(carried)?;
    Contract::of_app(carried, app.world, worlds)
}

/// The world of the bindings, and that of the component, by the whole name of the app's.
fn worlds(world: &str) -> String {
    format!(
        "package dapr:go-app@0.1.0;\n\nworld bindings {{\n  include {world};\n}}\n\n\
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

    /// The contract of an app in a folder, as far as it has WIT of its own.
    fn contract_of(folder: &Path, world: &str) -> Result<Contract, BuildError> {
        contract(&App { folder, world }, &folder.join("carried"))
    }

    #[test]
    fn bindings_of_an_app_are_a_module_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let contract = contract_of(folder.path(), "dapr:host/http-app").unwrap();
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
    fn an_app_may_have_a_world_of_its_own_also_with_what_the_overlay_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let wit = folder.path().join("wit");
        write_carried(&wit).unwrap();
        let own = "world app {\n  include http-app;\n  import dapr:secrets/store@0.1.0;\n}\n";
        std::fs::write(wit.join("app.wit"), own).unwrap();
        let bindings = folder.path().join("bindings");
        write_bindings(&contract_of(folder.path(), "app").unwrap(), &bindings).unwrap();
        assert!(bindings.join("imports/dapr_secrets_store").is_dir());
        files::write(
            &crate::files::UNPUBLISHED,
            "wasi-sockets-0.2.10",
            &wit.join("deps/sockets"),
        )
        .unwrap();
        contract_of(folder.path(), "app").unwrap();
    }

    #[test]
    fn a_world_that_is_not_there_is_an_error_that_names_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        write_carried(&folder.path().join("wit")).unwrap();
        let Err(error) = contract_of(folder.path(), "app") else {
            panic!("there is no such world");
        };
        assert!(
            matches!(&error, BuildError::Wit { folder, .. } if folder.ends_with("wit")),
            "{error}"
        );
    }

    #[test]
    fn wit_that_lacks_what_the_overlay_asks_for_is_the_users_to_mend() {
        let folder = tempfile::tempdir().unwrap();
        let wit = folder.path().join("wit");
        std::fs::create_dir(&wit).unwrap();
        std::fs::write(wit.join("main.wit"), "package my:app;\nworld app {}\n").unwrap();
        let Err(error) = contract_of(folder.path(), "app") else {
            panic!("there is no wasi:io");
        };
        assert!(matches!(error, BuildError::Wit { .. }), "{error}");
    }
}
