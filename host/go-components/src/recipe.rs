//! What is to be built.

use crate::block::{self, Block};
use crate::{BuildError, Known, known};
use std::path::{Path, PathBuf};

/// The version of components-contrib that the glue was written for and tested with.
pub const CONTRIB_VERSION: &str = "v1.18.4";

/// What is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    source: Source,
    contrib: String,
}

/// Where the component's own code is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// In components-contrib.
    Known(Known),
    /// In a Go package of the user's own, with a constructor that has components-contrib's signature.
    Package {
        /// The folder of the package.
        folder: PathBuf,
        /// `state.FOLDER`, or that of another building block.
        name: String,
        /// The function that takes a logger and gives a `state.Store`, or what the components of another one are.
        constructor: String,
    },
}

impl Recipe {
    /// A component of components-contrib: `state.redis`, or `state.postgresql/v2` for one of several versions, of which
    /// the newest is taken where none is said.
    ///
    /// # Errors
    ///
    /// [`BuildError::UnknownComponent`], [`BuildError::ContribVersion`].
    pub fn known(name: &str, contrib: Option<&str>) -> Result<Self, BuildError> {
        let (kind, version) = name
            .split_once('/')
            .map_or((name, None), |(kind, version)| (kind, Some(version)));
        let found = known()
            .iter()
            .rfind(|known| known.name == kind && version.is_none_or(|version| version == known.version))
            .ok_or_else(|| BuildError::UnknownComponent {
                name: name.to_owned(),
                hint: similar(kind),
            })?;
        Ok(Self {
            source: Source::Known(*found),
            contrib: contrib_version(contrib)?,
        })
    }

    /// A Go package of the user's own in a folder, with or without a `go.mod` there or above. It has one exported function of
    /// the form `func NewX(logger.Logger) state.Store`, or `secretstores.SecretStore`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Package`], [`BuildError::ContribVersion`], [`BuildError::Files`].
    pub fn package(folder: &Path, contrib: Option<&str>) -> Result<Self, BuildError> {
        let folder = folder.canonicalize().map_err(BuildError::files(folder))?;
        let stem = folder
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase().replace('_', "-"));
        let (block, constructor) = constructor(&folder)?;
        Ok(Self {
            source: Source::Package {
                name: format!("{}.{}", block.name, stem.unwrap_or_else(|| "own".into())),
                folder,
                constructor,
            },
            contrib: contrib_version(contrib)?,
        })
    }

    /// Where the code is.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The version of components-contrib.
    #[must_use]
    pub fn contrib(&self) -> &str {
        &self.contrib
    }

    /// Dapr's type of the component.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Known(known) => known.name,
            Source::Package { name, .. } => name,
        }
    }

    /// The building block of the component.
    pub(crate) fn block(&self) -> Block {
        // A name that is known or was made here has one.
        Block::of(self.name()).unwrap_or(block::STATE)
    }

    /// Dapr's version of the component.
    #[must_use]
    pub fn version(&self) -> &str {
        match &self.source {
            Source::Known(known) => known.version,
            Source::Package { .. } => "v1",
        }
    }
}

fn contrib_version(given: Option<&str>) -> Result<String, BuildError> {
    let version = given.unwrap_or(CONTRIB_VERSION);
    let parts: Option<Vec<_>> = version
        .strip_prefix('v')
        .map(|numbers| numbers.splitn(3, '.').collect());
    let number = |part: &&str| part.bytes().next().is_some_and(|b| b.is_ascii_digit());
    let clean = version
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b));
    match parts {
        Some(parts) if clean && parts.len() == 3 && parts.iter().all(number) => Ok(version.to_owned()),
        _ => Err(BuildError::ContribVersion(version.to_owned())),
    }
}

/// The known name that shares the most with this one.
fn similar(name: &str) -> Option<String> {
    let vendor = name.rsplit('.').next()?;
    known()
        .iter()
        .map(|known| known.name)
        .find(|known| {
            !vendor.is_empty()
                && known
                    .rsplit('.')
                    .next()
                    .is_some_and(|v| v.contains(vendor) || vendor.contains(v))
        })
        .map(str::to_owned)
}

