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
    // Bash's enters a command by one name and knows it by another, as the host's own has a hyphen (clap-rs/clap#6421).
    let text = String::from_utf8_lossy(&text).replace("dapr__subcmd__wasm", "dapr__wasm");
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| Failure::run("cannot write to standard output").because(&error))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The command whose name this is has an option that only the host itself uses.
const BUILD: &str = "build";

/// The command line without what only the host itself uses: completions would offer it.
fn for_people() -> Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    let shown = shown.map(|command| match command.get_name() {
        BUILD => without_hidden_options(command, BUILD),
        _ => command.clone(),
    });
    Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown)
}

/// A command put together anew: from one that is there nothing can be taken away.
fn without_hidden_options(command: &Command, name: &'static str) -> Command {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .args(shown)
}

/// Writes the manual's pages into a folder.
pub(crate) fn write(folder: &Path) -> Outcome<String> {
    let shown = folder.display();
    let failed = |error: io::Error| Failure::run(format!("cannot write the manual to `{shown}`")).because(&error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let pages = write_pages(&command, folder).map_err(failed)?;
    Ok(format!("wrote {} to {shown}", counted(pages, "page")))
}

/// Writes the page of a command and those of its commands, and answers how many they are.
fn write_pages(command: &Command, folder: &Path) -> io::Result<usize> {
    clap_mangen::Man::new(command.clone()).generate_to(folder)?;
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    commands
        .map(|command| write_pages(command, folder))
        .sum::<io::Result<usize>>()
        .map(|below| below + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_hidden(command: &Command) -> bool {
        let is_hidden = command.is_hide_set() || command.get_arguments().any(clap::Arg::is_hide_set);
        is_hidden || command.get_subcommands().any(has_hidden)
    }

    #[test]
    fn nothing_that_is_hidden_is_for_people() {
        assert!(has_hidden(&Cli::command()) && !has_hidden(&for_people()));
    }
}
