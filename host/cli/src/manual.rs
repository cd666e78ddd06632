//! What the command line says of itself to shells and to `man`.

use crate::args::Cli;
use crate::failure::{Failure, Outcome, counted};
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Prints a shell's completions.
pub(crate) fn completions(shell: Shell) -> Outcome<ExitCode> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    generate(shell, &mut command, name, &mut text);
    match io::stdout().write_all(&text) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| Failure::run("cannot write to standard output").because(&error))?,
    }
    Ok(ExitCode::SUCCESS)
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
