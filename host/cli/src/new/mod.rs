//! `dapr-wasm new`: a project to begin with, without a network.
//!
//! An app is the example `counter` of its language, a store the example `store-memory`, as `guest-examples` has them and tests
//! hold them to, with what a project of its own needs around it.

mod question;
mod store;
mod templates;

use crate::failure::{Failure, Outcome, counted};
use crate::tell::one_line;
use crate::wit;
use clap::ValueEnum;
use question::Question;
use std::fs;
use std::path::Path;

/// A language that projects are made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// TypeScript.
    Ts,
    /// JavaScript.
    Js,
    /// Python.
    Python,
    /// Go.
    Go,
    /// C.
    C,
}

impl Language {
    /// What it is called.
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Ts => "TypeScript",
            Self::Js => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
        }
    }
}

/// What a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// An app that counts in a state store, over HTTP.
    App,
    /// A state store of one's own, in Rust or Go.
    Store,
}

/// Makes a project, and says what to do with it.
pub(crate) fn new(folder: &Path, language: Option<Language>, template: Option<Template>) -> Outcome<String> {
    let shown = folder.display();
    let name = name(folder)?;
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Failure::usage(format!("there is a `{shown}` already")).help("name a folder that is not there yet"));
    }
    let (language, template) = wanted(language, template)?;
    let files = match template {
        Template::App => templates::files(language, &name),
        Template::Store => store::files(language, &name)?,
    };
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
    let (name, files) = (language.name(), counted(count, "file"));
    let shown = shown.to_string();
    let shown = one_line(&shown);
    Ok(match template {
        Template::App => format!(
            "made `{shown}`: an app in {name} that counts, in {files}\n  \
               dapr-wasm run {shown}\n  \
               curl -X POST http://127.0.0.1:3000/visits"
        ),
        Template::Store => format!(
            "made `{shown}`: a state store in {name} that keeps its items in memory, in {files}\n  \
               dapr-wasm conformance {shown}{}\n  \
               {shown}/components.toml has the table by which apps use it",
            store::options(language)
        ),
    })
}

/// What the user wants. Who is asked for the language is asked for the rest, too.
fn wanted(language: Option<Language>, template: Option<Template>) -> Outcome<(Language, Template)> {
    const LANGUAGE: Question = Question {
        asks: "Language",
        else_says: "which language?",
        option: "--lang",
    };
    const TEMPLATE: Question = Question {
        asks: "Template",
        else_says: "which template?",
        option: "--template",
    };
    match (language, template) {
        (Some(language), template) => Ok((language, template.unwrap_or(Template::App))),
        (None, Some(template)) => Ok((LANGUAGE.answer(None)?, template)),
        (None, None) => Ok((LANGUAGE.answer(None)?, TEMPLATE.answer(Some(Template::App))?)),
    }
}

/// The project's name, which packages of all languages can have.
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
