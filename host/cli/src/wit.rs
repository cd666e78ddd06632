//! `dapr-wasm wit DIR`: the contract, for a guest's project.

use crate::failure::{Failure, Outcome};
use include_dir::{Dir, include_dir};
use std::path::Path;

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// Writes the WIT packages of this host into a folder, and says so. Files of the same name are replaced, others stay.
pub(crate) fn write(folder: &Path) -> Outcome<String> {
    let shown = folder.display();
    std::fs::create_dir_all(folder)
        .and_then(|()| WIT.extract(folder))
        .map_err(|error| {
            Failure::run(format!("cannot write to the folder `{shown}`"))
                .because(&error)
                .help("DIR is a folder, new or old")
        })?;
    Ok(format!(
        "wrote the worlds of dapr:host to `{shown}`, and the packages that they use to `{shown}/deps`"
    ))
}
