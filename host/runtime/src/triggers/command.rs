//! Programs: components that export `wasi:cli/run`, run once with the host's own standard streams.

use crate::app::App;
use crate::needs::Entry;
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

/// A program that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("the app failed")]
pub struct CommandError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Runs a program to its end and returns its exit code.
///
/// It sees `arguments` after its own name, and the app's environment. It may read the host's standard input and writes to
/// its output and error as they are: unlike an HTTP app it is what the user started.
///
/// # Errors
///
/// [`CommandError`] if it cannot be instantiated or traps.
pub async fn run(app: &App, arguments: &[String]) -> Result<i32, CommandError> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdio().arg(app.id()).args(arguments).envs(&app.spec.env);
    let mut store = app.store_with(wasi.build());
    let result = match app.entry() {
        Entry::Run03 => run_0_3(app, &mut store).await,
        _ => run_0_2(app, &mut store).await,
    };
    match result {
        Ok(Ok(())) => Ok(0),
        Ok(Err(())) => Ok(1),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(CommandError(error.into())),
        },
    }
}

type Ran = wasmtime::Result<Result<(), ()>>;

async fn run_0_2(app: &App, store: &mut wasmtime::Store<crate::guest::Guest>) -> Ran {
    let pre = wasmtime_wasi::p2::bindings::CommandPre::new(app.pre.clone())?;
    let command = pre.instantiate_async(&mut *store).await?;
    command.wasi_cli_run().call_run(store).await
}

async fn run_0_3(app: &App, store: &mut wasmtime::Store<crate::guest::Guest>) -> Ran {
    let pre = wasmtime_wasi::p3::bindings::CommandPre::new(app.pre.clone())?;
    let command = pre.instantiate_async(&mut *store).await?;
    store
        .run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await)
        .await?
}
