//! `dapr-wasm run`: from the target to an open port, or a program's exit code.

use crate::args::RunArgs;
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::setup::Setup;
use crate::shutdown;
use crate::summary::summary;
use dapr_runtime::app::App;
use dapr_runtime::engine::EpochTicker;
use dapr_runtime::triggers::command;
use dapr_runtime::triggers::http::{Server, ServerError};
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long what an app printed last may take to be printed: nobody may be reading.
const PRINTED_WITHIN: Duration = Duration::from_secs(1);

/// Runs an app until it ends or the host is told to stop.
pub(crate) async fn run(args: RunArgs) -> Outcome<ExitCode> {
    let setup = Setup::read(&args.app)?;
    let examined = Examined::read(&args.app, &setup)?;
    let entry = examined.runnable(&args.app, &setup)?;
    if entry.is_http() && !args.arguments.is_empty() {
        let shown = examined.target.path.display();
        return Err(
            Failure::usage(format!("`{shown}` answers HTTP requests and takes no arguments"))
                .help("what stands after `--` is for programs; give an app its settings with --env NAME=VALUE"),
        );
    }
    let shared = load::shared()?;
    let ticker =
        EpochTicker::start(&shared.engine).map_err(|error| Failure::run("cannot start a thread").because(&error))?;
    // An app that has no use for a store leaves no file behind.
    let stores = if examined.uses_stores() {
        setup.open().await?
    } else {
        Vec::new()
    };
    let app = load::app(&examined, entry, setup.spec(&stores), &shared).await?;
    let outcome = if entry.is_http() {
        serve(&args, &setup, &examined, app).await
    } else {
        let code = command::run(&app, &args.arguments).await;
        code.map(exit_code)
            .map_err(|error| Failure::run(format!("`{}` failed", app.id())).caused(&error))
    };
    for open in stores {
        open.store.close().await;
    }
    let printed = tokio::time::timeout(PRINTED_WITHIN, shared.output.flush()).await;
    if printed.is_err() {
        tracing::warn!("nobody reads what the app printed: the end of it is lost");
    }
    // Last: a guest that still computes lets nobody else run any more.
    drop(ticker);
    outcome
}

async fn serve(args: &RunArgs, setup: &Setup, examined: &Examined, app: App) -> Outcome<ExitCode> {
    let drain = app.limits().drain;
    let stop = CancellationToken::new();
    shutdown::listen(stop.clone(), drain)?;
    let text = summary(setup, examined, &app);
    let server = Server::bind(args.listen.as_str(), app).await.map_err(cannot_serve)?;
    let address = server
        .local_addr()
        .map_err(|error| Failure::run("cannot tell the port").because(&error))?;
    crate::failure::say(format_args!("{text}\nserving http://{address}"));
    let all_done = server.serve(stop).await;
    if !all_done {
        return Err(Failure::run(format!(
            "stopped with requests under way, which had no answer in {drain:?}"
        )));
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot_serve(error: ServerError) -> Failure {
    match error {
        ServerError::InUse { .. } => {
            Failure::run(&error).help("choose another address with --listen; --listen 0 picks a free port")
        }
        _ => Failure::run(&error)
            .caused(&error)
            .help("--listen takes HOST:PORT, where HOST is a name or address of this machine"),
    }
}

/// A program's own code, as far as the system can hand it on.
fn exit_code(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
