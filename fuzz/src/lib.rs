//! What several fuzz targets share. A target is a file in `fuzz_targets/`; README.md says how to add one.

pub mod listed;
pub mod made;
pub mod printed;
pub mod text;
pub mod way_in;
