//! The file that a configuration comes from: its name for messages, its folder for paths, its text for both.

use std::io;
use std::path::{Component, Path, PathBuf};

/// A configuration's text, and where it came from.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    folder: PathBuf,
    text: String,
}

/// Why a configuration file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// TOML is UTF-8, and the file is not.
    #[error("`{}` is not UTF-8 text: line {line} has a byte that cannot be read", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first such byte, counted from 1.
        line: usize,
    },
}

impl Source {
    /// Text that messages call `name`, and whose relative paths start at `folder`.
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>, text: &str) -> Self {
        // A byte order mark is no character of the first line: left in, it would shift that line's columns.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        Self {
            name: name.into(),
            folder: folder.into(),
            text,
        }
    }

    /// Reads a file. Messages call it by the path as given here.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`] if it cannot be read, [`ReadError::NotUtf8`] if it is no text.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let bytes = std::fs::read(path).map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes
                .iter()
                .take(error.valid_up_to())
                .filter(|byte| **byte == b'\n')
                .count();
            ReadError::NotUtf8 {
                path: path.to_owned(),
                line,
            }
        })?;
        Ok(Self::new(
            path.display().to_string(),
            path.parent().unwrap_or(Path::new("")),
            text,
        ))
    }

    /// The file as messages name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the file's relative paths start.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A path of the file as the process must use it: relative ones start at the file's folder, so that a configuration
    /// means the same wherever the host is started.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        let joined = self.folder.join(path);
        // `conf/./data` reads as carelessness in a message; `..` stays, because a symlink may stand before it.
        joined
            .components()
            .filter(|component| !matches!(component, Component::CurDir))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_files_folder() {
        let source = Source::new("components.toml", "/etc/app", "");
        assert_eq!(
            source.resolve(Path::new("./data/state.db")),
            Path::new("/etc/app/data/state.db")
        );
        assert_eq!(
            source.resolve(Path::new("../state.db")),
            Path::new("/etc/app/../state.db")
        );
        assert_eq!(source.resolve(Path::new("/var/state.db")), Path::new("/var/state.db"));
        assert_eq!(
            Source::new("components.toml", "", "").resolve(Path::new("state.db")),
            Path::new("state.db")
        );
    }

    #[test]
    fn a_byte_order_mark_is_not_text() {
        assert_eq!(Source::new("f", "", "\u{feff}a = 1").text(), "a = 1");
    }

    #[test]
    fn a_file_that_is_no_text_is_named_with_its_line() {
        let path = std::env::temp_dir().join(format!("dapr-blocks-not-utf8-{}.toml", std::process::id()));
        std::fs::write(&path, b"a = 1\nb = \"\xff\"\n").unwrap();
        let error = Source::read(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(
            error
                .to_string()
                .ends_with("is not UTF-8 text: line 2 has a byte that cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named_and_the_cause_kept() {
        let error = Source::read(Path::new("no/such.toml")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `no/such.toml`");
        assert!(std::error::Error::source(&error).is_some());
    }
}
