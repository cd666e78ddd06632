//! `dapr-wasm`: runs WebAssembly apps with Dapr's building blocks, without a sidecar.
//!
//! This room parses, wires and prints; what an app is and what a store does stands elsewhere.

mod args;
mod check;
mod code;
mod command_line;
mod components;
mod conformance;
mod doctor;
mod examined;
mod failure;
mod health;
mod in_force;
mod load;
mod logging;
mod manual;
mod masked;
mod masked_secrets;
mod masked_store;
mod masks;
mod named_value;
mod new;
mod opened;
mod opening;
mod origin;
mod project;
mod provider;
mod report;
mod run;
mod secrets;
mod setup;
mod shared;
mod shutdown;
mod size;
mod summary;
mod target;
mod tell;
mod tried;
mod watch;
mod wit;

use args::{CacheCommand, Command, LogLevel};
use dapr_runtime::engine::Calls;
use failure::{Failure, Outcome};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// How many tasks a thread runs before it looks at sockets and timers again.
///
/// Tokio's own 61 suits tasks of microseconds. A guest that computes holds its thread for an epoch tick of 10 ms each time:
/// once there is one on each thread, a request would wait most of a second before anybody reads it.
const TASKS_BETWEEN_EVENTS: u32 = 8;

fn main() -> ExitCode {
    dapr_runtime::caught::print_no_caught_panic();
    let command = match command_line::read() {
        Ok(cli) => cli.command,
        Err(told) => return told,
    };
    let told_in = command.told_in();
    if let Some(format) = told_in {
        tell::in_format(format);
    }
    let outcome = match command {
        // Without a runtime: this is the process that the cache starts, and it must stay small.
        Command::Compile { out, concurrent } => {
            let calls = if concurrent { Calls::Concurrent } else { Calls::Plain };
            return code::compile(&out, calls);
        }
        Command::Run(args) => {
            logging::start(args.log.into(), told_in);
            block_on(run::run(args))
        }
        Command::Check(args) => block_on(check::check(&args)),
        Command::Conformance(args) => {
            logging::start(LogLevel::Warn.into(), told_in);
            block_on(conformance::run(&args))
        }
        Command::Components { command } => {
            logging::start(LogLevel::Warn.into(), told_in);
            block_on(components::run(&command))
        }
        Command::New { name, lang, template } => new::new(&name, lang, template).map(said_lines),
        Command::Build { dir, .. } => build(&dir),
        Command::Wit { dir } => wit::write(&dir).map(said_lines),
        Command::Doctor { format } => doctor::doctor(format),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::write(&dir).map(said),
        Command::Cache {
            command: CacheCommand::Clean,
        } => clean().map(said_lines),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

fn block_on(command: impl Future<Output = Outcome<ExitCode>>) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_BETWEEN_EVENTS)
        .build()
        .map_err(|error| Failure::run("cannot start the async runtime").because(&error))?;
    let outcome = runtime.block_on(command);
    // Waits for nobody: a guest that still computes at the drain deadline never yields once its ticker is gone.
    runtime.shutdown_background();
    outcome
}

/// Builds a project, and prints where the component is.
fn build(folder: &Path) -> Outcome<ExitCode> {
    let component = project::build(folder)?;
    // Nobody may be left to read it.
    let _ = writeln!(io::stdout(), "{}", component.display());
    Ok(ExitCode::SUCCESS)
}

/// Empties the caches.
fn clean() -> Outcome<String> {
    let mut done = vec![code::clean()?];
    let components::Removed {
        components,
        bytes,
        of_go,
    } = components::clean()?;
    if components > 0 {
        let components = failure::counted(components, "component");
        done.push(format!("removed {components} that was built, {}", size::size(bytes)));
    }
    if of_go > 0 {
        done.push(format!("removed what Go had compiled, {}", size::size(of_go)));
    }
    Ok(done.join("\n"))
}

/// Tells the user what was done.
fn said(done: String) -> ExitCode {
    tell::say(done);
    ExitCode::SUCCESS
}

/// The same in several lines.
fn said_lines(done: String) -> ExitCode {
    tell::say_lines(done);
    ExitCode::SUCCESS
}
