//! `dapr-wasm run`: from the target to an open port, or a program's exit code.

use crate::args::{Listen, RunArgs};
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::masked_store::masked_store;
use crate::setup::{OpenStore, Setup};
use crate::shared;
use crate::shutdown;
use crate::summary::{Addresses, Summary};
use dapr_blocks::secrets::{AppSecrets, SecretStore};
use dapr_runtime::admin::{Admin, Components};
use dapr_runtime::app::App;
use dapr_runtime::needs::Block;
use dapr_runtime::triggers::command;
use dapr_runtime::triggers::http::{Server, ServerError};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Runs an app until it ends or the host is told to stop.
pub(crate) async fn run(args: RunArgs) -> Outcome<ExitCode> {
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let setup = Setup::read(&args.app, &shared).await?;
    let examined = Examined::read(&args.app, &setup)?;
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
    // An app that has no use for a store leaves no file behind.
    let stores = if examined.uses(Block::State) {
        setup.open(&shared).await?
    } else {
        Vec::new()
    };
    let secrets = if examined.uses(Block::Secrets) {
        setup.open_secrets(&shared).await?
    } else {
        AppSecrets::default()
    };
    let mut closing: Vec<_> = secrets.iter().map(|store| Arc::clone(&store.store)).collect();
    closing.extend(setup.fetched_from());
    if !examined.uses(Block::Secrets) {
        // They have done what they were opened for, and may be large.
        close_secrets(std::mem::take(&mut closing), shared.limits.drain).await;
    }
    let app = load::app(&examined, entry, setup.spec(&stores, secrets), &shared).await?;
    let outcome = if entry.is_http() {
        serve(&args, &setup, &examined, app, &stores).await
    } else {
        let code = command::run(&app, &args.arguments).await;
        code.map(exit_code)
            .map_err(|error| Failure::run(format!("`{}` failed", app.id())).caused(&error))
    };
    close(stores, shared.limits.drain).await;
    close_secrets(closing, shared.limits.drain).await;
    shared::printed(&shared).await;
    // Last: a guest that still computes lets nobody else run any more.
    drop(ticker);
    outcome
}

async fn serve(
    args: &RunArgs,
    setup: &Setup,
    examined: &Examined,
    app: App,
    stores: &[OpenStore],
) -> Outcome<ExitCode> {
    let drain = app.limits().drain;
    let stop = CancellationToken::new();
    shutdown::listen(stop.clone(), drain)?;
    let admin = match &args.admin_listen {
        Some(address) => Some(admin(address, &app, stores, stop.clone()).await?),
        None => None,
    };
    let server = Server::bind(args.listen.as_str(), app.clone())
        .await
        .map_err(cannot_serve)?;
    let address = server
        .local_addr()
        .map_err(|error| Failure::run("cannot tell the port").because(&error))?;
    let addresses = Addresses {
        app: address,
        admin: admin.as_ref().map(|admin| admin.address),
    };
    Summary::new(setup, examined, &app, stores, addresses).tell();
    let all_done = server.serve(stop).await;
    if let Some(admin) = admin {
        admin.task.abort();
    }
    if !all_done {
        return Err(Failure::run(format!(
            "stopped with requests under way, which had no answer in {drain:?}"
        )));
    }
    Ok(ExitCode::SUCCESS)
}

/// Closes all stores at once. One that is still at a call that hangs is not waited for beyond `patience`.
async fn close(stores: Vec<OpenStore>, patience: Duration) {
    let mut closing = JoinSet::new();
    for open in stores {
        closing.spawn(async move { open.store.close().await });
    }
    if tokio::time::timeout(patience, closing.join_all()).await.is_err() {
        tracing::warn!("a store is not done with a call, which ends here");
    }
}

/// The same of secret stores. One may be there twice.
async fn close_secrets(stores: Vec<Arc<dyn SecretStore>>, patience: Duration) {
    let mut closing = JoinSet::new();
    for store in stores {
        closing.spawn(async move { store.close().await });
    }
    if tokio::time::timeout(patience, closing.join_all()).await.is_err() {
        tracing::warn!("a secret store is not done with a call, which ends here");
    }
}

/// What answers `/healthz`.
struct AdminTask {
    address: SocketAddr,
    task: JoinHandle<()>,
}

async fn admin(address: &Listen, app: &App, stores: &[OpenStore], stop: CancellationToken) -> Outcome<AdminTask> {
    let address = address.as_str();
    let cannot = |error: &io::Error| {
        Failure::run(format!("cannot listen on {address} for /healthz"))
            .because(error)
            .help("choose another address with --admin-listen; --admin-listen 0 picks a free port")
    };
    let admin = Admin::bind(address).await.map_err(|error| cannot(&error))?;
    let address = admin.local_addr().map_err(|error| cannot(&error))?;
    let stores = stores.iter();
    let stores = stores.map(|open| (open.name.clone(), masked_store(Arc::clone(&open.store))));
    let secrets = app.spec().secrets.iter();
    let secrets = secrets.map(|store| (store.name.clone(), Arc::clone(&store.store)));
    let components = Components {
        stores: stores.collect(),
        secrets: secrets.collect(),
    };
    let task = tokio::spawn(admin.serve(components, stop));
    Ok(AdminTask { address, task })
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
