//! TARGET: what the user asks to run, as the bytes of a component.

use crate::failure::{Failure, Outcome};
use crate::project;
use crate::tell::one_line;
use dapr_blocks::config::AppId;
use dapr_runtime::source::{self, Producer, SourceError};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What TARGET may be.
const TARGET: &str = "TARGET is a .wasm file, or a folder with a project";

/// An app's file and what is in it.
pub(crate) struct Target {
    /// As the user named it, or where the build put it.
    pub(crate) path: PathBuf,
    /// A component.
    pub(crate) component: Vec<u8>,
    /// Whether it was a core module.
    pub(crate) adapted: bool,
    /// The languages and tools that made the file, as far as it says.
    pub(crate) made_by: Vec<Producer>,
    /// When it was read, and just built if it was.
    pub(crate) read_at: SystemTime,
}

impl Target {
    /// Reads a file, or builds a folder and reads what came of it.
    pub(crate) fn read(target: &Path) -> Outcome<Self> {
        refuse_what_is_no_path(target)?;
        let path = if target.is_dir() {
            project::build(target)?
        } else {
            target.to_owned()
        };
        Self::read_file(path)
    }

    /// Reads a file.
    pub(crate) fn read_file(path: PathBuf) -> Outcome<Self> {
        let read_at = SystemTime::now();
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        let component = source::component(&bytes).map_err(|error| not_a_component(&path, &error))?;
        // What the adapter says of itself is nothing that the user used.
        let made_by = source::producers(&bytes);
        let adapted = matches!(component, Cow::Owned(_));
        let component = component.into_owned();
        Ok(Self {
            path,
            component,
            adapted,
            made_by,
            read_at,
        })
    }
}

/// The file, as the user knows it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        if self.adapted {
            f.write_str(", a core module made a component")?;
        }
        Ok(())
    }
}

/// The one path without links that leads to a target, which must be there.
pub(crate) fn located(target: &Path) -> Outcome<PathBuf> {
    refuse_what_is_no_path(target)?;
    target.canonicalize().map_err(|error| unreadable(target, &error))
}

/// The app id that a target has by itself: the name of its file or folder, `_` written `-`.
pub(crate) fn app_id(target: &Path) -> Outcome<AppId> {
    // `.` and `..` have no name until they are resolved.
    let resolved = target.canonicalize().unwrap_or_else(|_| target.to_owned());
    let name = if resolved.is_dir() {
        resolved.file_name()
    } else {
        resolved.file_stem()
    };
    let name = name.unwrap_or_default().to_string_lossy().replace('_', "-");
    name.parse().map_err(|error| {
        Failure::usage(format!("`{name}` cannot be an app id"))
            .because(&error)
            .help("name the app with --app-id")
    })
}

fn refuse_what_is_no_path(target: &Path) -> Outcome<()> {
    let text = target.to_string_lossy();
    let address =
        |help| Err(Failure::usage(format!("cannot run `{text}`: this version takes files, not addresses")).help(help));
    match text.split_once("://") {
        Some(("oci", reference)) => address(format!(
            "pull it first: wkg oci pull {reference} -o app.wasm; then give app.wasm"
        )),
        Some(_) => address(format!(
            "download it first: curl -fLo app.wasm {text}; then give app.wasm"
        )),
        None if target.extension().is_some_and(|extension| extension == "cwasm") => Err(Failure::usage(format!(
            "refusing `{text}`: precompiled code runs outside of the sandbox"
        ))
        .help("give the .wasm file: its code is compiled once, kept, and starts as fast")),
        None => Ok(()),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(format!("there is no file or folder `{shown}`")).help(TARGET),
        _ => Failure::usage(format!("cannot read `{shown}`")).because(error),
    }
}

fn not_a_component(path: &Path, error: &SourceError) -> Failure {
    let failure = Failure::usage(format!("cannot run `{}`: {error}", path.display())).caused(error);
    advise(failure, path, error, TARGET)
}

/// With what to do about a file that is no component; `else_help` where there is nothing better.
pub(crate) fn advise(failure: Failure, path: &Path, error: &SourceError, else_help: &str) -> Failure {
    match error {
        SourceError::Text => {
            let (shown, binary) = (path.display(), path.with_extension("wasm"));
            failure.help(format!("make it one: wasm-tools parse {shown} -o {}", binary.display()))
        }
        SourceError::MachineCode => failure.help("build it for the target wasm32-wasip2, and give that .wasm file"),
        SourceError::Empty | SourceError::Damaged { .. } => failure.help("build or download it again"),
        SourceError::NotEncodable(_) => {
            failure.help("build it for wasm32-wasip2, or for wasm32-wasip1 with this host's WIT (dapr-wasm wit DIR)")
        }
        SourceError::OtherHost { imports } => failure
            .detail(listed(imports))
            .help("it was built for a browser or another host: build it for wasm32-wasip2"),
        SourceError::NothingRunnable { exports } => failure
            .detail(exported(exports))
            .help("build it for wasm32-wasip2, or as a program for wasm32-wasip1"),
        _ => failure.help(else_help),
    }
}

pub(crate) fn exported(names: &[String]) -> String {
    match names {
        [] => "it exports nothing".to_owned(),
        names => format!("it exports\n  {}", listed(names).replace('\n', "\n  ")),
    }
}

/// Names that a file has, a line each.
pub(crate) fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| one_line(name)).collect();
    names.join("\n")
}
