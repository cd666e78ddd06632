//! The size of the program that users install.

use super::budget::{Budget, Missed};
use super::report::Section;
use super::subject::{Bench, released};
use crate::document::Table;
use crate::figure::megabytes;
use anyhow::Result;

const PROGRAM: Budget = Budget::AtMost(40.0);

pub(super) fn measure(_: &Bench) -> Result<Section> {
    // The release profile strips it.
    let bytes = std::fs::metadata(released("dapr-wasm"))?.len();
    let mut table = Table::new(["program"], ["MB"], ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    let judged = missed.judge(
        &format!("size: {} MB", megabytes(bytes)),
        bytes as f64 / 1e6,
        Some(PROGRAM),
    );
    table.row(["dapr-wasm, stripped".to_owned()], [megabytes(bytes)], judged);
    let what = "the program, every store in it".to_owned();
    Ok(Section {
        name: "size",
        table,
        missed,
        headlines: vec![[what, format!("{} MB", megabytes(bytes))]],
    })
}
