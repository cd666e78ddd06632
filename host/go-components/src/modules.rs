//! Go modules: what components-contrib needs, and what is linked.

use crate::{BuildError, CONTRIB_VERSION, Go, Recipe, Source};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoMod {
    #[serde(default)]
    replace: Option<Vec<Replace>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replace {
    old: Named,
    new: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    path: String,
    #[serde(default)]
    version: String,
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

/// Writes `go.mod` and `go.sum` of the build folder: components-contrib in the recipe's version, with what it replaces,
/// which Go does not take over by itself, and the sums that it was released with.
pub(crate) fn write(go: &Go, recipe: &Recipe, folder: &Path) -> Result<(), BuildError> {
    let contrib = format!("{CONTRIB}@{}", recipe.contrib());
    let sums = if recipe.contrib() == CONTRIB_VERSION {
        CONTRIB_SUMS
    } else {
        ""
    };
    put(
        folder,
        "go.mod",
        &format!(
            "module wit_component\n\ngo 1.26\n\nrequire {CONTRIB} {}\n",
            recipe.contrib()
        ),
    )?;
    put(folder, "go.sum", sums)?;
    let output = go.run(folder, ["mod", "download", "-json", &contrib])?;
    let downloaded: Downloaded = parsed(&output)?;
    let output = go.run(folder, ["mod", "edit", "-json", &downloaded.go_mod.to_string_lossy()])?;
    let replaced: GoMod = parsed(&output)?;

    let mut text = format!(
        "module wit_component\n\ngo 1.26\n\nrequire (\n\t{CONTRIB} {}\n\tgo.bytecodealliance.org/pkg v0.4.0\n",
        recipe.contrib()
    );
    let mut replaces = "replace go.bytecodealliance.org/pkg => ./pkg\n".to_owned();
    if let Source::Package { folder: own, .. } = recipe.source()
        && let Some(path) = module_of(go, own)?
    {
        let _ = writeln!(text, "\t{path} v0.0.0");
        let _ = writeln!(replaces, "replace {path} => {}", quoted(own));
    }
    text.push_str(")\n\n");
    for Replace { old, new } in replaced.replace.unwrap_or_default() {
        // A path of theirs means nothing here.
        if !new.version.is_empty() {
            let _ = writeln!(
                replaces,
                "replace {} {} => {} {}",
                old.path, old.version, new.path, new.version
            );
        }
    }
    put(folder, "go.mod", &(text + &replaces))?;
    let theirs = downloaded.dir.join("go.sum");
    let theirs = std::fs::read_to_string(&theirs).map_err(BuildError::files(&theirs))?;
    put(folder, "go.sum", &format!("{sums}{theirs}"))
}

/// The module path of the user's own folder; none where it has no `go.mod`.
pub(crate) fn module_of(go: &Go, folder: &Path) -> Result<Option<String>, BuildError> {
    if !folder.join("go.mod").is_file() {
        return Ok(None);
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Own {
        module: Named,
    }
    let output = go.run(folder, ["mod", "edit", "-json"])?;
    let own: Own = parsed(&output)?;
    Ok(Some(own.module.path))
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

/// A path as `go.mod` wants it.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

fn put(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(BuildError::files(&path))
}
