//! Tells the crate what it is made of: its part of the name that a built component is kept under.

use std::error::Error;
use std::path::Path;

#[path = "src/made_of.rs"]
mod made_of;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names the folder of the crate")?;
    let folder = Path::new(&folder);
    for read in made_of::READ {
        println!("cargo:rerun-if-changed={read}");
    }
    println!("cargo:rustc-env=MADE_OF={}", made_of::hash(folder)?);
    Ok(())
}
