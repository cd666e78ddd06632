//! `local.directory`: secrets in files, as Kubernetes, Docker and systemd hand them to a container or service.
//!
//! | in the directory | is |
//! |---|---|
//! | a directory | a secret, with a key for each file in it |
//! | a file | a secret of one value, under its own name |
//!
//! Dapr has no such type. It is called so because it stands beside `local.env` and `local.file`, which ask no server either,
//! and not `kubernetes`, which Dapr has for asking the API server of a cluster.
//!
//! Nothing is kept: each call reads the files anew, so that a secret that is rotated is there with the next call. Kubernetes
//! replaces all files of a volume at once, by pointing the link `..data` to another directory; a call reads all of a secret
//! through the same link, or again where it was moved meanwhile. Names that begin with `..` are therefore none. Links are
//! followed as long as they stay in the directory. What leads out of it, and what is no file, is not there.

use async_trait::async_trait;
use dapr_blocks::config::{ConfigErrors, Table};
use dapr_blocks::secrets::{BULK_BYTES, SECRET_BYTES, Secret, SecretAccess, SecretError, SecretStore, SecretValues};
use dapr_blocks::state::Health;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use zeroize::Zeroizing;

/// The settings of `local.directory`. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectorySettings {
    /// `path`, a path: the directory. Required.
    pub path: PathBuf,
}

impl DirectorySettings {
    /// Reads the store's keys of a table. Touches no file.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let path = table.require("path");
        table.finish()?;
        Ok(Self { path: path? })
    }
}

/// Which directory.
impl fmt::Display for DirectorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "directory {}", self.path.display())
    }
}

/// A directory of secrets that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the directory of secrets `{}`", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// The link by which Kubernetes replaces all files of a volume at once.
const DATA: &str = "..data";

/// How often a secret is read again because its link was moved while it was read. It is moved once a minute at most.
const READINGS: usize = 4;

/// A directory whose files are secrets.
#[derive(Debug)]
pub(super) struct DirectoryStore {
    path: PathBuf,
    /// Whether the directory itself could not be read when that was last tried: a volume that is gone.
    is_gone: Arc<AtomicBool>,
}

impl DirectoryStore {
    pub(super) async fn open(settings: &DirectorySettings) -> Result<Self, OpenError> {
        let path = settings.path.clone();
        let listed = tokio::task::spawn_blocking(move || path.read_dir().map(drop));
        match listed
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        {
            Ok(()) => Ok(Self {
                path: settings.path.clone(),
                is_gone: Arc::default(),
            }),
            Err(source) => Err(OpenError {
                path: settings.path.clone(),
                source,
            }),
        }
    }

    /// Reads on a thread of its own: a mount may hang.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Tree) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, SecretError> {
        let path = self.path.clone();
        let is_gone = Arc::clone(&self.is_gone);
        let done = tokio::task::spawn_blocking(move || {
            let tree = Tree::of(&path);
            is_gone.store(tree.is_err(), Relaxed);
            read(&tree?)
        });
        let done = done
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        done.map_err(SecretError::from)
    }
}

#[async_trait]
impl SecretStore for DirectoryStore {
    fn health(&self) -> Health {
        match self.is_gone.load(Relaxed) {
            true => Health::Failing("its directory cannot be read".to_owned()),
            false => Health::Well,
        }
    }

    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        let wanted = name.to_owned();
        let found = self.reading(move |tree| tree.secret(&wanted)).await?;
        found.ok_or_else(|| SecretError::NoSuchSecret(name.to_owned()))
    }

    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let access = access.clone();
        self.reading(move |tree| tree.secrets(&access)).await
    }
}

/// Why files could not be read.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}` is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    #[error("the secret `{}` has more than {SECRET_BYTES} bytes", .0.escape_debug())]
    LargeSecret(String),
    #[error("all secrets together have more than {BULK_BYTES} bytes")]
    LargeBulk,
}

impl Fault {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl From<Fault> for SecretError {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::LargeSecret(_) | Fault::LargeBulk => Self::TooLarge(fault.to_string()),
            Fault::NotText(_) => Self::internal(fault),
            Fault::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => Self::Denied {
                reason: "the host may not read the file".to_owned(),
                source: Some(fault.into()),
            },
            Fault::Io { .. } => Self::Unavailable {
                reason: "its directory cannot be read".to_owned(),
                source: Some(fault.into()),
            },
        }
    }
}

