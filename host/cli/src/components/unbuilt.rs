//! Why something in Go is not built, a component or an app, and what to do about it.

use super::name;
use crate::failure::Failure;
use dapr_blocks::config::nearest;
use dapr_go_components::BuildError;

/// The error as the user reads it.
pub(crate) fn cannot_build(what: &str, error: &BuildError) -> Failure {
    let cannot = format!("cannot build `{what}`");
    match error {
        BuildError::NoGo { known } => Failure::usage(format!("{cannot}: there is no `go` in PATH")).help(format!(
            "install Go {known}: https://go.dev/dl, or your system's packages"
        )),
        BuildError::UnknownGo { found, known } => Failure::usage(format!("{cannot} with Go {found}"))
            .help(format!("install one of these releases of Go: {known}")),
        BuildError::UnknownComponent { name, hint } => {
            let known = name::known();
            let near = nearest(name, known.iter().map(|known| known.kind.as_str())).map(str::to_owned);
            let failure = Failure::usage(format!("{cannot}: it is no component that is known to build"));
            let failure = match near.as_ref().or(hint.as_ref()) {
                Some(hint) => failure.help(format!("did you mean `{hint}`?")),
                None => failure,
            };
            failure.help("`dapr-wasm components list` has all; a folder is named by its path: ./mystore")
        }
        BuildError::Package { problem, .. } => Failure::usage(format!("{cannot}: {problem}")),
        BuildError::ContribVersion(version) => {
            Failure::usage(format!("`{version}` is no version of components-contrib"))
                .help("write it as its tags are: --contrib v1.18.4")
        }
        BuildError::Modules { output } => Failure::run(format!("{cannot}: Go could not get its modules"))
            .detail(output)
            .help("is the network there, or GOPROXY set?"),
        BuildError::Compile { output } => Failure::run(format!("{cannot}: Go could not compile it")).detail(output),
        BuildError::Wit { .. } => Failure::usage(cannot).because(error),
        error => Failure::run(cannot).because(error),
    }
}
