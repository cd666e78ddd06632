//! The command line.

use crate::components::ComponentsCommand;
use crate::new::{Language, Template};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dapr_blocks::config::{AllowedHost, ByteSize, DurationError, FromText, NonZeroDuration, ProviderConfig};
use std::error::Error;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use tracing::level_filters::LevelFilter;

/// Runs WebAssembly apps with Dapr's building blocks, without a sidecar.
#[derive(Debug, Parser)]
#[command(name = "dapr-wasm", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed while running; of conformance also: a rule is broken
  2    the command line, the configuration or the app is wrong
  130  a second signal ended the host
  An app that is a program ends with 0 or 1: WASI 0.2 and 0.3 know no other codes.";

const RUN_EXAMPLES: &str = "\
Examples:
  dapr-wasm run app.wasm                    serve an app at http://127.0.0.1:3000
  dapr-wasm run orders --listen 0.0.0.0:80  build a project, and serve it to other machines
  dapr-wasm run orders --watch              build and serve it again whenever something is saved
  dapr-wasm run tool.wasm -- --verbose in   run a program, with its arguments

Watched are the files of the folder, or the .wasm file. Not watched are the configuration, the files of stores, what git
ignores, what lies elsewhere, and in the folder what begins with a dot, bindings, build, dist, node_modules, target and
vendor.";

const NEW_EXAMPLES: &str = "\
Examples:
  dapr-wasm new orders --lang ts
  dapr-wasm run orders                      build it, and serve it at http://127.0.0.1:3000
  dapr-wasm new shelf --lang go --template store
  dapr-wasm conformance shelf --instances 1 build it, and hold it to the rules of all stores";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an app.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Show what an app needs and what satisfies it, without running it.
    Check(CheckArgs),
    /// Run the rules that every state store keeps against a store in WebAssembly.
    #[command(after_help = CONFORMANCE_EXAMPLES)]
    Conformance(ConformanceArgs),
    /// Look after Dapr's own components: list, build and show them.
    Components {
        #[command(subcommand)]
        command: ComponentsCommand,
    },
    /// Make a project: an app that counts over HTTP, or a state store of one's own.
    #[command(after_help = NEW_EXAMPLES)]
    New {
        /// The folder to make; its name is the project's.
        name: PathBuf,
        /// The language; asked for on a terminal.
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<Language>,
        /// What to begin with [default: app, or asked for with the language].
        #[arg(long, value_name = "TEMPLATE")]
        template: Option<Template>,
    },
    /// Build a project with the tools of its language, and print where the component is.
    Build {
        /// The folder.
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// The form of what is told: what `run --watch` hands on.
        #[arg(long = &LOG_FORMAT[2..], hide = true)]
        log_format: Option<LogFormat>,
    },
    /// Write the WIT packages that apps and stores are built against.
    Wit {
        /// The folder to write to, for example wit; it is made if it is not there.
        dir: PathBuf,
    },
    /// Look at what this machine has and lacks for running apps, and for making them in each language.
    Doctor {
        /// The form of the report.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ReportFormat,
    },
    /// Print what completes commands in a shell, for example: dapr-wasm completions bash
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual's pages, one for each command.
    Man {
        /// The folder to write to, for example man; it is made if it is not there.
        dir: PathBuf,
    },
    /// Look after the cache of compiled code and built components.
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Compile the component on standard input into a file: what `run` starts to fill its cache.
    #[command(hide = true, name = COMPILE)]
    Compile {
        /// It uses the component model's concurrency.
        #[arg(long = &CONCURRENT[2..])]
        concurrent: bool,
        /// The file to make.
        out: PathBuf,
    },
}

