//! Programs: components that export `wasi:cli/run`, run once with the host's own standard streams.

use crate::app::{App, Entrance};
use crate::guest::Guest;
use wasmtime::Store;
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
/// [`CommandError`] if it is no program, cannot be instantiated, or traps.
pub async fn run(app: &App, arguments: &[String]) -> Result<i32, CommandError> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdio().arg(app.id()).args(arguments);
    let mut store = app.store_with(wasi);
    let result = enter(app, &mut store).await;
    match result {
        Ok(Ok(())) => Ok(0),
        Ok(Err(())) => Ok(1),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(CommandError(error.into())),
        },
    }
}

async fn enter(app: &App, store: &mut Store<Guest>) -> wasmtime::Result<Result<(), ()>> {
    match &app.entrance {
        Entrance::Run02(pre) => {
            let command = pre.instantiate_async(&mut *store).await?;
            command.wasi_cli_run().call_run(store).await
        }
        Entrance::Run03(pre) => {
            let command = pre.instantiate_async(&mut *store).await?;
            store
                .run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await)
                .await?
        }
        Entrance::Http02(_) | Entrance::Http03(_) => Err(wasmtime::format_err!("the app is no program")),
    }
}
