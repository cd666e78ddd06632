//! `dapr-wasm`: runs WebAssembly apps with Dapr's building blocks, without a sidecar.
//!
//! This room parses, wires and prints; what an app is and what a store does stands elsewhere.

mod args;
mod check;
mod code;
mod conformance;
mod examined;
mod failure;
mod load;
mod logging;
mod project;
mod provider;
mod run;
mod setup;
mod shared;
mod shutdown;
mod size;
mod summary;
mod target;
mod wit;

use args::{CacheCommand, Cli, Command, LogLevel};
use clap::Parser;
use failure::{Failure, Outcome};
use std::process::ExitCode;

/// How many tasks a thread runs before it looks at sockets and timers again.
///
/// Tokio's own 61 suits tasks of microseconds. A guest that computes holds its thread for an epoch tick of 10 ms each time:
/// once there is one on each thread, a request would wait most of a second before anybody reads it.
const TASKS_BETWEEN_EVENTS: u32 = 8;

fn main() -> ExitCode {
    dapr_runtime::caught::print_no_caught_panic();
    let command = Cli::parse().command;
    // Before there is a runtime: this is the process that the cache starts, and it must stay small.
    if let Command::Compile { out } = &command {
        return code::compile(out);
    }
    block_on(command).unwrap_or_else(|failure| failure.report())
}

fn block_on(command: Command) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_BETWEEN_EVENTS)
        .build()
        .map_err(|error| Failure::run("cannot start the async runtime").because(&error))?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Run(args) => {
                logging::start(args.log.into(), args.log_format);
                run::run(args).await
            }
            Command::Check(args) => check::check(&args).await,
            Command::Conformance(args) => {
                logging::start(LogLevel::Warn.into(), None);
                conformance::run(&args).await
            }
            Command::Wit { dir } => wit::write(&dir).map(said),
            Command::Cache {
                command: CacheCommand::Clean,
            } => code::clean().map(said),
            Command::Compile { out } => Ok(code::compile(&out)),
        }
    });
    // Waits for nobody: a guest that still computes at the drain deadline never yields once its ticker is gone.
    runtime.shutdown_background();
    outcome
}

/// Tells the user what was done.
fn said(done: String) -> ExitCode {
    crate::failure::say(format_args!("{done}"));
    ExitCode::SUCCESS
}
