//! `dapr-wasm components`: Dapr's own components, and those that users make of Go packages, as WebAssembly.
//!
//! | file | holds |
//! |---|---|
//! | `args` | the command line |
//! | `name` | Dapr's names for a component, and which are known to build |
//! | `manifest` | what a component's file says of it |
//! | `folder` | the folders of installed and of built components |
//! | `installed` | what is installed |
//! | `vendors` | what stands behind a type of a configuration |
//! | `list`, `show`, `build` | the commands |
//! | `unbuilt` | why something in Go is not built, of apps, too |
//! | `example` | a store's table to paste |

mod args;
#[cfg(feature = "go-components")]
mod build;
#[cfg(feature = "go-components")]
mod built;
#[cfg(feature = "go-components")]
mod example;
mod folder;
mod installed;
mod list;
mod manifest;
mod name;
mod show;
#[cfg(feature = "go-components")]
mod unbuilt;
mod vendors;

pub(crate) use args::ComponentsCommand;
pub(crate) use folder::{CACHE, DATA, Removed, built as go_cache, bytes as bytes_in, clean, installed as installed_in};
#[cfg(feature = "go-components")]
pub(crate) use unbuilt::cannot_build;
pub(crate) use vendors::{Known, build_again};

#[cfg(not(feature = "go-components"))]
use crate::failure::Failure;
use crate::failure::Outcome;
use crate::tell::one_line;
use std::borrow::Cow;
use std::process::ExitCode;

/// Runs one of the commands.
pub(crate) async fn run(command: &ComponentsCommand) -> Outcome<ExitCode> {
    match command {
        ComponentsCommand::List { format } => list::run(*format),
        ComponentsCommand::Show { what, format } => show::run(what, *format),
        #[cfg(feature = "go-components")]
        ComponentsCommand::Build(args) => build::run(args).await,
        #[cfg(not(feature = "go-components"))]
        ComponentsCommand::Build(_) => Err(Failure::usage("this host was built without what builds components")
            .help("build it with the cargo feature `go-components`, or copy components that were built elsewhere")),
    }
}

/// Rows of text in columns as wide as they must be, each a line.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| one_line(cell)))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[Cow<'_, str>; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let cells: Vec<_> = cells.collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
