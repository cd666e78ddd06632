//! A name for what a build gives: another one for everything that matters.

use crate::files::{self, GO, UNPUBLISHED, WIT};
use crate::recipe::go_files;
use crate::{BuildError, Go, Recipe, Source};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// A hash, as hexadecimal digits, of what a build depends on: Go, the overlay, the glue, the contract, the version of
/// components-contrib, how this crate builds and with which generators, and the recipe; of a folder of the user's own its files.
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
    add(b"made of", env!("MADE_OF").as_bytes());
    add(b"go", go.version().to_string().as_bytes());
    add(b"contrib", recipe.contrib().as_bytes());
    add(b"name", recipe.name().as_bytes());
    add(b"version", recipe.version().as_bytes());
    for (path, contents) in [&GO, &WIT, &UNPUBLISHED].into_iter().flat_map(files::all) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::pretended;

    #[test]
    fn a_fingerprint_is_the_same_for_the_same_and_another_for_all_that_matters() {
        let go = pretended("go1.26.8");
        let of = |name, contrib| fingerprint(&go, &Recipe::known(name, contrib).unwrap()).unwrap();
        let redis = of("state.redis", None);
        assert_eq!(redis.len(), 64);
        assert_eq!(redis, of("state.redis", None));
        assert_ne!(redis, of("state.redis", Some("v1.18.3")));
        assert_ne!(redis, of("state.mysql", None));
        assert_ne!(of("state.postgresql/v1", None), of("state.postgresql/v2", None));
        let newer = pretended("go1.27.3");
        let recipe = Recipe::known("state.redis", None).unwrap();
        assert_ne!(redis, fingerprint(&newer, &recipe).unwrap());
    }

    #[test]
    fn a_folder_of_ones_own_has_another_fingerprint_when_one_of_its_files_is_another() {
        let go = pretended("go1.26.8");
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "store.go",
            "package x\n\nfunc New(l logger.Logger) state.Store { return nil }\n",
        );
        let of = || fingerprint(&go, &Recipe::package(folder.path(), None).unwrap()).unwrap();
        let first = of();
        write("store_test.go", "package x\n");
        assert_eq!(first, of());
        write("more.go", "package x\n");
        assert_ne!(first, of());
    }
}
