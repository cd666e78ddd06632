//! The path in a `connectionString`.
//!
//! daprd puts `file:` before a text that does not begin with it and hands it to SQLite as a URI. So both forms are one
//! grammar here, too, or a path would name another file than it does there:
//!
//! | part | meaning |
//! |---|---|
//! | `file:` | may be left out |
//! | `//`, `//localhost` | before an absolute path, may be left out |
//! | the path | relative to the configuration file's folder; `%41` is `A` |
//! | `?name=value&...` | only what this host does anyway: `mode=rwc`, `cache=private`, `_txlock=immediate` |
//!
//! Refused is what would change the store's promises: `:memory:`, read-only modes, `mode=rw`, which makes no file, a shared
//! cache, pragmas, other file systems of SQLite's (`vfs`). `#`, which begins what SQLite ignores, is refused because it looks like part of the path.

use crate::state::percent;
use dapr_blocks::config::{ConfigErrors, FromToml, Given, Table, Value};
use std::path::{Component, Path, PathBuf};

/// A connection string as it stands in the file, and the folder that its path starts at.
pub(super) struct ConnectionString {
    text: Given<String>,
    folder: PathBuf,
}

impl FromToml for ConnectionString {
    const WHAT: &'static str = "a path or a `file:` URI";

    fn example() -> String {
        "\"data/state.db\"".to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let resolved = PathBuf::from_toml(value)?;
        let text = Given::<String>::from_toml(value)?;
        // The folder is what resolving put before the text.
        let own = Path::new(&text.value)
            .components()
            .filter(|component| !matches!(component, Component::CurDir))
            .count();
        let folder = resolved.components().count().saturating_sub(own);
        Ok(Self {
            text,
            folder: resolved.components().take(folder).collect(),
        })
    }
}

/// The path that a connection string of this table names.
pub(super) fn resolve(table: &mut Table, connection: ConnectionString) -> Result<PathBuf, ConfigErrors> {
    let ConnectionString { text, folder } = connection;
    let path = path(&text.value).map_err(|problem| {
        let message = match (&problem, text.place()) {
            (Problem::Parameter(_), Some(_)) => "a parameter of the connection string is not supported".to_owned(),
            _ => problem.to_string(),
        };
        let error = table.location_of("connectionString").error(message);
        error.with_help(problem.help())
    });
    let joined = folder.join(path?);
    Ok(joined
        .components()
        .filter(|component| !matches!(component, Component::CurDir))
        .collect())
}

/// Why a connection string is refused. Of its text only a parameter's name is repeated, and no variable's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("the connection string names no file")]
    NoPath,
    #[error("a SQLite database in memory is not supported")]
    InMemory,
    #[error("the connection string names another host")]
    Authority,
    /// As of a server, with a password, which would be shown as a part of the path.
    #[error("the connection string is a URL of something else than a file")]
    Url,
    #[error("the path of a connection string cannot have a `#`")]
    Fragment,
    #[error("`~` is not expanded in a connection string")]
    Home,
    #[error("the path of a connection string is not UTF-8, or has a NUL character")]
    NotText,
    #[error("the parameter `{0}` of a connection string is not supported")]
    Parameter(String),
}

impl Problem {
    fn help(&self) -> &'static str {
        match self {
            Self::NoPath => "write a path like \"data/state.db\"",
            Self::InMemory => "use type = \"in-memory\"",
            Self::Url => "write a path, or name another `type`",
            Self::Authority => "write file:///absolute/path or a path alone",
            Self::Fragment => "write it as %23",
            Self::Home => "write the whole path",
            Self::NotText => "write the path in UTF-8",
            Self::Parameter(name) => match name.as_str() {
                "_pragma=busy_timeout" => "use the setting `busyTimeout`",
                "_pragma=journal_mode" => "use the setting `disableWAL`",
                "_pragma=synchronous" => "use the setting `synchronous`",
                _ => "leave it out",
            },
        }
    }
}

