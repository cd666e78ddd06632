//! Go modules: what components-contrib needs, and what is linked.

use crate::own::Own;
use crate::{BuildError, CONTRIB_VERSION, Go, Recipe, Source};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

/// The module of Dapr's components.
pub(crate) const CONTRIB: &str = "github.com/dapr/components-contrib";

/// Its sums in the version that was tested, so that these do not depend on who is asked.
const CONTRIB_SUMS: &str = "\
github.com/dapr/components-contrib v1.18.4 h1:yaams1iYBGFok91WvqtWphIs+JohSQzykHxOmskJp3I=
github.com/dapr/components-contrib v1.18.4/go.mod h1:4MZlbYqyytdQIol9VF59uzhX4NJsa0xZlgr2faQq59o=
";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
    go_mod: PathBuf,
}

/// What a `go.mod` has that this crate asks for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GoMod {
    /// Without a path where none is named.
    pub(crate) module: Named,
    pub(crate) replace: Option<Vec<Replace>>,
    pub(crate) exclude: Option<Vec<Named>>,
}

impl GoMod {
    /// Has Go read a file, in a folder that is there.
    pub(crate) fn read(go: &Go, folder: &Path, file: &Path) -> Result<Self, BuildError> {
        parsed(&go.run(folder, ["mod", "edit", "-json", &file.to_string_lossy()])?)
    }
}

/// A module that stands for another one, or a folder that does.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Replace {
    pub(crate) old: Named,
    pub(crate) new: Named,
}

impl Replace {
    /// Whether it is a folder.
    pub(crate) fn is_by_folder(&self) -> bool {
        self.new.version.is_empty()
    }
}

/// As a line of `go.mod`.
impl fmt::Display for Replace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new } = self;
        match self.is_by_folder() {
            true => write!(f, "replace {old} => {:?}", new.path),
            false => write!(f, "replace {old} => {new}"),
        }
    }
}

/// A module, in a version or in all.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) version: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format!("{} {}", self.path, self.version).trim_end())
    }
}

/// A module that is linked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Linked {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) dir: PathBuf,
    #[serde(default)]
    pub(crate) main: bool,
    /// Its packages that are linked.
    #[serde(default)]
    pub(crate) packages: Vec<String>,
}

/// Writes `go.mod` and `go.sum` of the build folder: components-contrib in the recipe's version and the module of the user's
/// own package, with what each replaces, which Go does not take over by itself, and the sums that each came with.
pub(crate) fn write(go: &Go, recipe: &Recipe, folder: &Path) -> Result<(), BuildError> {
    let sums = if recipe.contrib() == CONTRIB_VERSION {
        CONTRIB_SUMS
    } else {
        ""
    };
    let begin = format!(
        "module wit_component\n\ngo 1.26\n\nrequire {CONTRIB} {}\n",
        recipe.contrib()
    );
    put(folder, "go.mod", &begin)?;
    put(folder, "go.sum", sums)?;
    let contrib = format!("{CONTRIB}@{}", recipe.contrib());
    let downloaded: Downloaded = parsed(&go.run(folder, ["mod", "download", "-json", &contrib])?)?;
    let mut theirs = GoMod::read(go, folder, &downloaded.go_mod)?.replace.unwrap_or_default();
    // A folder of theirs means nothing here.
    theirs.retain(|replace| !replace.is_by_folder());
    let mut sums = vec![sums.to_owned(), read(&downloaded.dir.join("go.sum"))?];

    let mut text = begin + "require go.bytecodealliance.org/pkg v0.4.0\n";
    if let Source::Package { folder: own, .. } = recipe.source()
        && let Some(own) = Own::of(go, own)?
    {
        // Where both have a line for a module, the user's is nearer.
        theirs.retain(|replace| own.replaces.iter().all(|nearer| nearer.old.path != replace.old.path));
        let _ = writeln!(text, "require {} {}", own.module, own.version());
        let _ = writeln!(text, "replace {} => {:?}", own.module, own.root.to_string_lossy());
        for replace in &own.replaces {
            let _ = writeln!(text, "{replace}");
        }
        for exclude in &own.excludes {
            let _ = writeln!(text, "exclude {exclude}");
        }
        let own = own.root.join("go.sum");
        if own.is_file() {
            sums.push(read(&own)?);
        }
    }
    text.push_str("replace go.bytecodealliance.org/pkg => ./pkg\n");
    for replace in theirs {
        let _ = writeln!(text, "{replace}");
    }
    put(folder, "go.mod", &text)?;
    put(folder, "go.sum", &sums.join("\n"))
}

/// The modules that the component's packages are in, downloaded if need be.
pub(crate) fn linked(go: &Go, folder: &Path) -> Result<Vec<Linked>, BuildError> {
    let format = "{{with .Module}}{\"Path\":{{printf \"%q\" .Path}},\"Version\":{{printf \"%q\" .Version}},\
                  \"Dir\":{{printf \"%q\" .Dir}},\"Main\":{{.Main}},\
                  \"Packages\":[{{printf \"%q\" $.ImportPath}}]}{{end}}";
    let output = go.run(folder, ["list", "-tags", "metadata", "-deps", "-f", format, "."])?;
    if !output.status.success() {
        return Err(modules(&output));
    }
    let mut linked = BTreeMap::<String, Linked>::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let package: Linked = serde_json::from_str(line).map_err(|_| BuildError::Modules {
            output: line.to_owned(),
        })?;
        match linked.get_mut(&package.path) {
            Some(module) => module.packages.extend(package.packages),
            None => {
                linked.insert(package.path.clone(), package);
            }
        }
    }
    Ok(linked.into_values().collect())
}

fn parsed<T: for<'a> Deserialize<'a>>(output: &std::process::Output) -> Result<T, BuildError> {
    if !output.status.success() {
        return Err(modules(output));
    }
    serde_json::from_slice(&output.stdout).map_err(|_| modules(output))
}

fn modules(output: &std::process::Output) -> BuildError {
    // `go mod download -json` puts the reason into what it prints.
    #[derive(Deserialize)]
    struct Failed {
        #[serde(rename = "Error")]
        error: String,
    }
    let failed: Option<Failed> = serde_json::from_slice(&output.stdout).ok();
    BuildError::Modules {
        output: failed.map_or_else(
            || String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
            |f| f.error,
        ),
    }
}

fn read(path: &Path) -> Result<String, BuildError> {
    std::fs::read_to_string(path).map_err(BuildError::files(path))
}

fn put(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(BuildError::files(&path))
}
