//! What this crate is made of, as a hash: its own sources, and the crates below it in the versions that `Cargo.lock` has. So no
//! version of a generator and no line of a recipe can be forgotten where components are kept under the name of all that they
//! depend on.
//!
//! The build script includes this file: it uses nothing of the crate. Crates that only tests need count, too, which costs a
//! build that nobody needed.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is read, from the folder of the crate.
pub(crate) const READ: [&str; 3] = ["Cargo.toml", "src", LOCK];

const LOCK: &str = "../../Cargo.lock";

/// The hash, in hexadecimal digits, of the crate in this folder.
pub(crate) fn hash(folder: &Path) -> io::Result<String> {
    let lock = fs::read_to_string(folder.join(LOCK))?;
    hash_with(folder, &lock)
}

fn hash_with(folder: &Path, lock: &str) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    };
    let mut files = vec![folder.join("Cargo.toml")];
    files.extend(sources(&folder.join("src"))?);
    for file in files {
        add(file
            .strip_prefix(folder)
            .unwrap_or(&file)
            .as_os_str()
            .as_encoded_bytes());
        add(&fs::read(&file)?);
    }
    for part in crates(lock, "dapr-go-components").values() {
        add(part.as_bytes());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The files of a folder and of those in it, in order.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(sources(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

/// A crate's part of `Cargo.lock`, and those of all below it: its name, its version, its sum, and what it needs.
fn crates<'a>(lock: &'a str, root: &str) -> BTreeMap<(&'a str, &'a str), &'a str> {
    let parts: Vec<_> = lock.split("[[package]]\n").collect();
    let value = |part: &'a str, key: &str| {
        let mut lines = part.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    let mut found = BTreeMap::new();
    // `name`, or `name version` where there are several.
    let mut wanted = vec![root];
    while let Some(next) = wanted.pop() {
        let (name, version) = next.split_once(' ').unwrap_or((next, ""));
        for part in &parts {
            let Some((of, in_version)) = value(part, "name").zip(value(part, "version")) else {
                continue;
            };
            let is_it = of == name && (version.is_empty() || version == in_version);
            if is_it && found.insert((of, in_version), *part).is_none() {
                let needs = part
                    .lines()
                    .filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
                wanted.extend(needs);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = env!("CARGO_MANIFEST_DIR");

    fn lock() -> String {
        fs::read_to_string(Path::new(HERE).join(LOCK)).unwrap()
    }

    #[test]
    fn the_hash_is_that_of_the_sources_and_versions_that_this_was_built_from() {
        let here = Path::new(HERE);
        assert_eq!(hash(here).unwrap(), env!("MADE_OF"));
        // What is not there is no reason to read the rest again.
        assert!(READ.iter().all(|read| here.join(read).exists()));
    }

    #[test]
    fn each_crate_that_makes_a_component_is_in_it_in_its_version_and_the_host_is_not() {
        let lock = lock();
        let crates = crates(&lock, "dapr-go-components");
        let versions = |of: &str| {
            let versions = crates.keys().filter(|(name, _)| *name == of);
            versions.map(|(_, version)| *version).collect::<Vec<_>>()
        };
        for (name, version) in [
            ("wasm-encoder", "0.262.0"),
            ("wasmparser", "0.262.0"),
            ("wit-bindgen-core", "0.63.0"),
            ("wit-bindgen-go", "0.63.0"),
            ("wit-component", "0.262.0"),
            ("wit-parser", "0.262.0"),
        ] {
            assert_eq!(versions(name), [version], "{name}");
        }
        assert_eq!(versions("wasi-preview1-component-adapter-provider").len(), 1);
        for other in ["dapr-runtime", "tokio", "wasmtime"] {
            assert!(versions(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn another_version_of_a_crate_below_is_another_hash_and_of_any_other_crate_is_the_same() {
        let (here, lock) = (Path::new(HERE), lock());
        let with = |name: &str| {
            let (before, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
            format!("{before}name = \"{name}\"\nversion = \"9{after}")
        };
        let made = hash_with(here, &lock).unwrap();
        for below in ["wasi-preview1-component-adapter-provider", "wit-bindgen-go"] {
            assert_ne!(hash_with(here, &with(below)).unwrap(), made, "{below}");
        }
        assert_eq!(hash_with(here, &with("tokio")).unwrap(), made);
    }

    #[test]
    fn another_line_in_any_source_or_in_the_crates_manifest_is_another_hash() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path();
        fs::create_dir(copy.join("src")).unwrap();
        let here = Path::new(HERE);
        let mut files = sources(&here.join("src")).unwrap();
        files.push(here.join("Cargo.toml"));
        let files: Vec<_> = files.iter().map(|file| file.strip_prefix(here).unwrap()).collect();
        for file in &files {
            fs::copy(here.join(file), copy.join(file)).unwrap();
        }
        let lock = lock();
        let mut made = hash_with(copy, &lock).unwrap();
        assert_eq!(made, hash_with(here, &lock).unwrap());
        assert!(files.contains(&Path::new("src/go.rs")) && files.contains(&Path::new("src/licences.rs")));
        for file in &files {
            let text = fs::read_to_string(copy.join(file)).unwrap();
            fs::write(copy.join(file), text + "\n").unwrap();
            let now = hash_with(copy, &lock).unwrap();
            assert_ne!(now, made, "{}", file.display());
            made = now;
        }
    }
}
