//! `dapr-wasm`: runs WebAssembly apps with Dapr's building blocks, without a sidecar.
//!
//! This room parses, wires and prints; what an app is and what a store does stands elsewhere.

mod args;
mod check;
mod failure;
mod load;
mod logging;
mod project;
mod run;
mod setup;
mod shutdown;
mod target;
mod wit;

use args::{CacheCommand, Cli, Command};
use clap::Parser;
use failure::{Failure, Outcome};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Before there is a runtime: this is the process that the cache starts, and it must stay small.
    if let Command::Compile { out } = &command {
        return load::compile(out);
    }
    block_on(command).unwrap_or_else(|failure| failure.report())
}

fn block_on(command: Command) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::run("cannot start the async runtime").because(&error))?;
    runtime.block_on(async {
        match command {
            Command::Run(args) => {
                logging::start(args.log, args.log_format);
                run::run(args).await
            }
            Command::Check(args) => check::check(&args).map(|()| ExitCode::SUCCESS),
            Command::Wit { dir } => wit::write(&dir).map(|()| ExitCode::SUCCESS),
            Command::Cache { command: CacheCommand::Clean } => clean().map(|()| ExitCode::SUCCESS),
            Command::Compile { out } => Ok(load::compile(&out)),
        }
    })
}

fn clean() -> Outcome<()> {
    let cleaned = load::cache()?.clean().map_err(|error| Failure::run(&error).caused(&error))?;
    eprintln!("removed {} of {} bytes", failure::counted(cleaned.files as usize, "file"), cleaned.bytes);
    Ok(())
}
