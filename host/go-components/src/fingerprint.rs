//! A name for what a build gives: another one for everything that matters.

use crate::files::{self, GO, WIT};
use crate::recipe::go_files;
use crate::{BuildError, Go, Recipe, Source};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// A hash, as hexadecimal digits, of what a build depends on: Go, the overlay, the glue, the contract, the version of
/// components-contrib, this crate's own version, and the recipe; of a folder of the user's own its files.
///
/// # Errors
///
/// [`BuildError::Files`] if the user's folder cannot be read.
pub fn fingerprint(go: &Go, recipe: &Recipe) -> Result<String, BuildError> {
    let mut hash = Sha256::new();
    let mut add = |name: &[u8], contents: &[u8]| {
        for part in [name, contents] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
    };
    add(b"crate", env!("CARGO_PKG_VERSION").as_bytes());
    add(b"go", go.version().to_string().as_bytes());
    add(b"contrib", recipe.contrib().as_bytes());
    add(b"name", recipe.name().as_bytes());
    add(b"version", recipe.version().as_bytes());
    for (path, contents) in files::all(&GO).into_iter().chain(files::all(&WIT)) {
        add(path.as_os_str().as_encoded_bytes(), contents);
    }
    match recipe.source() {
        Source::Known(known) => add(known.package.as_bytes(), known.constructor.as_bytes()),
        Source::Package {
            folder, constructor, ..
        } => {
            add(b"constructor", constructor.as_bytes());
            let mut own = go_files(folder)?;
            own.extend(
                ["go.mod", "go.sum"]
                    .map(|name| folder.join(name))
                    .into_iter()
                    .filter(|file| file.is_file()),
            );
            for file in own {
                let contents = std::fs::read(&file).map_err(BuildError::files(&file))?;
                add(file.file_name().unwrap_or_default().as_encoded_bytes(), &contents);
            }
        }
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
