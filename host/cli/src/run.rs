//! `dapr-wasm run`: from the target to an open port, or a program's exit code.

use crate::args::RunArgs;
use crate::failure::{Failure, Outcome};
use crate::load::{self, Examined};
use crate::setup::{OpenStore, Setup};
use crate::shutdown;
use dapr_blocks::config::ByteSize;
use dapr_runtime::app::App;
use dapr_runtime::engine::EpochTicker;
use dapr_runtime::needs::Standing;
use dapr_runtime::triggers::command;
use dapr_runtime::triggers::http::{Server, ServerError};
use std::fmt::Write;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Runs an app until it ends or the host is told to stop.
pub(crate) async fn run(args: RunArgs) -> Outcome<ExitCode> {
    let setup = Setup::read(&args.app)?;
    let examined = Examined::read(&args.app, &setup)?;
    let entry = examined.runnable(args.app.strict)?;
    if entry.is_http() && !args.arguments.is_empty() {
        return Err(Failure::usage("arguments after `--` are for programs, and this app answers HTTP requests"));
    }
    let shared = load::shared()?;
    let ticker =
        EpochTicker::start(&shared.engine).map_err(|error| Failure::run("cannot start a thread").because(&error))?;
    let stores = setup.open().await?;
    let app = load::app(&examined, entry, setup.spec(&stores), &shared).await?;
    warn_of_what_is_not_configured(&examined);
    let outcome = if entry.is_http() {
        serve(&args, &setup, &examined, &stores, app).await
    } else {
        let code = command::run(&app, &args.arguments).await;
        code.map(exit_code).map_err(|error| Failure::run(&error).caused(&error))
    };
    for open in stores {
        open.store.close().await;
    }
    drop(ticker);
    outcome
}

async fn serve(
    args: &RunArgs,
    setup: &Setup,
    examined: &Examined,
    stores: &[OpenStore],
    app: App,
) -> Outcome<ExitCode> {
    let stop = CancellationToken::new();
    let signals = shutdown::listen(stop.clone())?;
    let text = summary(setup, examined, stores, &app);
    let server = Server::bind(args.listen.as_str(), app).await.map_err(cannot_listen)?;
    let address = server.local_addr().map_err(|error| Failure::run("cannot tell the port").because(&error))?;
    eprintln!("{text}\nserving http://{address}");
    let all_done = server.serve(stop).await;
    signals.abort();
    if !all_done {
        return Err(Failure::run("stopped before all requests were answered"));
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot_listen(error: ServerError) -> Failure {
    let failure = Failure::run(&error).caused(&error);
    match error {
        ServerError::InUse { .. } => failure.help("choose another one with --listen; --listen 0 picks a free port"),
        ServerError::Listen { .. } => failure.help("--listen takes HOST:PORT with a host that is this machine's"),
        _ => failure,
    }
}

/// A program's own code, as far as the system can hand it on.
fn exit_code(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn warn_of_what_is_not_configured(examined: &Examined) {
    for need in examined.needs.iter().filter(|need| need.standing == Standing::NotConfigured) {
        eprintln!("warning: {}: {}\n  help: {}", need.name, need.standing, indented(load::STORE_TO_PASTE));
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n        ")
}

/// What is bound where, with every limit in force.
fn summary(setup: &Setup, examined: &Examined, stores: &[OpenStore], app: &App) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12}{value}");
    };
    row("entry", &format!("{}, {}", app.entry().interface(), app.reuse()));
    row("config", &setup.source);
    for open in stores {
        row("store", &format!("{}: {}", open.name, open.place));
    }
    if stores.is_empty() {
        row("store", "none");
    }
    row("denied", &denied(examined));
    let (spec, limits, budget) = (app.spec(), app.limits(), app.budget());
    let (memory, all) = (size(spec.memory), size(budget.max()));
    let (handles, host_call) = (limits.handles, size(limits.host_call));
    row("memory", &format!("{memory} an instance, {all} all together, {host_call} and {handles} handles in the host"));
    let (timeout, body, headers) = (spec.request_timeout, size(limits.request_body), size(limits.headers));
    row("request", &format!("{timeout:?}, body {body}, headers {headers} read within {:?}", limits.header_read));
    let (requests, connections) = (limits.requests, limits.connections);
    row("at once", &format!("{requests} requests, {connections} connections; {:?} to finish at shutdown", limits.drain));
    let file = examined.target.path.display();
    let adapted = if examined.target.adapted { ", a core module made a component" } else { "" };
    format!("dapr-wasm {}: {} ({file}{adapted})\n{}", env!("CARGO_PKG_VERSION"), app.id(), text.trim_end())
}

fn denied(examined: &Examined) -> String {
    let imported = examined.needs.iter().filter_map(|need| match need.standing {
        Standing::Denied(why) => Some(why),
        _ => None,
    });
    let mut reasons: Vec<_> = imported.collect();
    reasons.sort_unstable();
    reasons.dedup();
    if reasons.is_empty() { "nothing that the app asks for".to_owned() } else { reasons.join("; ") }
}

fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    // A budget is half of some machine's memory: its last digits are noise.
    let bytes = if bytes > 64 * MIB { bytes / MIB * MIB } else { bytes };
    ByteSize::bytes(bytes as u64).to_string()
}

