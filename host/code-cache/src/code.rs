//! Compiled code becomes a component or a module: the one place with `unsafe`.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::SystemTime;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// What code is compiled of: a component, or a core module.
///
/// Only this crate implements it.
pub trait Code: sealed::Code {}

impl Code for Component {}
impl Code for Module {}

mod sealed {
    use super::{Component, Engine, Module};
    use std::path::Path;

    #[allow(unsafe_code)]
    pub trait Code: Sized + Send + 'static {
        /// # Safety
        ///
        /// As of the function of this name in wasmtime.
        unsafe fn deserialize_file(engine: &Engine, path: &Path) -> wasmtime::Result<Self>;

        /// # Safety
        ///
        /// As of the function of this name in wasmtime.
        unsafe fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self>;
    }

    macro_rules! code {
        ($($of:ident)*) => {$(
            #[allow(unsafe_code)]
            impl Code for $of {
                unsafe fn deserialize_file(engine: &Engine, path: &Path) -> wasmtime::Result<Self> {
                    // SAFETY: as the caller says.
                    unsafe { $of::deserialize_file(engine, path) }
                }

                unsafe fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self> {
                    // SAFETY: as the caller says.
                    unsafe { $of::deserialize(engine, code) }
                }
            }
        )*};
    }
    code!(Component Module);
}

/// An open file of compiled code that only this user can have written.
#[derive(Debug)]
pub(crate) struct CodeFile(File);

impl CodeFile {
    /// Only for [`Directory::code`](crate::directory::Directory::code), which has done the checking.
    pub(crate) fn checked(file: File) -> CodeFile {
        CodeFile(file)
    }

    /// Maps the code from the file, or copies it into memory where mapping is not possible.
    ///
    /// Mapping shares the pages with other processes and reads only what is used. It fails on a file system mounted
    /// `noexec`, and without `/proc`. The copy takes 75 MB and 60 ms for Python: still far less than compiling again.
    #[allow(unsafe_code)]
    pub(crate) fn load<C: Code>(&self, engine: &Engine) -> wasmtime::Result<C> {
        // SAFETY: both functions execute what they are given, and ask for the unchanged output of
        // `Engine::precompile_component` or `precompile_module`; `deserialize_file` also asks that the file stays unchanged while it is mapped.
        //
        // * Who can have written it: `self` is a regular file that this user owns and nobody else may write, and was
        //   found in a directory of which the same is true (checked on the open descriptors, see `directory.rs`). So
        //   its bytes come from a process of this user, or of root; either could change this process at will.
        // * What these processes write: files with a name of this cache are made by `compile_to_file`, in a new file
        //   (`create_new`) that gets its final name only after its content is on disk and the child has said that it
        //   succeeded. A caller of `load` who names another program as the compiler has that program's word for it.
        // * Whether it is whole: a crash or a full disk can leave a file cut off only under a temporary name. If one
        //   turns up anyway, it is refused and not run, since the table that wasmtime reads first is at its end. The
        //   bytes are not hashed again at every load: bits that flip on disk are as fatal in the host's own program.
        // * Whether it fits: wasmtime refuses what another version, processor or setting of it has made.
        // * Whether it changes: this crate never opens a file a second time for writing. It renames and removes names,
        //   which leaves the mapped file alone. The path below is that of the descriptor, not the name in the
        //   directory, so nobody can exchange the file between the check and the mapping.
        let cause = match unsafe { C::deserialize_file(engine, &self.path_of_descriptor()) } {
            Ok(code) => return Ok(code),
            Err(cause) => format!("{cause:#}"),
        };
        let code = self.read()?;
        // SAFETY: as above, of the same file.
        let code = unsafe { C::deserialize(engine, &code) }?;
        tracing::debug!(
            cause,
            "compiled code cannot be mapped from its file and was copied into memory"
        );
        Ok(code)
    }

    /// Sets the time of last use, which decides what is evicted first.
    pub(crate) fn mark_used(&self, now: SystemTime) -> io::Result<()> {
        self.0.set_modified(now)
    }

    /// A path that leads to this very file, whatever happens to its name.
    fn path_of_descriptor(&self) -> PathBuf {
        PathBuf::from(format!("/dev/fd/{}", self.0.as_raw_fd()))
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&self.0).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::directory::Directory;
    use crate::testing::{answer, component, engine};
    use std::fs;
    use wasmtime::component::Component;

    fn load(bytes: &[u8]) -> wasmtime::Result<Component> {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        fs::write(root.path().join("code"), bytes).unwrap();
        directory.code("code").unwrap().unwrap().load(&engine())
    }

    #[test]
    fn code_runs_even_after_its_file_is_gone() {
        let component = load(&engine().precompile_component(&component(42)).unwrap()).unwrap();
        assert_eq!(answer(&component), 42);
    }

    #[test]
    fn code_cut_off_anywhere_is_refused() {
        let code = engine().precompile_component(&component(42)).unwrap();
        let step = (code.len() / 500).max(1);
        for length in (0..code.len()).step_by(step).chain([code.len() - 1]) {
            assert!(load(&code[..length]).is_err(), "{length} of {} bytes", code.len());
        }
    }

    #[test]
    fn other_files_are_refused() {
        assert!(load(b"not code").is_err());
        assert!(load(&component(42)).is_err());
        assert!(load(&fs::read(std::env::current_exe().unwrap()).unwrap()).is_err());
    }
}
