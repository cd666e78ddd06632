//! The cache itself: look for the file, else have it made, one at a time.

use crate::directory::{self, Directory, Partial};
use crate::key::Key;
use crate::progress::{Progress, announced};
use crate::{CacheError, ChildCompiler, Cleaned, Code, sweep};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use wasmtime::Engine;

/// 2 GiB: sixty Python components of 33 MB, or some thousand builds of a Rust one.
pub const DEFAULT_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// Compiled code by component and engine settings, in a directory or nowhere.
///
/// Any number of processes may share the directory. Within one `CodeCache` one component is compiled at a time: each
/// compiler uses all processors as it is, and ten at once would take the memory of ten.
#[derive(Debug)]
pub struct CodeCache {
    keep: Keep,
    turn: Semaphore,
}

#[derive(Debug)]
enum Keep {
    In { directory: Arc<Directory>, limit: u64 },
    Nothing,
}

/// A component or module that is ready to be instantiated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded<C> {
    /// The component or module, whose code stays mapped while it lives.
    pub code: C,
    /// Where its code came from.
    pub origin: Origin,
    /// How long loading took, with all compiling and waiting.
    pub took: Duration,
}

/// Where code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was found on disk.
    Cache,
    /// It was compiled now.
    Compiler,
}

impl CodeCache {
    /// A cache in this directory, which is created with mode 0700 where it is missing, and its parents too.
    ///
    /// Each time something has been compiled, the files used longest ago are removed until all have at most `limit`
    /// bytes; see [`DEFAULT_LIMIT`].
    ///
    /// # Errors
    ///
    /// [`CacheError::Unwritable`] when the directory cannot be created or written: a host then goes on with
    /// [`disabled`](CodeCache::disabled). [`CacheError::Refused`] when another user owns the directory or may write to
    /// it, or to what it is a link to: what is found in it is executed.
    pub fn open(dir: PathBuf, limit: u64) -> Result<CodeCache, CacheError> {
        let directory = Arc::new(Directory::open(&dir)?);
        Ok(CodeCache {
            keep: Keep::In { directory, limit },
            turn: Semaphore::new(1),
        })
    }

    /// A cache that keeps nothing, for when there is no directory to keep it in.
    ///
    /// It still compiles in a child, into a temporary directory that is gone once the code is mapped. Compiling in this
    /// process would be simpler, but would leave ten times the memory behind for as long as the host runs, and a
    /// component too large to compile would take the host with it.
    #[must_use]
    pub fn disabled() -> CodeCache {
        CodeCache {
            keep: Keep::Nothing,
            turn: Semaphore::new(1),
        }
    }

    /// Whether what is compiled is there the next time.
    #[must_use]
    pub fn keeps(&self) -> bool {
        matches!(self.keep, Keep::In { .. })
    }

