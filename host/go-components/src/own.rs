//! The module of a package of the user's own, as its `go.mod` has it.

use crate::modules::{GoMod, Named, Replace};
use crate::{BuildError, Go};
use std::path::{Path, PathBuf};

/// Modules that the build has in a place of its own, whatever stands in a user's `go.mod`: an app's names them, too.
const OF_THE_BUILD: [&str; 2] = ["go.bytecodealliance.org/pkg", "wit_component"];

/// A package of the user's own that is in a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// The folder of the module.
    pub(crate) root: PathBuf,
    /// The module's path.
    pub(crate) module: String,
    /// How the package is imported.
    pub(crate) package: String,
    /// What stands for other modules: Go takes this from the module that is built alone. Folders are absolute.
    pub(crate) replaces: Vec<Replace>,
    /// Versions that are not to be had; taken from the same alone.
    pub(crate) excludes: Vec<Named>,
}

impl Own {
    /// That of a package in a folder; none where neither it nor a folder above has a `go.mod`.
    pub(crate) fn of(go: &Go, folder: &Path) -> Result<Option<Self>, BuildError> {
        let Some(root) = folder.ancestors().find(|folder| folder.join("go.mod").is_file()) else {
            return Ok(None);
        };
        let go_mod = GoMod::read(go, root, &root.join("go.mod"))?;
        let module = go_mod.module.path;
        if module.is_empty() {
            return Err(BuildError::Package {
                folder: folder.to_owned(),
                problem: format!("`{}` names no module", root.join("go.mod").display()),
            });
        }
        let mut package = module.clone();
        for part in folder.strip_prefix(root).unwrap_or(Path::new("")) {
            package = format!("{package}/{}", part.to_string_lossy());
        }
        let mut replaces = go_mod.replace.unwrap_or_default();
        replaces.retain(|replace| !OF_THE_BUILD.contains(&replace.old.path.as_str()) && replace.old.path != module);
        for replace in replaces.iter_mut().filter(|replace| replace.is_by_folder()) {
            replace.new.path = root.join(&replace.new.path).to_string_lossy().into_owned();
        }
        Ok(Some(Self {
            root: root.to_owned(),
            module,
            package,
            replaces,
            excludes: go_mod.exclude.unwrap_or_default(),
        }))
    }

    /// The folders that are read when it is built: the module's, and those that stand for other modules. One that is not there
    /// is Go's to tell, if it needs it.
    pub(crate) fn folders(&self) -> Vec<&Path> {
        let local = self.replaces.iter().filter(|replace| replace.is_by_folder());
        let local = local.map(|replace| Path::new(&replace.new.path));
        let local = local.filter(|folder| folder.is_dir());
        std::iter::once(self.root.as_path()).chain(local).collect()
    }

    /// A version that a module of this path may have, for what is required and in a folder: `example.org/own/v2` wants `v2`.
    pub(crate) fn version(&self) -> String {
        let by = if self.module.starts_with("gopkg.in/") {
            ".v"
        } else {
            "/v"
        };
        let end = self.module.rsplit_once(by).map(|(_, end)| end);
        format!(
            "v{}.0.0",
            end.and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_required_version_is_one_that_the_path_may_have() {
        for (module, version) in [
            ("example.org/own", "v0.0.0"),
            ("example.org/own/v2", "v2.0.0"),
            ("example.org/own.v2", "v0.0.0"),
            ("example.org/vault", "v0.0.0"),
            ("gopkg.in/own.v1", "v1.0.0"),
            ("gopkg.in/own.v3", "v3.0.0"),
        ] {
            let own = Own {
                root: "/own".into(),
                module: module.into(),
                package: module.into(),
                replaces: Vec::new(),
                excludes: Vec::new(),
            };
            assert_eq!(own.version(), version, "{module}");
        }
    }

    #[test]
    fn a_package_without_a_go_mod_above_is_in_no_module() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Own::of(&crate::go::pretended("go1.26.8"), folder.path()).unwrap(), None);
    }

    #[cfg(feature = "go")]
    #[test]
    fn a_package_below_its_modules_root_has_the_modules_lines_with_whole_paths() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("own");
        let package = root.join("stores/mine");
        std::fs::create_dir_all(&package).unwrap();
        let go_mod = "module example.org/own\n\ngo 1.26\n\nreplace (\n\texample.org/a => ../a b\n\t\
                      example.org/c v1.0.0 => example.org/d v1.1.0\n\twit_component => ./bindings\n\texample.org/f => ../away\n)\n\n\
                      exclude example.org/e v1.2.0\n";
        std::fs::write(root.join("go.mod"), go_mod.replace("../a b", "\"../a b\"")).unwrap();
        let own = Own::of(&Go::find().unwrap(), &package).unwrap().unwrap();
        assert_eq!(
            (own.root.as_path(), own.module.as_str()),
            (root.as_path(), "example.org/own")
        );
        assert_eq!(own.package, "example.org/own/stores/mine");
        let lines: Vec<_> = own.replaces.iter().map(Replace::to_string).collect();
        let local = root.join("../a b");
        std::fs::create_dir(&local).unwrap();
        assert_eq!(
            lines,
            [
                format!("replace example.org/a => {local:?}"),
                "replace example.org/c v1.0.0 => example.org/d v1.1.0".to_owned(),
                format!("replace example.org/f => {:?}", root.join("../away")),
            ]
        );
        assert_eq!(own.folders(), [root.as_path(), &local]);
        assert_eq!(own.excludes[0].path, "example.org/e");
    }

    #[cfg(feature = "go")]
    #[test]
    fn a_go_mod_that_names_no_module_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("go.mod"), "go 1.26\n").unwrap();
        let error = Own::of(&Go::find().unwrap(), folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("go.mod` names no module"), "{error}");
    }
}
