//! When something was saved: the system tells of folders in which something happens, and once it has been quiet in them for a
//! moment, the [`Tree`] says whether it matters.

use super::scope::Scope;
use super::tree::Tree;
use crate::failure::{Failure, Outcome};
use crate::target;
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long nothing must have happened: editors write several files, and a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// The longest that is waited for that. What never is quiet is looked at as it is.
const IMPATIENT: Duration = Duration::from_secs(2);

/// What can watch a folder.
pub(super) trait Watch {
    /// Tells from now on of what happens to the files of a folder, and not of those in folders below.
    fn folder(&mut self, folder: &Path) -> Outcome<()>;
}

impl Watch for RecommendedWatcher {
    fn folder(&mut self, folder: &Path) -> Outcome<()> {
        match self.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => Ok(()),
            // It went meanwhile, which its own folder tells.
            Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => Ok(()),
            Err(error) => Err(cannot(folder, error)),
        }
    }
}

/// A project's files, or a component's, as something to wait for.
pub(crate) struct Watched {
    root: PathBuf,
    files: Arc<Mutex<Files>>,
    stirred: Arc<Notify>,
}

/// What is read on a thread that may wait for a disk, and for git.
struct Files {
    watcher: RecommendedWatcher,
    tree: Tree,
}

impl Watched {
    /// Watches from now on a folder or a file, but for these files, which somebody else reads or writes.
    ///
    /// # Errors
    ///
    /// If it is not there, or the system has no room to watch it.
    pub(crate) async fn start(target: &Path, others: &[PathBuf]) -> Outcome<Self> {
        let scope = Scope::new(target::located(target)?, others);
        let root = scope.root().to_owned();
        let stirred = Arc::new(Notify::new());
        let (waker, within) = (Arc::clone(&stirred), scope.clone());
        let watcher = notify::recommended_watcher(move |event| {
            if matters(&event, &within) {
                waker.notify_one();
            }
        });
        let mut watcher = watcher.map_err(|error| cannot(target, error))?;
        let files = aside(move || {
            let tree = Tree::new(scope, &mut watcher)?;
            Ok(Files { watcher, tree })
        });
        Ok(Self {
            root,
            files: Arc::new(Mutex::new(files.await?)),
            stirred,
        })
    }

    /// The folder or file, without links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A build of it has just ended: what that has written by the way was saved by nobody.
    ///
    /// # Errors
    ///
    /// If the system has no room to watch more.
    pub(crate) async fn built(&mut self) -> Outcome<()> {
        self.look(|files| files.tree.built(&mut files.watcher)).await
    }

    /// Waits until something was saved, also if that was before, and answers which files.
    ///
    /// # Errors
    ///
    /// If the system has no room to watch more.
    pub(crate) async fn changed(&mut self) -> Outcome<Vec<PathBuf>> {
        loop {
            self.stirred.notified().await;
            self.quiet().await;
            let changed = self.look(|files| files.tree.changed(&mut files.watcher)).await?;
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Files) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let files = Arc::clone(&self.files);
        aside(move || look(&mut files.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    async fn quiet(&self) {
        let impatient = Instant::now() + IMPATIENT;
        loop {
            let quiet = Instant::now() + QUIET;
            let stirred = tokio::time::timeout_at(quiet.min(impatient), self.stirred.notified());
            if stirred.await.is_err() {
                return;
            }
        }
    }
}

/// Does something on a thread that may wait.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::run("cannot look at what is watched").because(&error))?
}

/// Whether a file may have been written that is watched. Reading them all is what a build does.
fn matters(event: &notify::Result<Event>, scope: &Scope) -> bool {
    let Ok(event) = event else { return true };
    // Without a path, something was missed.
    let is_watched = || event.paths.is_empty() || event.paths.iter().any(|path| scope.has(path));
    !matches!(event.kind, EventKind::Access(_)) && is_watched()
}

fn cannot(path: &Path, error: notify::Error) -> Failure {
    let failure = Failure::run(format!("cannot watch `{}`", path.display()));
    match error.kind {
        ErrorKind::MaxFilesWatch => failure
            .because(&error)
            .help("the system has a limit: raise it with sysctl fs.inotify.max_user_watches"),
        ErrorKind::Io(error) => failure.because(&error),
        _ => failure.because(&error),
    }
}