    /// `$XDG_CACHE_HOME/dapr-wasm/code`, else `$HOME/.cache/dapr-wasm/code`; `None` where neither is an absolute path.
    #[must_use]
    pub fn default_dir() -> Option<PathBuf> {
        directory::default_path(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))
    }

    /// The component or module, from a file of this cache if there is one, else compiled and kept for next time. Which of
    /// the two the bytes are is for the caller to know.
    ///
    /// A file that does not load is removed and compiled anew. `progress` hears only of compiling that takes long.
    ///
    /// # Errors
    ///
    /// [`CacheError::Compile`] when the compiler refuses the component, [`CacheError::Unwritable`] when there is no room
    /// for the result, [`CacheError::Failed`], [`CacheError::Killed`] and [`CacheError::Child`] when it could not do its
    /// work otherwise, [`CacheError::Incompatible`] when this engine does not take the result. Trouble with giving a
    /// result its place is logged and is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the child and removes what it wrote, so a time limit can be put around it. There is
    /// none here: how long compiling takes is up to the component and the machine.
    pub async fn load<C: Code>(
        &self,
        engine: &Engine,
        wasm: &[u8],
        compiler: &ChildCompiler,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Loaded<C>, CacheError> {
        let start = Instant::now();
        let key = Key::of(engine, wasm).await;
        let loaded = |code, origin| Loaded {
            code,
            origin,
            took: start.elapsed(),
        };
        if let Some(code) = self.find(engine, key).await? {
            return Ok(loaded(code, Origin::Cache));
        }
        let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
        // The one whose turn it was before may have compiled the same.
        if let Some(code) = self.find(engine, key).await? {
            return Ok(loaded(code, Origin::Cache));
        }
        let directory = match &self.keep {
            Keep::In { directory, .. } => Arc::clone(directory),
            Keep::Nothing => Arc::new(Directory::temporary()?),
        };
        // Before the child, so that it is dropped after it: what a killed child has written is then removed.
        let partial = Partial::new(&directory, &key);
        announced(compiler.compile(wasm, &partial.path()), progress).await?;
        let code = self.adopt(engine, key, partial).await?;
        Ok(loaded(code, Origin::Compiler))
    }

    /// Removes all files that this cache has made, and no others. Hosts that have loaded them are not disturbed.
    ///
    /// # Errors
    ///
    /// [`CacheError::Access`] when the directory cannot be read or a file not be removed.
    pub fn clean(&self) -> Result<Cleaned, CacheError> {
        match &self.keep {
            Keep::In { directory, .. } => sweep::clean(directory).map_err(|source| CacheError::Access {
                path: directory.path().to_owned(),
                source,
            }),
            Keep::Nothing => Ok(Cleaned::default()),
        }
    }

    /// The code from its file, if there is a good one.
    async fn find<C: Code>(&self, engine: &Engine, key: Key) -> Result<Option<C>, CacheError> {
        let Keep::In { directory, .. } = &self.keep else {
            return Ok(None);
        };
        let (engine, directory) = (engine.clone(), Arc::clone(directory));
        blocking(move || {
            let name = key.file_name();
            let cause = match load_file(&engine, &directory, &name) {
                Ok(found) => return found,
                Err(cause) => cause,
            };
            let path = directory.path().join(&name);
            tracing::warn!(path = %path.display(), cause = format!("{cause:#}"), "compiled code is damaged; compiling again");
            // One that cannot be removed is replaced when the new one gets its name.
            let _ = directory.remove(&name);
            None
        })
        .await
    }

    /// Loads what the child has made, and keeps it.
    async fn adopt<C: Code>(&self, engine: &Engine, key: Key, partial: Partial) -> Result<C, CacheError> {
        let engine = engine.clone();
        let keep = match &self.keep {
            Keep::In { directory, limit } => Some((Arc::clone(directory), *limit)),
            Keep::Nothing => None,
        };
        blocking(move || {
            let incompatible = |source: wasmtime::Error| CacheError::Incompatible { source: source.into() };
            let code = partial.code().map_err(|source| CacheError::Access {
                path: partial.path(),
                source,
            })?;
            let code = code.ok_or_else(|| incompatible(wasmtime::format_err!("it made no file")))?;
            // Loaded before it gets its name, so that nobody finds what does not load.
            let loaded = code.load(&engine).map_err(incompatible)?;
            if let Some((directory, limit)) = keep {
                let name = key.file_name();
                let kept = partial
                    .rename(&name)
                    .and_then(|()| sweep::evict(&directory, limit, &name, SystemTime::now()));
                if let Err(error) = kept {
                    let path = directory.path().display();
                    tracing::warn!(%path, %error, "compiled code is not kept as it should be");
                }
            }
            Ok(loaded)
        })
        .await?
    }
}

/// Loads a finished file and marks it as used; `None` if there is none.
fn load_file<C: Code>(engine: &Engine, directory: &Directory, name: &str) -> wasmtime::Result<Option<C>> {
    let Some(code) = directory.code(name)? else {
        return Ok(None);
    };
    let loaded = code.load(engine)?;
    if let Err(error) = code.mark_used(SystemTime::now()) {
        tracing::debug!(%error, "compiled code cannot be marked as used and may be evicted early");
    }
    Ok(Some(loaded))
}

