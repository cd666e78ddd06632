//! One build, from a recipe to a component.

use crate::folder::Folder;
use crate::{BuildError, Go, Manifest, Recipe, component, licences, mends, modules, overlay};
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

/// What a build is at. Each is said when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Go gets the modules: from its cache or from where the user gets modules.
    Resolving,
    /// Go compiles.
    Compiling,
    /// The module becomes a component.
    Linking,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolving => "resolving modules",
            Self::Compiling => "compiling",
            Self::Linking => "linking into a component",
        })
    }
}

/// What a build gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// What it was made from; the component has it at its end.
    pub manifest: Manifest,
    /// The licence texts of all that is linked: they go where the component goes.
    pub licences: String,
}

/// Builds a component, in a folder of its own below `cache`, which is removed afterwards. Takes minutes the first time, when
/// Go compiles what it then has in a cache, which is there, too, unless GOCACHE names another; and blocks for as long.
///
/// # Errors
///
/// All of [`BuildError`] but those of the recipe.
pub fn build(go: &Go, recipe: &Recipe, cache: &Path, progress: &dyn Fn(Step)) -> Result<Built, BuildError> {
    progress(Step::Resolving);
    let folder = Folder::new(cache)?;
    let go = &go.keeping_in(folder.compiled());
    // Before modules are downloaded for a Go that is refused.
    let overlay = overlay::write(go, &folder.overlay())?;
    let contract = folder.fill(go, recipe)?;
    let linked = modules::linked(go, &folder.module())?;
    mends::apply(&linked, &folder.module())?;

    progress(Step::Compiling);
    let core = folder.core();
    compile(go, &folder.module(), &overlay, &["-tags=metadata"], &core)?;

    progress(Step::Linking);
    let module = std::fs::read(&core).map_err(BuildError::files(&core))?;
    let mut component = component::encode(module, &contract)?;
    let manifest = Manifest {
        name: recipe.name().to_owned(),
        version: recipe.version().to_owned(),
        contrib: recipe.contrib().to_owned(),
        go: go.version().to_string(),
        modules: licences::modules(&linked)?,
    };
    manifest
        .append(&mut component)
        .map_err(|error| BuildError::Component(format!("the manifest: {error}")))?;
    Ok(Built {
        component,
        manifest,
        licences: licences::texts(go, &linked)?,
    })
}

/// Has Go compile the program in a folder, with what the overlay has in place of the standard library's files.
pub(crate) fn compile(go: &Go, folder: &Path, overlay: &Path, more: &[&str], core: &Path) -> Result<(), BuildError> {
    let mut arguments: Vec<&OsStr> = vec![
        "build".as_ref(),
        "-buildvcs=false".as_ref(),
        "-trimpath".as_ref(),
        "-buildmode=c-shared".as_ref(),
        "-ldflags=-s -w -checklinkname=0".as_ref(),
    ];
    arguments.extend(more.iter().map(OsStr::new));
    arguments.extend([
        "-overlay".as_ref(),
        overlay.as_os_str(),
        "-o".as_ref(),
        core.as_os_str(),
        ".".as_ref(),
    ]);
    let output = go.run(folder, arguments)?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        return Err(BuildError::Compile { output });
    }
    Ok(())
}
