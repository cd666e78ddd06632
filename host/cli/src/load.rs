//! An examined target becomes an app: its code compiled or found, its imports linked.

use crate::code;
use crate::examined::{BUILD_AGAINST_THIS_HOST, Examined};
use crate::failure::{Failure, Outcome};
use crate::size::size;
use dapr_runtime::app::{App, AppSpec, LinkError, Shared};
use dapr_runtime::needs::Entry;

/// Compiles or finds the app's code and links it.
pub(crate) async fn app(examined: &Examined, entry: Entry, spec: AppSpec, shared: &Shared) -> Outcome<App> {
    let path = &examined.target.path;
    let component = code::load(
        path,
        &examined.target.component,
        App::guests(&examined.shape, entry),
        &shared.engines,
    )
    .await?;
    App::link(&component, &examined.shape, entry, spec, shared.clone()).map_err(|error| match error {
        LinkError::Memory { needed, memory } => Failure::usage(format!(
            "an instance of `{}` begins with {} in one memory, and may have {}",
            path.display(),
            size(needed),
            size(memory as u64)
        ))
        .help("components.toml sets what it may have, as `memory` of [app]"),
        error => Failure::usage(format!("cannot link `{}`: {error}", path.display()))
            .caused(&error)
            .help(BUILD_AGAINST_THIS_HOST),
    })
}