fn path(text: &str) -> Result<PathBuf, Problem> {
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        check_parameter(parameter)?;
    }
    let is_uri = before
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let rest = if is_uri { &before[5..] } else { before };
    if !is_uri && before.contains("://") {
        return Err(Problem::Url);
    }
    if rest.to_ascii_lowercase().starts_with(":memory:") {
        return Err(Problem::InMemory);
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) if is_uri => {
            let (authority, _) = rest.split_once('/').ok_or(Problem::Authority)?;
            if !matches!(authority, "" | "localhost") {
                return Err(Problem::Authority);
            }
            &rest[authority.len()..]
        }
        _ => rest,
    };
    if path.contains('#') {
        return Err(Problem::Fragment);
    }
    let path = percent::decoded(path);
    match String::from_utf8(path) {
        Ok(path) if path.is_empty() => Err(Problem::NoPath),
        Ok(path) if path.contains('\0') => Err(Problem::NotText),
        Ok(path) if path == "~" || path.starts_with("~/") => Err(Problem::Home),
        Ok(path) => Ok(PathBuf::from(path)),
        Err(_) => Err(Problem::NotText),
    }
}

fn check_parameter(parameter: &str) -> Result<(), Problem> {
    match parameter.to_ascii_lowercase().as_str() {
        "mode=rwc" | "cache=private" | "_txlock=immediate" | "immutable=0" => Ok(()),
        "mode=memory" => Err(Problem::InMemory),
        lower => {
            let name = lower.split(['(', '%']).next().unwrap_or(lower);
            let name = if name.starts_with("_pragma=") {
                name
            } else {
                name.split('=').next().unwrap_or(name)
            };
            Err(Problem::Parameter(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::config::Source;

    #[test]
    fn a_path_and_its_uri_name_the_same_file() {
        for (text, expected) in [
            ("data/state.db", "data/state.db"),
            ("file:data/state.db", "data/state.db"),
            ("FILE:state.db", "state.db"),
            ("/var/state.db", "/var/state.db"),
            ("file:/var/state.db", "/var/state.db"),
            ("file:///var/state.db", "/var/state.db"),
            ("file://localhost/var/state.db", "/var/state.db"),
            ("state.db?mode=rwc&_txlock=immediate", "state.db"),
            ("my%20state%2Fk.db", "my state/k.db"),
            ("100%.db", "100%.db"),
            ("file:./~/state.db", "./~/state.db"),
            ("~state.db", "~state.db"),
            ("%4", "%4"),
        ] {
            assert_eq!(path(text), Ok(PathBuf::from(expected)), "{text}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_not_repeated() {
        let text = "connectionString = { env = 'STATE' }";
        for held in ["state.db?hunter2=1", "hunter2#", "file://hunter2/state.db"] {
            let source = Source::new("components.toml", "/conf", text);
            let table = Table::parse(source, [("STATE", held)].into_iter().collect()).unwrap();
            let path = table.read(|table| {
                let connection = table.require("connectionString")?;
                resolve(table, connection)
            });
            let shown = format!("{:#}", path.unwrap_err());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_would_change_the_stores_promises_is_refused() {
        let parameter = |name: &str| Problem::Parameter(name.to_owned());
        for (text, expected) in [
            ("file:", Problem::NoPath),
            ("?mode=rwc", Problem::NoPath),
            (":memory:", Problem::InMemory),
            ("file::memory:?cache=shared", parameter("cache")),
            ("state.db?mode=memory", Problem::InMemory),
            ("file://server/state.db", Problem::Authority),
            ("postgres://ann:hunter2@db/dapr", Problem::Url),
            ("file://state.db", Problem::Authority),
            ("state#1.db", Problem::Fragment),
            ("state%00.db", Problem::NotText),
            ("state%ff.db", Problem::NotText),
            ("file:~/state.db", Problem::Home),
            ("file:%7E/state.db", Problem::Home),
            ("~", Problem::Home),
            ("state.db?mode=ro", parameter("mode")),
            ("state.db?mode=rw", parameter("mode")),
            ("state.db?immutable=1", parameter("immutable")),
            ("state.db?_txlock=deferred", parameter("_txlock")),
            ("state.db?_pragma=busy_timeout(5)", parameter("_pragma=busy_timeout")),
            ("state.db?vfs=unix-none", parameter("vfs")),
        ] {
            assert_eq!(path(text), Err(expected), "{text}");
        }
    }
}
