//! `dapr-wasm new`: a project to begin with, without a network.
//!
//! Each is the example `counter` of its language, as `guest-examples` has it and tests hold it to, with what a project of its own
//! needs around it.

mod templates;

use crate::failure::{Failure, Outcome, counted};
use crate::wit;
use clap::ValueEnum;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

/// A language that projects are made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// TypeScript.
    Ts,
    /// Python.
    Python,
    /// Go.
    Go,
}

impl Language {
    /// What it is called.
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Ts => "TypeScript",
            Self::Python => "Python",
            Self::Go => "Go",
        }
    }

    /// What it is called on the command line.
    fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Makes a project, and says what to do with it.
pub(crate) fn new(folder: &Path, language: Option<Language>) -> Outcome<String> {
    let shown = folder.display();
    let name = name(folder)?;
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Failure::usage(format!("there is a `{shown}` already")).help("name a folder that is not there yet"));
    }
    let language = match language {
        Some(language) => language,
        None => ask()?,
    };
    let files = templates::files(language, &name);
    let count = files.len();
    for (path, text) in files {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&file, text));
        written.map_err(|error| Failure::run(format!("cannot write `{}`", file.display())).because(&error))?;
    }
    if templates::needs_wit(language) {
        wit::write(&folder.join("wit"))?;
    }
    Ok(format!(
        "made `{shown}`: an app in {} that counts, in {}\n  \
           dapr-wasm run {shown}\n  \
           curl -X POST http://127.0.0.1:3000/visits",
        language.name(),
        counted(count, "file"),
    ))
}

/// The app's name, which packages of all languages can have.
fn name(folder: &Path) -> Outcome<String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match begins && name.bytes().all(is_plain) {
        true => Ok(name),
        false => Err(Failure::usage(format!("`{name}` cannot be the name of an app"))
            .help("a name is of a to z, 0 to 9 and `-`, and begins with a letter")),
    }
}

/// Asks a person for the language; where there is none, that is an error.
fn ask() -> Outcome<Language> {
    let words: Vec<_> = Language::value_variants()
        .iter()
        .map(|language| language.word())
        .collect();
    let words = words.join(", ");
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("which language?").help(format!("name one with --lang: {words}")));
    }
    let mut lines = io::stdin().lock().lines();
    loop {
        // Nobody may be left to read it.
        let _ = write!(io::stderr(), "Language ({words}): ");
        let line = lines.next().and_then(Result::ok);
        let line =
            line.ok_or_else(|| Failure::usage("which language?").help(format!("name one with --lang: {words}")))?;
        if let Ok(language) = Language::from_str(line.trim(), true) {
            return Ok(language);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_packages_of_all_languages_can_have() {
        for (folder, is_one) in [
            ("orders", true),
            ("some/where/orders-2", true),
            ("Orders", false),
            ("2orders", false),
            ("or_ders", false),
            ("..", false),
            ("", false),
        ] {
            assert_eq!(name(Path::new(folder)).is_ok(), is_one, "{folder}");
        }
    }
}
