//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Runs WebAssembly apps with Dapr's building blocks, without a sidecar.
#[derive(Debug, Parser)]
#[command(name = "dapr-wasm", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an app.
    Run(RunArgs),
    /// Show what an app needs and what satisfies it, without running it.
    Check(CheckArgs),
    /// Write the WIT packages that apps are built against.
    Wit {
        /// The folder to write to, for example `wit`.
        dir: PathBuf,
    },
    /// Look after the cache of compiled code.
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Compile the component on standard input into a file: what `run` starts to fill its cache.
    #[command(hide = true, name = COMPILE)]
    Compile {
        /// The file to make.
        out: PathBuf,
    },
}

/// The hidden command that compiles.
pub(crate) const COMPILE: &str = "compile-into";

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Remove all compiled code. It is made again when it is needed.
    Clean,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// Where to listen: `HOST:PORT` or `PORT`. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: Listen,

    /// How much to log: off, error, warn, info (a line for each request), debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: tracing::level_filters::LevelFilter,

    /// The form of the log: text on a terminal and JSON elsewhere, unless said here.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Arguments for an app that is a program.
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// The form of the report.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportFormat,
}

/// What `run` and `check` have in common.
#[derive(Debug, Args)]
pub(crate) struct AppArgs {
    /// A `.wasm` file, or a folder with a Cargo project, which is built first.
    pub(crate) target: PathBuf,

    /// The configuration. Without it `./components.toml`, and without that a SQLite store in `./.dapr-wasm`.
    #[arg(long, value_name = "FILE")]
    pub(crate) components: Option<PathBuf>,

    /// The app id. Without it the name of the file or folder.
    #[arg(long, value_name = "ID")]
    pub(crate) app_id: Option<String>,

    /// An environment variable for the app: `NAME=VALUE`, or `NAME` to pass on the host's.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,

    /// Refuse an app that imports a building block which is not configured.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Where to listen, as `HOST:PORT`.
#[derive(Clone, Debug)]
pub(crate) struct Listen(String);

impl Listen {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "an address is HOST:PORT or PORT, for example 0.0.0.0:8080 or 8080";
        let (host, port) = text.rsplit_once(':').unwrap_or(("127.0.0.1", text));
        if host.is_empty() || port.parse::<u16>().is_err() || (host.contains(':') && !host.starts_with('[')) {
            return Err(WANTED);
        }
        Ok(Self(format!("{host}:{port}")))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn an_address_is_a_port_or_a_host_with_one() {
        let listen = |text: &str| text.parse::<Listen>().map(|listen| listen.0);
        assert_eq!(listen("8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(listen("localhost:0").unwrap(), "localhost:0");
        assert_eq!(listen("[::1]:80").unwrap(), "[::1]:80");
        for text in ["", "localhost", ":80", "::1:80", "127.0.0.1:99999"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }
}
