//! The command line of `dapr-wasm components`.

use crate::args::ReportFormat;
use clap::{Args, Subcommand};

const BUILD_EXAMPLES: &str = "\
Examples:
  dapr-wasm components build state.mongodb              one of Dapr's, as `type = \"mongodb\"`
  dapr-wasm components build state.etcd/v1 state.mysql  two, the one in a version
  dapr-wasm components build ./mystore                  a Go package of your own, as `type = \"mystore\"`";

#[derive(Debug, Subcommand)]
pub(crate) enum ComponentsCommand {
    /// List the components that are built in, installed, or can be built.
    List {
        /// The form of the list.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ReportFormat,
    },
    /// Build Dapr's own components, which are in Go, and install them for this user.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(BuildArgs),
    /// Show what a component is made from, which settings it has and what it imports.
    Show {
        /// A .wasm file, or the type of an installed component.
        #[arg(value_name = "FILE|TYPE")]
        what: String,

        /// The form of what is shown.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ReportFormat,
    },
}

impl ComponentsCommand {
    /// The form of its report, if it has one.
    pub(crate) fn format(&self) -> Option<ReportFormat> {
        match self {
            Self::List { format } | Self::Show { format, .. } => Some(*format),
            Self::Build(_) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// A type that Dapr has, with its version where there are several; or a folder with a Go package, which has a
    /// function `func NewX(logger.Logger) state.Store`, or `secretstores.SecretStore`.
    #[arg(value_name = "TYPE|FOLDER", required = true)]
    pub(crate) what: Vec<String>,

    /// The version of Dapr's components-contrib [default: the one that was tested].
    #[arg(long, value_name = "VERSION")]
    pub(crate) contrib: Option<String>,
}
