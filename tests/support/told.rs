//! What a test saw, for the document: written as a row, its cells apart by `|`, to the file that `DAPR_WASM_TOLD` names, if
//! there is one. The commands of `cargo xtask` that write figures into `docs/` read it.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Tells of something.
pub fn tell(cells: &[String]) {
    let Some(path) = std::env::var_os("DAPR_WASM_TOLD") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    // In one write, since tests run at the same time.
    let row = format!("{}\n", cells.join("|"));
    file.unwrap().write_all(row.as_bytes()).unwrap();
}
