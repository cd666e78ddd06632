//! `cargo xtask test`, `guests`, `fuzz`, `bench`, `transcripts`, `components`, `soak` and `faults`: sets up what they need, or fails
//! naming what it could not get.

mod apps;
mod bench;
mod catalogue;
mod components;
mod document;
mod figure;
mod fuzz;
mod guests;
mod languages;
mod left_out;
mod made;
mod others;
mod projects;
mod providers;
mod servers;
mod test;
mod tools;
mod transcripts;
mod trial;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [--only core]     get the servers that tests need, build the guests and the host, then run every test
                                   a language whose tools are not there is left out, and named last; under CI that is an error
                                   --only core: what needs Rust and a C compiler alone
cargo xtask guests                 build what tests run: the guests in all languages that this machine has the tools of
cargo xtask fuzz [TARGET...] [--seconds N] [--seed N]
                                   fuzz what parses what others wrote; all targets, 20 seconds each
cargo xtask bench [--quick] [--only SECTION]... [--wasmtime PATH] [--daprd PATH]
                                   measure, and write docs/benchmarks.md
                                   --quick: short runs, nothing is written
                                   --only SECTION: `neighbours`, say; the others stay as they are
                                   --wasmtime PATH: beside `wasmtime serve`, of that binary
                                   --daprd PATH: beside an app that counts through that sidecar
cargo xtask transcripts [--only LANGUAGE]...
                                   make, build and run an app in each language as a new user would, and write what is seen into
                                   docs/getting-started.md. It takes port 3000
                                   --only LANGUAGE: show that of `go`, say; nothing is written
cargo xtask components [--only TYPE[/VERSION]]...
                                   build all of Dapr's components that are known to build: what a release publishes goes to
                                   target/components, what came of each to docs/dapr-components.md. It needs Go
                                   --only TYPE: `state.redis`, say; the others stay as they are
cargo xtask soak [--operations N]  call Dapr's components two million times while deadlines expire, and write
                                   docs/dapr-components.md
cargo xtask load [--minutes N]     keep the stores that ask a server busy for ten minutes each, look at what the host holds
                                   after it, and write docs/benchmarks.md
cargo xtask faults [--rounds N] [--only built-in|dapr]
                                   let the servers of the built-in stores and of Dapr's components die, stop, be full and come
                                   back, in five rounds, and write docs/state.md and docs/dapr-components.md
                                   --only: the one or the other
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["test"] => test::run(test::Scope::Everything),
        ["test", "--only", "core"] => test::run(test::Scope::Core),
        ["guests"] => test::guests(),
        ["fuzz", options @ ..] => fuzz::run(&fuzz::Options::parse(options)?),
        ["bench", options @ ..] => bench::run(&bench::Options::parse(options)?),
        ["transcripts", options @ ..] => transcripts::run(options),
        ["components", options @ ..] => catalogue::run(&catalogue::Options::parse(options)?),
        ["soak", options @ ..] => trial::soak(options),
        ["faults", options @ ..] => trial::faults(options),
        ["load", options @ ..] => trial::load(options),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown arguments: {}\n\n{HELP}", args.join(" ")),
    }
}
