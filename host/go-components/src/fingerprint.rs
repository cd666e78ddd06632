//! A name for what a build gives: another one for everything that matters.

use crate::files::{self, GO, UNPUBLISHED, WIT, hexadecimal};
use crate::own::Own;
use crate::{BuildError, Go, Recipe, Source, tree};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A hash, as hexadecimal digits, of what a build depends on: Go, the overlay, the glue, the contract, the version of
/// components-contrib, how this crate builds and with which generators, and the recipe; of a package of the user's own all
/// that is in its module, and in folders that stand for other modules.
///
/// # Errors
///
/// [`BuildError::Files`] if the user's folder cannot be read, and as Go fails to read its `go.mod`.
pub fn fingerprint(go: &Go, recipe: &Recipe) -> Result<String, BuildError> {
    let mut hash = Parts::new();
    hash.add(b"crate", env!("CARGO_PKG_VERSION").as_bytes());
    hash.add(b"made of", env!("MADE_OF").as_bytes());
    hash.add(b"go", go.version().to_string().as_bytes());
    hash.add(b"contrib", recipe.contrib().as_bytes());
    hash.add(b"name", recipe.name().as_bytes());
    hash.add(b"version", recipe.version().as_bytes());
    for (path, contents) in [&GO, &WIT, &UNPUBLISHED].into_iter().flat_map(files::all) {
        hash.add(path.as_os_str().as_encoded_bytes(), contents);
    }
    match recipe.source() {
        Source::Known(known) => hash.add(known.package.as_bytes(), known.constructor.as_bytes()),
        Source::Package {
            folder, constructor, ..
        } => {
            hash.add(b"constructor", constructor.as_bytes());
            let own = Own::of(go, folder)?;
            hash.add(b"package", own.as_ref().map_or("", |own| &own.package).as_bytes());
            for folder in own.as_ref().map_or_else(|| vec![folder.as_path()], Own::folders) {
                hash.add_folder(folder)?;
            }
        }
    }
    Ok(hash.finish())
}

/// A hash of named parts, none of which can pass for two, or for another one's name.
struct Parts(Sha256);

impl Parts {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn add(&mut self, name: &[u8], contents: &[u8]) {
        for part in [name, contents] {
            self.0
                .update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            self.0.update(part);
        }
    }

    /// What a build may read of a folder. Where the folder lies does not count.
    fn add_folder(&mut self, folder: &Path) -> Result<(), BuildError> {
        let files = tree::files(folder)?;
        self.add(b"folder", &files.len().to_le_bytes());
        for name in files {
            let file = folder.join(&name);
            let contents = sum(&file).map_err(BuildError::files(&file))?;
            self.add(name.as_os_str().as_encoded_bytes(), &contents);
        }
        Ok(())
    }

    fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// The hash of a file, which may be large: what lies in a user's folder may be no source.
fn sum(file: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
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

    const STORE: &str = "package x\n\nfunc New(l logger.Logger) state.Store { return nil }\n";

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_folder_of_ones_own_has_another_fingerprint_when_one_of_its_files_is_another() {
        let go = pretended("go1.26.8");
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "store.go", STORE);
        let of = || fingerprint(&go, &Recipe::package(folder, None).unwrap()).unwrap();
        let mut last = of();
        for (file, text) in [
            ("more.go", "package x\n"),
            ("internal/deep/a.go", "package deep\n"),
            ("internal/deep/a.go", "package deep\n\nconst A = 1\n"),
            ("texts/embedded.txt", "hello"),
            ("texts/embedded.txt", "Hello"),
            ("texts/.hidden", ""),
        ] {
            write(folder, file, text);
            let now = of();
            assert_ne!(now, last, "{file}: {text}");
            last = now;
        }
        write(folder, "internal/deep/a_test.go", "package deep\n");
        write(folder, ".git/index", "1");
        assert_eq!(of(), last);
        std::fs::rename(folder.join("texts"), folder.join("words")).unwrap();
        assert_ne!(of(), last);
    }

    #[cfg(feature = "go")]
    #[test]
    fn a_package_in_a_module_has_another_one_when_the_module_or_what_stands_for_others_is_another() {
        let go = Go::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let go_mod = "module example.org/own\n\nreplace example.org/a => ../a\n";
        write(folder, "own/go.mod", go_mod);
        write(folder, "own/one/mine/store.go", STORE);
        write(folder, "own/two/mine/store.go", STORE);
        write(folder, "a/go.mod", "module example.org/a\n");
        write(folder, "b/go.mod", "module example.org/a\n");
        write(folder, "b/b.go", "package b\n");
        let of = |package: &str| {
            let recipe = Recipe::package(&folder.join("own").join(package), None).unwrap();
            fingerprint(&go, &recipe).unwrap()
        };
        let mut last = of("one/mine");
        assert_ne!(last, of("two/mine"));
        for (file, text) in [
            ("own/go.sum", "example.org/c v1.0.0 h1:x\n"),
            ("own/other/other.go", "package other\n"),
            ("a/inner/a.go", "package inner\n"),
            (
                "own/go.mod",
                "module example.org/own\n\nreplace example.org/a => ../b\n",
            ),
            ("b/b.go", "package b\n\nconst B = 1\n"),
        ] {
            write(folder, file, text);
            let now = of("one/mine");
            assert_ne!(now, last, "{file}");
            last = now;
        }
        write(folder, "a/inner/a.go", "package inner // of no use any more\n");
        assert_eq!(of("one/mine"), last);
    }
}
