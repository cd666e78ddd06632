//! `dapr-wasm wit DIR`: the contract, for a guest's project.

use crate::failure::{Failure, Outcome};
use include_dir::{Dir, include_dir};
use std::path::Path;

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// Writes the WIT packages of this host into a folder. Files of the same name are replaced, others stay.
pub(crate) fn write(folder: &Path) -> Outcome<()> {
    let written = std::fs::create_dir_all(folder).and_then(|()| WIT.extract(folder));
    written.map_err(|error| Failure::run(format!("cannot write to `{}`", folder.display())).because(&error))?;
    eprintln!("wrote the worlds of dapr:host and what they use to {}", folder.display());
    Ok(())
}