impl Command {
    /// The form of what is told beside the result: whoever reads that as JSON reads errors as JSON, too.
    pub(crate) fn told_in(&self) -> Option<LogFormat> {
        let format = match self {
            Self::Run(args) => return args.log_format,
            Self::Build { log_format, .. } => return *log_format,
            Self::Check(args) => args.format,
            Self::Conformance(args) => args.format,
            Self::Components { command } => command.format()?,
            Self::Doctor { format } => *format,
            _ => return None,
        };
        matches!(format, ReportFormat::Json).then_some(LogFormat::Json)
    }
}

/// The option by which all is told as text or JSON.
pub(crate) const LOG_FORMAT: &str = "--log-format";

/// The hidden command that compiles.
pub(crate) const COMPILE: &str = "compile-into";

/// That what it is to compile uses the component model's concurrency.
pub(crate) const CONCURRENT: &str = "--concurrent";

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Remove compiled code, built components and what Go compiled for them; what is installed stays.
    Clean,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// HOST:PORT or PORT to serve on, 0 for any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: Listen,

    /// HOST:PORT or PORT for /healthz [default: none].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin_listen: Option<Listen>,

    /// Build and serve anew what is saved, without a request that fails.
    #[arg(long)]
    pub(crate) watch: bool,

    /// off, error, warn, info (each request), debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "warn", hide_possible_values = true)]
    pub(crate) log: LogLevel,

    /// Tell all as text or json [default: text; the log json without a terminal].
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,

    /// Arguments of an app that is a program.
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

const CONFORMANCE_EXAMPLES: &str = "\
Examples:
  dapr-wasm conformance store.wasm
  dapr-wasm conformance shelf               build a project, and hold what comes of it to the rules
  dapr-wasm conformance store.wasm --metadata url=redis://db:6379 --allow-host db:6379 --durable";

#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    /// A .wasm file, of the world `state-store` or a plugin, or a folder with a project of one, which is built first.
    pub(crate) target: PathBuf,

    /// A setting of the store, as in `metadata` of its configuration; NAME alone has the value of the host's variable.
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) metadata: Vec<String>,

    /// A server that the store may reach, as in `allow-hosts`.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) allow_host: Vec<AllowedHost>,

    /// The memory of an instance.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = memory)]
    pub(crate) memory: ByteSize,

    /// Instances at most, where the store allows several.
    #[arg(long, value_name = "NUMBER", value_parser = instances)]
    pub(crate) instances: Option<NonZeroU32>,

    /// The longest that one call may take, and the start of an instance [default: 5s].
    #[arg(long, value_name = "DURATION", value_parser = deadline)]
    pub(crate) deadline: Option<NonZeroDuration>,

    /// Also that items are there after the store was closed and opened again.
    #[arg(long)]
    pub(crate) durable: bool,

    /// The form of the report.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportFormat,
}

/// Why an argument is refused, whichever its type.
type Refused = Box<dyn Error + Send + Sync>;

fn memory(text: &str) -> Result<ByteSize, Refused> {
    let memory = text.parse()?;
    ProviderConfig::check_memory(&memory)?;
    Ok(memory)
}

fn instances(text: &str) -> Result<NonZeroU32, Refused> {
    let instances = text.parse()?;
    ProviderConfig::check_instances(&instances)?;
    Ok(instances)
}

fn deadline(text: &str) -> Result<NonZeroDuration, DurationError> {
    NonZeroDuration::from_text(text)
}

/// What `run` and `check` have in common.
#[derive(Debug, Args)]
pub(crate) struct AppArgs {
    /// A .wasm file, or a folder with a project, which is built first.
    pub(crate) target: PathBuf,

    /// Configuration [default: ./components.toml, else SQLite in ./.dapr-wasm].
    #[arg(long, value_name = "FILE")]
    pub(crate) components: Option<PathBuf>,

    /// The app id [default: the name of the file or folder].
    #[arg(long, value_name = "ID")]
    pub(crate) app_id: Option<String>,

    /// A variable for the app's environment; NAME alone passes on the host's.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,

    /// Refuse an app whose imports are not all configured.
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

/// How much to log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
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
