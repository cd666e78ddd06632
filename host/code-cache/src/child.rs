//! The process that compiles, seen from the host.

use crate::CacheError;
use crate::error::{REFUSED, UNWRITTEN};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, Command};

/// How much of the child's stderr is kept: enough for any error chain, too little to hurt.
const STDERR_LIMIT_BYTES: u64 = 64 * 1024;

/// What compiling takes beside what grows with the component: the process, and a stack for each worker thread.
const MEMORY_BASE_MIB: u64 = 64;

/// What compiling takes for each byte of the component. With two processors, 20 were measured at the peak for Python
/// and 27 after the end for StarlingMonkey; more processors take more.
const MEMORY_PER_WASM_BYTE: u64 = 28;

/// How to start the process that compiles.
///
/// The child gets the component on its stdin and the file to make as its last argument. It calls
/// [`compile_to_file`](crate::compile_to_file), and on failure writes why to stderr, for the user to read as it is, and
/// exits with [`CacheError::exit_status`]; with any other than 0 where it does not get as far.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program: usually the host itself.
    pub program: PathBuf,
    /// Its arguments, before the file to make.
    pub args: Vec<OsString>,
}

impl ChildCompiler {
    /// Has `wasm` compiled into `out`.
    ///
    /// # Cancel safety
    ///
    /// The child is killed when the future is dropped, and can leave a partial file.
    pub(crate) async fn compile(&self, wasm: &[u8], out: &Path) -> Result<(), CacheError> {
        let (status, message) = self.run(wasm, out).await.map_err(|source| CacheError::Child {
            program: self.program.clone(),
            source,
        })?;
        if let Some(signal) = status.signal() {
            return Err(CacheError::Killed {
                signal,
                memory_mib: memory_mib(wasm.len()),
                message,
            });
        }
        match status.code().map(u8::try_from) {
            Some(Ok(0)) if message.is_empty() => Ok(()),
            Some(Ok(0)) => {
                tracing::debug!(message, "the compiler had something to say");
                Ok(())
            }
            Some(Ok(REFUSED)) => Err(CacheError::Compile { message }),
            Some(Ok(UNWRITTEN)) => Err(CacheError::Unwritable {
                path: out.parent().unwrap_or(out).to_owned(),
                source: io::Error::other(message),
            }),
            _ => Err(CacheError::Failed { status, message }),
        }
    }

    async fn run(&self, wasm: &[u8], out: &Path) -> io::Result<(ExitStatus, String)> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .arg(out)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        // Together, since a child that waits for room in one pipe does not serve the other.
        let ((), message, status) = tokio::join!(feed(stdin, wasm), listen(stderr), child.wait());
        Ok((status?, message?))
    }
}

/// Writes the component to the child and closes its stdin.
async fn feed(stdin: Option<ChildStdin>, wasm: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A child that goes before it has read everything says why by its status.
        let _ = stdin.write_all(wasm).await;
    }
}

/// Reads to the end, so that the child can always write, but keeps the beginning only.
async fn listen(stderr: Option<ChildStderr>) -> io::Result<String> {
    let Some(mut stderr) = stderr else {
        return Ok(String::new());
    };
    let mut kept = Vec::new();
    (&mut stderr).take(STDERR_LIMIT_BYTES).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&kept).trim().to_owned())
}

fn memory_mib(wasm_bytes: usize) -> u64 {
    MEMORY_BASE_MIB
        + (wasm_bytes as u64)
            .saturating_mul(MEMORY_PER_WASM_BYTE)
            .div_ceil(1024 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{component, shell, this_binary};
    use std::fs;

    async fn failure(script: &str, wasm: &[u8]) -> CacheError {
        shell(script)
            .compile(wasm, Path::new("/nonexistent/out"))
            .await
            .unwrap_err()
    }

    // ---- success ----

    #[tokio::test]
    async fn the_component_arrives_on_stdin_and_the_file_is_the_last_argument() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let wasm = vec![7; 1_000_000];
        shell("cat > \"$0\"; echo ignored; echo a warning >&2")
            .compile(&wasm, &out)
            .await
            .unwrap();
        assert!(fs::read(&out).unwrap() == wasm);
    }

    // ---- failure ----

    #[tokio::test]
    async fn what_a_child_says_of_a_component_that_it_refuses_is_the_error_as_it_is() {
        let error = failure("printf 'error: no good\\n  because of this\\n' >&2; exit 3", b"").await;
        assert!(matches!(error, CacheError::Compile { .. }));
        assert_eq!(error.to_string(), "error: no good\n  because of this");
    }

    #[tokio::test]
    async fn a_child_that_fails_otherwise_does_not_blame_the_component() {
        for (script, text) in [
            ("exit 1", "the compiler failed: exit status: 1"),
            ("echo lost >&2; exit 101", "the compiler failed: exit status: 101\nlost"),
        ] {
            let error = failure(script, b"").await;
            assert!(matches!(error, CacheError::Failed { .. }), "{error:?}");
            assert_eq!(error.to_string(), text);
        }
    }

    #[tokio::test]
    async fn a_child_that_fails_without_reading_is_heard() {
        let error = failure("echo no good >&2; exit 3", &vec![0; 4_000_000]).await;
        assert_eq!(error.to_string(), "no good");
    }

    #[tokio::test]
    async fn only_the_beginning_of_endless_complaints_is_kept() {
        let error = failure("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 3", b"").await;
        assert_eq!(error.to_string().len() as u64, STDERR_LIMIT_BYTES);
    }

    #[tokio::test]
    async fn a_killed_child_is_told_apart_and_says_how_much_memory_it_may_need() {
        let error = failure("cat > /dev/null; kill -9 $$", &vec![0; 18_400_000]).await;
        assert!(
            matches!(
                error,
                CacheError::Killed {
                    signal: 9,
                    memory_mib: 556,
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let compiler = ChildCompiler {
            program: "/nonexistent/compiler".into(),
            args: Vec::new(),
        };
        let error = compiler.compile(b"", Path::new("/out")).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot run the compiler /nonexistent/compiler");
    }

    #[tokio::test]
    async fn a_real_child_says_what_is_wrong_with_the_component() {
        let root = tempfile::tempdir().unwrap();
        let error = this_binary()
            .compile(b"not wasm", &root.path().join("x.tmp-x"))
            .await
            .unwrap_err();
        assert!(
            error.to_string().starts_with("cannot compile the component: "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_file_that_there_is_no_room_for_is_removed_by_the_child_and_the_reason_named() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("x.tmp-x");
        // A limit on the size of files fails as a full disk does, in the middle of the file.
        let inner = this_binary();
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
        let args = ["-c", script, "sh"]
            .map(OsString::from)
            .into_iter()
            .chain([inner.program.into()])
            .chain(inner.args);
        let compiler = ChildCompiler {
            program: "/bin/sh".into(),
            args: args.collect(),
        };
        let error = compiler.compile(&component(1), &out).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot keep compiled code in {}", root.path().display())
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.starts_with(&format!("cannot write {}: File too large", out.display())),
            "{cause}"
        );
        assert!(!out.exists());
    }
}
