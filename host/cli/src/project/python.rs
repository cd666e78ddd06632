//! Python: a module `app` that exports what the world asks for, by componentize-py.
//!
//! The tool and what `requirements.txt` lists are kept in the project, `.venv` and `vendor`: the former runs here, the latter in
//! the component.

use super::world::{HTTP_APP, world};
use super::{COMPONENT, PYTHON, bring_wit, compile, made, run, said};
use crate::failure::{Failure, Outcome};
use crate::tell::say;
use std::fs;
use std::path::{Path, PathBuf};

/// What makes a folder such a project.
pub(super) const APP: &str = "app.py";

/// What an app imports and exports whose calls wait at once, with WASI 0.3. It is known by what it exports, the method
/// `handle` of a class `Handler`: that of WASI 0.2 is a class of another name.
const ASYNC_WORLD: &str = "dapr:host/http-app-async";
const ASYNC_EXPORT: (&str, &str) = ("class Handler(", "async def handle(");

/// The tool, in the version that this host is tested with.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// What the component brings with it.
const REQUIREMENTS: &str = "requirements.txt";

/// Where that is, and what it was installed from.
const VENDOR: &str = "vendor";
const INSTALLED: &str = "vendor/.installed";

/// The project's Python, from its folder.
const OWN_PYTHON: &str = ".venv/bin/python";

/// What to do about an environment of which a part is gone.
const ANEW: &str = "remove .venv, which is made anew then";

pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    bring_wit(folder)?;
    bring_tool(folder)?;
    bring_requirements(folder)?;
    let built = folder.join(COMPONENT);
    let parent = built.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| unwritable(parent, &error))?;
    let app = fs::read_to_string(folder.join(APP)).unwrap_or_default();
    let world = world(folder, by_source(&app));
    let mut arguments = vec!["-d", "wit", "-w", world, "componentize", "app", "-p", "."];
    if folder.join(VENDOR).is_dir() {
        arguments.extend(["-p", VENDOR]);
    }
    arguments.extend(["-o", COMPONENT]);
    say(format_args!("{}: componentize-py …", folder.display()));
    // A relative path is looked for from here, and not from the folder that it runs in.
    compile(
        folder,
        &absolute(folder, ".venv/bin/componentize-py")?,
        &arguments,
        ANEW,
    )?;
    made(folder, "componentize-py")
}

/// The world of an app, by its source.
fn by_source(app: &str) -> &'static str {
    let (class, method) = ASYNC_EXPORT;
    let lines = app.lines().skip_while(|line| !line.starts_with(class)).skip(1);
    // Up to the next statement of the module.
    let mut body = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '\t', '#']));
    match body.any(|line| line.trim_start().starts_with(method)) {
        true => ASYNC_WORLD,
        false => HTTP_APP,
    }
}

/// Makes the environment with the tool, unless it is there; and makes it anew where it is that of another place or Python: its
/// programs name the folder they were installed in, and its packages lie in a folder with Python's version.
fn bring_tool(folder: &Path) -> Outcome<()> {
    let mark = folder.join(".venv").join(COMPONENTIZE_PY);
    let marked = fs::read_to_string(&mark).ok();
    if marked.is_some() && marked == installed_as(folder) {
        return Ok(());
    }
    PYTHON.require(folder, "python3")?;
    // pip shows either nothing or too much.
    say(format_args!(
        "{}: installing {COMPONENTIZE_PY} into .venv …",
        folder.display()
    ));
    let venv: &[&str] = match marked {
        Some(_) => &["-m", "venv", "--clear", ".venv"],
        // There may be one of the user's own making.
        None => &["-m", "venv", ".venv"],
    };
    run(folder, "python3", venv, PYTHON.get)?;
    pip(folder, &["--upgrade", COMPONENTIZE_PY])?;
    let installed = installed_as(folder).unwrap_or_default();
    fs::write(&mark, installed).map_err(|error| unwritable(&mark, &error))
}

/// What the mark of an environment says: where it is, and which Python it has, if that is there.
fn installed_as(folder: &Path) -> Option<String> {
    let place = folder.canonicalize().ok()?;
    let python = said(place.join(OWN_PYTHON), ["--version"])?;
    // The last part of a version changes nothing.
    let (release, _) = python.rsplit_once('.').unwrap_or((&python, ""));
    Some(format!("{}\n{release}\n", place.display()))
}

fn bring_requirements(folder: &Path) -> Outcome<()> {
    let Ok(wanted) = fs::read(folder.join(REQUIREMENTS)) else {
        // There are none.
        return Ok(());
    };
    let installed = folder.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let shown = folder.display();
    say(format_args!(
        "{shown}: installing what {REQUIREMENTS} lists into {VENDOR} …"
    ));
    pip(
        folder,
        &["--upgrade", "--target", VENDOR, "--requirement", REQUIREMENTS],
    )?;
    fs::create_dir_all(folder.join(VENDOR))
        .and_then(|()| fs::write(&installed, wanted))
        .map_err(|error| unwritable(&installed, &error))
}

fn pip(folder: &Path, what: &[&str]) -> Outcome<()> {
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(
        folder,
        &absolute(folder, OWN_PYTHON)?,
        &[&quiet[..], what].concat(),
        ANEW,
    )
}

fn absolute(folder: &Path, program: &str) -> Outcome<String> {
    let path = std::path::absolute(folder.join(program)).map_err(|error| unwritable(folder, &error))?;
    Ok(path.display().to_string())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!("cannot write `{}`", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_asynchronous_if_what_it_exports_is() {
        for app in [
            "class Handler(exports.Handler):\n    async def handle(self, request):\n        pass\n",
            "class Handler(exports.Handler):\n    \"\"\"Answers.\"\"\"\n\n# here\n    async def handle(self, request):\n",
            "def f():\n    pass\n\nclass Handler(exports.Handler):\n\tasync def handle(self, request):\n",
        ] {
            assert_eq!(by_source(app), ASYNC_WORLD, "{app}");
        }
        for app in [
            "",
            "class IncomingHandler(exports.IncomingHandler):\n    def handle(self, request, out):\n        pass\n",
            // Somebody else's.
            "async def handle(request):\n    pass\n\nclass IncomingHandler(exports.IncomingHandler):\n    def handle(self):\n",
            "class Handler(Base):\n    pass\n\nclass Queue:\n    async def handle(self):\n        pass\n",
        ] {
            assert_eq!(by_source(app), HTTP_APP, "{app}");
        }
    }
}
