//! TARGET: what the user asks to run, as the bytes of a component.

use crate::failure::{Failure, Outcome};
use crate::project;
use dapr_blocks::config::AppId;
use dapr_runtime::source::{self, Producer, SourceError};
use std::io;
use std::path::{Path, PathBuf};

/// An app's file and what is in it.
pub(crate) struct Target {
    /// As the user named it, or where the build put it.
    pub(crate) path: PathBuf,
    /// A component.
    pub(crate) component: Vec<u8>,
    /// Whether it was a core module.
    pub(crate) adapted: bool,
}

impl Target {
    /// Reads a file, or builds a folder and reads what came of it.
    pub(crate) fn read(target: &Path) -> Outcome<Self> {
        refuse_what_is_no_path(target)?;
        let path = if target.is_dir() { project::build(target)? } else { target.to_owned() };
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let component = source::component(&bytes).map_err(|error| not_a_component(&path, &error))?;
        let adapted = matches!(component, std::borrow::Cow::Owned(_));
        let component = component.into_owned();
        Ok(Self { path, component, adapted })
    }

    /// The languages and tools that made it, as far as it says.
    pub(crate) fn producers(&self) -> Vec<Producer> {
        source::producers(&self.component)
    }
}

/// The app id that a target has by itself: the name of its file or folder, `_` written `-`.
pub(crate) fn app_id(target: &Path) -> Outcome<AppId> {
    // `.` and `..` have no name until they are resolved.
    let resolved = target.canonicalize().unwrap_or_else(|_| target.to_owned());
    let name = if resolved.is_dir() { resolved.file_name() } else { resolved.file_stem() };
    let name = name.unwrap_or_default().to_string_lossy().replace('_', "-");
    name.parse().map_err(|error| {
        Failure::usage(format!("`{name}` cannot be an app id")).because(&error).help("name the app with --app-id")
    })
}

fn refuse_what_is_no_path(target: &Path) -> Outcome<()> {
    let text = target.to_string_lossy();
    let shown = target.display();
    if let Some((scheme, _)) = text.split_once("://") {
        let message = format!("cannot run `{shown}`: apps are files, not {scheme}:// addresses, in this version");
        return Err(Failure::usage(message).help("download the component and give the path of the file"));
    }
    if target.extension().is_some_and(|extension| extension == "cwasm") {
        let message = format!("refusing `{shown}`: precompiled code would run outside of the sandbox");
        return Err(Failure::usage(message)
            .help("give the .wasm file: its compiled code is cached, and starting it costs the same"));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot read `{}`", path.display())).because(error);
    match error.kind() {
        io::ErrorKind::NotFound => {
            failure.help("TARGET is a .wasm file or a folder with a Cargo project")
        }
        _ => failure,
    }
}

fn not_a_component(path: &Path, error: &SourceError) -> Failure {
    let shown = path.display();
    let failure = Failure::usage(format!("cannot run `{shown}`: {error}")).caused(error);
    match error {
        SourceError::Text => failure.help(format!("make it a binary first: wasm-tools parse {shown} -o app.wasm")),
        SourceError::MachineCode => failure
            .help("give the .wasm file that it was compiled from; build apps for wasm32-wasip2"),
        SourceError::Damaged { .. } => failure.help("build or download it again"),
        SourceError::NotEncodable(_) => {
            failure.help("build it for wasm32-wasip2, or for wasm32-wasip1 with the host's WIT (dapr-wasm wit DIR)")
        }
        SourceError::NothingRunnable => {
            failure.help("build it for wasm32-wasip2, or as a program for wasm32-wasip1")
        }
        _ => failure.help("TARGET is a .wasm file or a folder with a Cargo project"),
    }
}
