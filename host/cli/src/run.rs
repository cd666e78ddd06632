//! `dapr-wasm run`: from the target to an open port, or a program's exit code.

use crate::args::RunArgs;
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::health::Health;
use crate::load;
use crate::opened::Opened;
use crate::setup::Setup;
use crate::shared;
use crate::shutdown;
use crate::summary::{Addresses, Summary};
use crate::watch::{Renewal, Watched};
use dapr_runtime::app::{App, Shared};
use dapr_runtime::triggers::command;
use dapr_runtime::triggers::http::{Server, ServerError};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Runs an app until it ends or the host is told to stop.
pub(crate) async fn run(args: RunArgs) -> Outcome<ExitCode> {
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let setup = Setup::read(&args.app, &shared).await?;
    // Before it is built, which may take long enough for something to be saved.
    let mut watched = match args.watch {
        true => Some(Watched::start(&args.app.target, &setup.files()).await?),
        false => None,
    };
    let examined = Examined::read(&args.app, &setup)?;
    if let Some(watched) = &mut watched {
        watched.built().await?;
    }
    let entry = examined.runnable(&args.app, &setup)?;
    if entry.is_http() && !args.arguments.is_empty() {
        let shown = examined.target.path.display();
        return Err(
            Failure::usage(format!("`{shown}` answers HTTP requests and takes no arguments"))
                .help("what stands after `--` is for programs; give an app its settings with --env NAME=VALUE"),
        );
    }
    if !entry.is_http() && args.admin_listen.is_some() {
        let shown = examined.target.path.display();
        return Err(
            Failure::usage(format!("`{shown}` is a program, and has no /healthz")).help("remove --admin-listen")
        );
    }
    if !entry.is_http() && args.watch {
        let shown = examined.target.path.display();
        return Err(Failure::usage(format!("`{shown}` is a program, and is not watched")).help("remove --watch"));
    }
    let stop = CancellationToken::new();
    let health = match &args.admin_listen {
        Some(address) => Some(Health::of_a_start(address, stop.clone()).await?),
        None => None,
    };
    let mut opened = Opened::by(&setup);
    opened.open(&examined, &setup, &shared).await?;
    if watched.is_none() {
        // Code that comes later may use them.
        opened.close_unused(shared.limits.drain).await;
    }
    let app = load::app(&examined, entry, opened.spec(&setup), &shared).await?;
    let outcome = if entry.is_http() {
        let host = Host {
            args: &args,
            setup: &setup,
            shared: &shared,
            stop: &stop,
            health: health.as_ref(),
        };
        serve(host, &examined, app, watched, &mut opened).await
    } else {
        let code = command::run(&app, &args.arguments).await;
        code.map(exit_code)
            .map_err(|error| Failure::run(format!("`{}` failed", app.id())).caused(&error))
    };
    drop(health);
    opened.close(shared.limits.drain).await;
    shared::printed(&shared).await;
    // Last: a guest that still computes lets nobody else run any more.
    drop(ticker);
    outcome
}

/// What a host is started with.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    pub(crate) args: &'a RunArgs,
    pub(crate) setup: &'a Setup,
    pub(crate) shared: &'a Shared,
    /// Cancelled when it is to end.
    stop: &'a CancellationToken,
    /// What answers `/healthz`, if it is asked for.
    health: Option<&'a Health>,
}

async fn serve(
    host: Host<'_>,
    examined: &Examined,
    app: App,
    watched: Option<Watched>,
    opened: &mut Opened,
) -> Outcome<ExitCode> {
    let (drain, stop) = (app.limits().drain, host.stop.clone());
    shutdown::listen(stop.clone(), drain)?;
    let server = Server::bind(host.args.listen.as_str(), app.clone())
        .await
        .map_err(cannot_serve)?;
    let address = server
        .local_addr()
        .map_err(|error| Failure::run("cannot tell the port").because(&error))?;
    let addresses = Addresses {
        app: address,
        admin: host.health.map(|health| health.address),
    };
    if let Some(health) = host.health {
        health.serves(&app, opened.stores());
    }
    Summary::new(host.setup, examined, &app, opened.stores(), addresses).tell();
    drop(app);
    let all_done = match watched {
        None => server.serve(stop).await,
        Some(watched) => {
            let renewal = Renewal::new(host, opened, server.code(), watched, examined);
            // By itself: looking at what was built takes a moment, in which others want to connect.
            let serving = tokio::spawn(server.serve(stop.clone()));
            renewal.until(stop).await;
            serving
                .await
                .map_err(|error| Failure::run("the server failed").because(&error))?
        }
    };
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
