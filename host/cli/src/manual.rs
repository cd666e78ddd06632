//! What the command line says of itself to shells and to `man`.

use crate::args::Cli;
use crate::failure::{Failure, Outcome, counted};
use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Prints a shell's completions.
pub(crate) fn completions(shell: Shell) -> Outcome<ExitCode> {
    let mut text = Vec::new();
    let mut command = for_people();
    let name = command.get_name().to_owned();
    generate(shell, &mut command, name, &mut text);
    match io::stdout().write_all(&text) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| Failure::run("cannot write to standard output").because(&error))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The command line without the commands that only the host itself uses: completions would offer them.
fn for_people() -> Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned())
}

/// Writes the manual's pages into a folder.
pub(crate) fn write(folder: &Path) -> Outcome<String> {
    let shown = folder.display();
    let failed = |error: io::Error| Failure::run(format!("cannot write the manual to `{shown}`")).because(&error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    let pages = std::fs::read_dir(folder).map_err(failed)?.count();
    Ok(format!("wrote {} to {shown}", counted(pages, "page")))
}