/// The directory itself, without links on the way to it.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn of(path: &Path) -> Result<Self, Fault> {
        let root = path.canonicalize().map_err(Fault::io(path))?;
        Ok(Self { root })
    }

    /// A secret, if there is one of this name.
    fn secret(&self, name: &str) -> Result<Option<SecretValues>, Fault> {
        if !is_name(name) {
            return Ok(None);
        }
        self.steady(&self.root, |files| self.secret_in(files, name))
    }

    fn secrets(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, Fault> {
        self.steady(&self.root, |files| {
            let (mut all, mut left) = (BTreeMap::new(), BULK_BYTES);
            for name in names(files)? {
                if !access.allows(&name) {
                    continue;
                }
                let Some(values) = self.secret_in(files, &name)? else {
                    continue;
                };
                let values_bytes = values.iter().map(|(key, value)| key.len() + value.expose().len());
                let bytes = name.len() + values_bytes.sum::<usize>();
                left = left.checked_sub(bytes).ok_or(Fault::LargeBulk)?;
                all.insert(name, values);
            }
            Ok(all)
        })
    }

    fn secret_in(&self, files: &Path, name: &str) -> Result<Option<SecretValues>, Fault> {
        let Some(path) = self.inside(&files.join(name))? else {
            return Ok(None);
        };
        if path.is_dir() {
            return self.steady(&path, |files| self.values(files, name)).map(Some);
        }
        let text = self.text(&path, SECRET_BYTES.saturating_sub(name.len()))?;
        match text {
            Some(Text::Whole(secret)) => Ok(Some([(name.to_owned(), secret)].into())),
            Some(Text::TooLong) => Err(Fault::LargeSecret(name.to_owned())),
            None => Ok(None),
        }
    }

    /// What the files of a secret hold.
    fn values(&self, files: &Path, name: &str) -> Result<SecretValues, Fault> {
        let large = || Fault::LargeSecret(name.to_owned());
        let (mut values, mut left) = (SecretValues::new(), SECRET_BYTES);
        for key in names(files)? {
            let Some(path) = self.inside(&files.join(&key))? else {
                continue;
            };
            left = left.checked_sub(key.len()).ok_or_else(large)?;
            match self.text(&path, left)? {
                Some(Text::Whole(secret)) => {
                    left -= secret.expose().len();
                    values.insert(key, secret);
                }
                Some(Text::TooLong) => return Err(large()),
                None => {}
            }
        }
        Ok(values)
    }

    /// Reads in the directory that holds the files at the moment, and again if that was another one meanwhile.
    fn steady<T>(&self, directory: &Path, read: impl Fn(&Path) -> Result<T, Fault>) -> Result<T, Fault> {
        let files = || {
            Ok(self
                .inside(&directory.join(DATA))?
                .unwrap_or_else(|| directory.to_owned()))
        };
        let mut now = files()?;
        for _ in 1..READINGS {
            let done = read(&now);
            let then = files()?;
            if then == now {
                return done;
            }
            now = then;
        }
        read(&now)
    }

    /// Where a path leads to, if that is in the directory.
    fn inside(&self, path: &Path) -> Result<Option<PathBuf>, Fault> {
        match path.canonicalize() {
            Ok(real) => Ok(real.starts_with(&self.root).then_some(real)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(Fault::io(path)(source)),
        }
    }

    /// What a file holds, as long as it is one. It has no links on the way to it.
    fn text(&self, path: &Path, most: usize) -> Result<Option<Text>, Fault> {
        // Looked at before it is opened: to open a pipe is to wait for somebody.
        let is_file = |found: io::Result<std::fs::Metadata>| match found {
            Ok(metadata) => Ok(Some(metadata).filter(std::fs::Metadata::is_file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Fault::io(path)(source)),
        };
        let Some(metadata) = is_file(path.symlink_metadata())? else {
            return Ok(None);
        };
        let file = File::open(path).map_err(Fault::io(path))?;
        // A byte more than it has, so that a buffer that grows leaves no copies behind.
        let room = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(most) + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        file.take(most as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(Fault::io(path))?;
        if bytes.len() > most {
            return Ok(Some(Text::TooLong));
        }
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Some(Text::Whole(Secret::new(text)))),
            Err(error) => {
                *bytes = error.into_bytes();
                Err(Fault::NotText(path.to_owned()))
            }
        }
    }
}

/// What a file holds.
enum Text {
    Whole(Secret),
    TooLong,
}

/// The names in a directory that may be secrets or keys.
fn names(directory: &Path) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for entry in directory.read_dir().map_err(Fault::io(directory))? {
        let name = entry.map_err(Fault::io(directory))?.file_name();
        names.extend(name.into_string().ok().filter(|name| is_name(name)));
    }
    Ok(names)
}

/// Whether a name stays where it is looked for, and is none of Kubernetes' own.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | ".") && !name.starts_with("..") && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests;
