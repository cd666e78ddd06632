//! TypeScript and JavaScript: a package whose script `build` makes the component, with whatever tools it likes.

use super::packages::Packages;
use super::{NODE, bring_wit, made, run};
use crate::failure::{Failure, Outcome};
use crate::tell::say;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What makes a folder such a project.
pub(super) const MANIFEST: &str = "package.json";

/// Which packages npm has taken. Addresses in it would be those of whichever registry this user's npm asks.
pub(super) const LOCK: &str = "package-lock.json";
const WITHOUT_ADDRESSES: &str = "--omit-lockfile-registry-resolved";

/// A manifest, as much as is used of it.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    scripts: BTreeMap<String, String>,
}

pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    let file = folder.join(MANIFEST);
    let shown = file.display();
    let unreadable = || format!("cannot read `{shown}`");
    let text = std::fs::read(&file).map_err(|error| Failure::usage(unreadable()).because(&error))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Failure::usage(unreadable()).because(&error))?;
    if !manifest.scripts.contains_key("build") {
        return Err(Failure::usage(format!("`{shown}` has no script `build`"))
            .help("add one that makes build/app.wasm: `dapr-wasm new NAME --lang ts` makes a project that has it"));
    }
    bring_wit(folder)?;
    NODE.require(folder, "node")?;
    let install = match Packages::of(folder) {
        Packages::Installed => None,
        // Not what makes all anew, and refuses a lock that somebody's change of package.json is not in yet.
        Packages::Stale => Some("install"),
        Packages::None if folder.join(LOCK).is_file() => Some("ci"),
        Packages::None => Some("install"),
    };
    if let Some(install) = install {
        say(format_args!("{}: npm {install} …", folder.display()));
        run(
            folder,
            "npm",
            &[install, "--no-audit", "--no-fund", WITHOUT_ADDRESSES],
            NODE.get,
        )?;
    }
    say(format_args!("{}: npm run build …", folder.display()));
    run(folder, "npm", &["run", "--silent", "build"], NODE.get)?;
    made(folder, "the script `build` of package.json")
}