/// Runs what may wait for the disk where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CacheError> {
    match tokio::task::spawn_blocking(work)
        .await
        .map_err(JoinError::try_into_panic)
    {
        Ok(result) => Ok(result),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(CacheError::ShuttingDown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, component, engine, shell, this_binary};
    use std::error::Error;
    use std::fs::{self, File};
    use std::path::Path;
    use tempfile::TempDir;
    use wasmtime::Config;
    use wasmtime::component::Component;

    fn cache() -> (TempDir, CodeCache) {
        let root = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(root.path().to_owned(), DEFAULT_LIMIT).unwrap();
        (root, cache)
    }

    async fn load(cache: &CodeCache, number: u32) -> Loaded<Component> {
        cache
            .load::<Component>(&engine(), &component(number), &this_binary(), &|_| {})
            .await
            .unwrap()
    }

    /// A compiler that must not be needed.
    async fn load_found(cache: &CodeCache, number: u32) -> Loaded<Component> {
        let never = shell("echo compiled >&2; exit 3");
        cache
            .load::<Component>(&engine(), &component(number), &never, &|_| {})
            .await
            .unwrap()
    }

    fn files(root: &Path) -> Vec<PathBuf> {
        fs::read_dir(root).unwrap().map(|file| file.unwrap().path()).collect()
    }

    fn only_file(root: &Path) -> PathBuf {
        let [file] = <[PathBuf; 1]>::try_from(files(root)).unwrap();
        file
    }

    /// A file that fake compilers copy.
    fn compiled(root: &TempDir) -> PathBuf {
        let path = root.path().join("compiled");
        crate::compile_to_file(&engine(), &component(42), &path).unwrap();
        path
    }

    // ---- hit and miss ----

    #[tokio::test]
    async fn the_first_load_compiles_and_the_next_finds_it() {
        let (root, cache) = cache();
        let first = load(&cache, 42).await;
        assert_eq!((first.origin, answer(&first.code)), (Origin::Compiler, 42));
        let next = load_found(&cache, 42).await;
        assert_eq!((next.origin, answer(&next.code)), (Origin::Cache, 42));
        only_file(root.path());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_code_is_mapped_from_the_file_and_not_copied() {
        let (root, cache) = cache();
        let _first = load(&cache, 42).await;
        let _next = load(&cache, 42).await;
        let file = only_file(root.path()).display().to_string();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let executable = maps
            .lines()
            .filter(|line| line.ends_with(&file) && line.contains("r-xp"));
        assert_eq!(executable.count(), 2, "{maps}");
    }

    #[tokio::test]
    async fn another_process_finds_it_too() {
        let (root, first) = cache();
        load(&first, 42).await;
        let other = CodeCache::open(root.path().to_owned(), DEFAULT_LIMIT).unwrap();
        assert_eq!(load_found(&other, 42).await.origin, Origin::Cache);
    }

    #[tokio::test]
    async fn another_component_is_compiled() {
        let (root, cache) = cache();
        load(&cache, 1).await;
        let two = load(&cache, 2).await;
        assert_eq!((two.origin, answer(&two.code)), (Origin::Compiler, 2));
        assert_eq!(files(root.path()).len(), 2);
    }

    #[tokio::test]
    async fn an_engine_with_other_settings_does_not_find_it() {
        let (_root, cache) = cache();
        load(&cache, 42).await;
        let other = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let error = cache
            .load::<Component>(&other, &component(42), &shell("echo asked >&2; exit 3"), &|_| {})
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "asked");
    }

    #[tokio::test]
    async fn finding_counts_as_a_use() {
        let (root, cache) = cache();
        load(&cache, 42).await;
        let file = only_file(root.path());
        File::open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        load_found(&cache, 42).await;
        let used = fs::metadata(&file).unwrap().modified().unwrap();
        assert!(used.elapsed().unwrap() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn of_two_loads_at_once_one_compiles_and_the_other_finds() {
        let (_root, cache) = cache();
        let (one, two) = tokio::join!(load(&cache, 42), load(&cache, 42));
        assert!(one.origin != two.origin, "both: {:?}", one.origin);
    }

    // ---- damage ----

    #[tokio::test]
    async fn a_file_cut_off_is_compiled_again() {
        let (root, cache) = cache();
        load(&cache, 42).await;
        let file = only_file(root.path());
        let whole = fs::read(&file).unwrap();
        for length in [0, 100, whole.len() / 2, whole.len() - 1] {
            fs::write(&file, &whole[..length]).unwrap();
            let again = load(&cache, 42).await;
            assert_eq!((again.origin, answer(&again.code)), (Origin::Compiler, 42));
            assert_eq!(fs::read(only_file(root.path())).unwrap().len(), whole.len());
        }
    }

    #[tokio::test]
    async fn a_file_that_others_may_write_is_compiled_again() {
        let (root, cache) = cache();
        load(&cache, 42).await;
        let file = only_file(root.path());
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        assert_eq!(load(&cache, 42).await.origin, Origin::Compiler);
        assert_eq!(load_found(&cache, 42).await.origin, Origin::Cache);
    }

    #[tokio::test]
    async fn a_compiler_with_other_settings_is_an_error_and_its_code_is_not_kept() {
        let (root, cache) = cache();
        let other = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let error = cache
            .load::<Component>(&other, &component(42), &this_binary(), &|_| {})
            .await
            .unwrap_err();
        assert!(
            matches!(error, CacheError::Incompatible { .. }) && error.source().is_some(),
            "{error:?}"
        );
        assert!(files(root.path()).is_empty());
    }

    #[tokio::test]
    async fn a_compiler_that_makes_no_file_is_an_error() {
        let (_root, cache) = cache();
        let error = cache
            .load::<Component>(&engine(), &component(42), &shell("cat > /dev/null"), &|_| {})
            .await
            .unwrap_err();
        assert!(matches!(error, CacheError::Incompatible { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn code_that_cannot_be_kept_is_used_all_the_same() {
        let (root, cache) = cache();
        let made = compiled(&root);
        // A directory has the name that the file should get.
        let script = format!(
            "cat > /dev/null; cp {} \"$0\" && mkdir \"${{0%.tmp*}}.cwasm\"",
            made.display()
        );
        let loaded = cache
            .load::<Component>(&engine(), &component(42), &shell(&script), &|_| {})
            .await
            .unwrap();
        assert_eq!(answer(&loaded.code), 42);
    }

    // ---- limit ----

    #[tokio::test]
    async fn above_the_limit_the_longest_unused_goes() {
        let (root, roomy) = cache();
        load(&roomy, 1).await;
        let size = fs::metadata(only_file(root.path())).unwrap().len();
        let cache = CodeCache::open(root.path().to_owned(), size * 5 / 2).unwrap();
        load(&cache, 2).await;
        load_found(&cache, 1).await;
        load(&cache, 3).await;
        load_found(&cache, 1).await;
        load_found(&cache, 3).await;
        assert_eq!(load(&cache, 2).await.origin, Origin::Compiler);
    }

    // ---- cancelling ----

    #[tokio::test]
    async fn dropping_the_future_kills_the_child_and_leaves_nothing() {
        let (root, cache) = cache();
        let started = root.path().join("started");
        let script = format!(
            "echo half > \"$0\"; echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000",
            started.display()
        );
        let (engine, wasm, slow) = (engine(), component(42), shell(&script));
        let pid = tokio::select! {
            result = cache.load::<Component>(&engine, &wasm, &slow, &|_| {}) => panic!("{result:?}"),
            () = until(|| started.exists()) => fs::read_to_string(&started).unwrap(),
        };
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        until(|| rustix::process::test_kill_process(pid).is_err()).await;
        fs::remove_file(&started).unwrap();
        assert_eq!(load(&cache, 42).await.origin, Origin::Compiler);
        assert!(only_file(root.path()).extension().unwrap() == "cwasm");
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !condition() {
            assert!(Instant::now() < deadline, "it never happened");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn loading_can_be_a_task_of_its_own() {
        fn is_send(_: &impl Send) {}
        let (_root, cache) = cache();
        is_send(&cache.load::<Component>(&engine(), &component(42), &this_binary(), &|_| {}));
    }

    // ---- no directory ----

    #[tokio::test]
    async fn without_a_directory_a_child_compiles_each_time_and_nothing_stays() {
        let cache = CodeCache::disabled();
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("log");
        let made = compiled(&root);
        let script = format!(
            "cat > /dev/null; cp {} \"$0\"; echo \"$0\" >> {}",
            made.display(),
            log.display()
        );
        for _ in 0..2 {
            let loaded = cache
                .load::<Component>(&engine(), &component(42), &shell(&script), &|_| {})
                .await
                .unwrap();
            assert_eq!((loaded.origin, answer(&loaded.code)), (Origin::Compiler, 42));
        }
        let log = fs::read_to_string(&log).unwrap();
        let outs: Vec<_> = log.lines().map(Path::new).collect();
        assert_eq!(outs.len(), 2);
        assert!(outs.iter().all(|out| !out.parent().unwrap().exists()));
        assert_eq!(cache.clean().unwrap(), Cleaned::default());
    }

    // ---- clean ----

    #[tokio::test]
    async fn cleaning_leaves_loaded_components_running_and_the_cache_usable() {
        let (root, cache) = cache();
        let loaded = load(&cache, 42).await;
        let bytes = fs::metadata(only_file(root.path())).unwrap().len();
        assert_eq!(cache.clean().unwrap(), Cleaned { files: 1, bytes });
        assert_eq!(answer(&loaded.code), 42);
        assert_eq!(load(&cache, 42).await.origin, Origin::Compiler);
    }

    #[tokio::test]
    async fn a_core_module_is_kept_too() {
        let root = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(root.path().join("code"), DEFAULT_LIMIT).unwrap();
        let module = wat::parse_str("(module (func (export \"f\")))").unwrap();
        for origin in [Origin::Compiler, Origin::Cache] {
            let loaded = cache
                .load::<wasmtime::Module>(&engine(), &module, &this_binary(), &|_| {})
                .await
                .unwrap();
            assert_eq!(loaded.origin, origin);
            assert!(loaded.code.get_export("f").is_some());
        }
    }
}
