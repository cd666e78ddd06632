//! What the child does: compile, write a file, and nothing else.

use crate::CacheError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use wasmtime::Engine;

/// Compiles a component or a core module into a new file with mode 0600 that is complete and on disk on return.
///
/// For the child process that a [`ChildCompiler`](crate::ChildCompiler) starts. Its engine must be configured as the
/// host's is; what another one makes is refused by the host.
///
/// # Errors
///
/// [`CacheError::Component`] when the bytes are no valid component, [`CacheError::Write`] when the file exists or
/// cannot be written, as on a full disk; what was written of it is removed.
pub fn compile_to_file(engine: &Engine, wasm: &[u8], out: &Path) -> Result<(), CacheError> {
    let code = match wasm.starts_with(CORE_MODULE) {
        true => engine.precompile_module(wasm),
        false => engine.precompile_component(wasm),
    };
    let code = code.map_err(|e| CacheError::Component { source: e.into() })?;
    write_new(out, &code).map_err(|source| CacheError::Write {
        path: out.to_owned(),
        source,
    })
}

/// How core modules begin. Components have another number in its second half.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn write_new(out: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out)?;
    // On disk before it is renamed: else a crash of the machine could leave the final name on missing content.
    let written = file.write_all(code).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(out);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{component, engine};
    use std::error::Error;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_file_is_for_this_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("code");
        compile_to_file(&engine(), &component(1), &out).unwrap();
        assert_eq!(fs::metadata(&out).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn what_is_no_component_is_refused_with_the_cause_and_leaves_no_file() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("code");
        let error = compile_to_file(&engine(), b"not wasm", &out).unwrap_err();
        assert!(
            matches!(error, CacheError::Component { .. }) && error.source().is_some(),
            "{error:?}"
        );
        assert!(!out.exists());
    }

    #[test]
    fn an_existing_file_is_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("code");
        fs::write(&out, "precious").unwrap();
        let error = compile_to_file(&engine(), &component(1), &out).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}", out.display()));
        assert_eq!(fs::read(&out).unwrap(), b"precious");
    }
}
