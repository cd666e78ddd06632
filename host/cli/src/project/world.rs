//! Which world a project is built for: one of its own, else the one of its language.
//!
//! One of its own is a `world app` in `wit/app.wit`: a file without a line `package`, so that what it includes and imports are the
//! worlds and packages beside it.

use crate::failure::Failure;
use crate::wit;
use std::path::Path;

/// What an app imports and exports, unless its project says otherwise.
pub(super) const HTTP_APP: &str = "dapr:host/http-app";

/// A project's own, in the package that its WIT is.
const OWN: &str = "app";

/// The world of a project in a language that has this one by itself.
pub(super) fn world(folder: &Path, of_language: &'static str) -> &'static str {
    match wit::has_own(&folder.join("wit")) {
        true => OWN,
        false => of_language,
    }
}

/// The same failure of a tool, with what it may have failed for: few tools say that a world lacks something.
pub(super) fn advised(failure: Failure, folder: &Path) -> Failure {
    failure.help(format!(
        "if something of this host is not found, import it in the app's world: {}",
        own(folder)
    ))
}

/// The same failure over a project's WIT, with what to do about it.
#[cfg(any(feature = "c-bindings", feature = "go-components"))]
pub(super) fn unfit(failure: Failure, folder: &Path) -> Failure {
    match wit::has_own(&folder.join("wit")) {
        true => failure.help(format!("it is built for {}", own(folder))),
        false => failure.help("move the folder away: this host then brings its own WIT"),
    }
}

fn own(folder: &Path) -> String {
    format!("`world {OWN}` in {}", folder.join("wit").join(wit::OWN).display())
}