/// The one exported function of a package that takes a logger and gives a store, and of which building block that is.
fn constructor(folder: &Path) -> Result<(Block, String), BuildError> {
    let mut found = Vec::new();
    for file in go_files(folder)? {
        let text = std::fs::read_to_string(&file).map_err(BuildError::files(&file))?;
        found.extend(
            text.lines()
                .filter_map(constructor_in)
                .map(|(block, name)| (block, name.to_owned())),
        );
    }
    let problem = match found.as_slice() {
        [one] => return Ok(one.clone()),
        [] => {
            "it has no exported function of the form `func NewX(log logger.Logger) state.Store` on one line".to_owned()
        }
        several => {
            let names: Vec<_> = several.iter().map(|(_, name)| name.as_str()).collect();
            format!("it has several constructors: {}; leave one exported", names.join(", "))
        }
    };
    Err(BuildError::Package {
        folder: folder.to_owned(),
        problem,
    })
}

/// The Go files of a package, without tests, in the order of their names.
fn go_files(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(BuildError::files(folder))? {
        let path = entry.map_err(BuildError::files(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".go") && !name.ends_with("_test.go") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn constructor_in(line: &str) -> Option<(Block, &str)> {
    let (name, rest) = line.strip_prefix("func ")?.split_once('(')?;
    let (parameter, result) = rest.split_once(')')?;
    let exported = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    let takes = parameter.split_whitespace().next_back() == Some("logger.Logger") && !parameter.contains(',');
    let gives = result.split_whitespace().next();
    let block = block::ALL.into_iter().find(|block| gives == Some(block.interface))?;
    (exported && takes).then_some((block, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_component_is_found_in_its_newest_version_or_the_one_named() {
        let version = |name| Recipe::known(name, None).unwrap().version().to_owned();
        assert_eq!(version("state.redis"), "v1");
        assert_eq!(version("state.postgresql"), "v2");
        assert_eq!(version("state.postgresql/v1"), "v1");
    }

    #[test]
    fn an_unknown_component_is_refused_with_the_nearest_name() {
        let error = |name| Recipe::known(name, None).unwrap_err().to_string();
        assert_eq!(
            error("redis"),
            "`redis` is not a known Dapr component; did you mean `state.redis`?"
        );
        assert_eq!(error("state.nothing"), "`state.nothing` is not a known Dapr component");
        assert!(error("state.redis/v9").contains("state.redis/v9"));
    }

    #[test]
    fn a_version_of_components_contrib_is_one_of_its_tags() {
        for version in ["v1.18.4", "v1.19.0-rc.1", "v1.18.5-0.20260821000000-c23900d2abcd"] {
            assert_eq!(Recipe::known("state.redis", Some(version)).unwrap().contrib(), version);
        }
        for version in [
            "",
            "1.18.4",
            "v1",
            "v1.18",
            "latest",
            "v1.18.4\nreplace x => y",
            "v1.18.4 // x",
        ] {
            assert!(Recipe::known("state.redis", Some(version)).is_err(), "{version}");
        }
    }

    #[test]
    fn a_constructor_has_components_contribs_signature() {
        for line in [
            "func NewStore(log logger.Logger) state.Store {",
            "func NewStore(logger.Logger) state.Store {",
            "func New(_ logger.Logger) state.Store { return &store{} }",
        ] {
            assert!(constructor_in(line).is_some(), "{line}");
        }
        for line in [
            "func newStore(log logger.Logger) state.Store {",
            "func (s *Store) New(log logger.Logger) state.Store {",
            "func New(log logger.Logger, x int) state.Store {",
            "func New(log logger.Logger) (state.Store, error) {",
            "// func New(log logger.Logger) state.Store {",
        ] {
            assert_eq!(constructor_in(line), None, "{line}");
        }
    }

    #[test]
    fn what_a_constructor_gives_is_the_building_block() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("own");
        std::fs::create_dir(&package).unwrap();
        for (gives, name) in [
            ("state.Store", "state.own"),
            ("secretstores.SecretStore", "secretstores.own"),
        ] {
            let text = format!("package x\nfunc New(l logger.Logger) {gives} {{}}\n");
            std::fs::write(package.join("store.go"), text).unwrap();
            assert_eq!(Recipe::package(&package, None).unwrap().name(), name);
        }
    }

    #[test]
    fn a_package_without_a_constructor_or_with_two_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("store.go"), text).unwrap();
        let error = || Recipe::package(folder.path(), None).unwrap_err().to_string();
        assert!(error().contains("has no exported function"));
        write("package x\nfunc New(l logger.Logger) state.Store {}\nfunc New2(l logger.Logger) state.Store {}\n");
        assert!(error().contains("several constructors: New, New2"), "{}", error());
        write("package x\nfunc New(l logger.Logger) state.Store {}\n");
        assert!(
            Recipe::package(folder.path(), None)
                .unwrap()
                .name()
                .starts_with("state.")
        );
    }
}
