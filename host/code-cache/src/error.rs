//! What can go wrong between a component's bytes and its mapped code, sorted by what the caller does about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why code could not be cached, compiled or loaded.
///
/// `Display` prints one level; the causes are in [`source`](Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The directory cannot be created or written, as in a read-only home or on a full disk: go on with
    /// [`CodeCache::disabled`].
    ///
    /// [`CodeCache::disabled`]: crate::CodeCache::disabled
    #[error("cannot keep compiled code in {path}")]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Somebody else could have put code into the directory: the user must repair it or name another one.
    #[error("refusing to run compiled code from {path}: {reason}")]
    Refused {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: Untrusted,
    },

    /// The child refused the component.
    #[error("{message}")]
    Compile {
        /// What the child wrote to stderr, as it is but for the white space at its ends; at most 64 KiB.
        message: String,
    },

    /// The child failed, and not for the component's sake.
    #[error("the compiler failed: {status}{}", OnItsOwnLine(message))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it had written to stderr.
        message: String,
    },

    /// A signal ended the child, as the kernel does when memory runs out.
    #[error("the compiler was killed by signal {signal}{}{}", MemoryHint(*signal, *memory_mib), OnItsOwnLine(message))]
    Killed {
        /// The signal: 9 from the kernel when memory is short, 6 when an allocation failed.
        signal: i32,
        /// How much memory compiling may need, estimated from the size of the component.
        memory_mib: u64,
        /// What the child had written to stderr.
        message: String,
    },

    /// The child could not be started or waited for.
    #[error("cannot run the compiler {program}")]
    Child {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The child was content, but this engine does not take what it made: the component does not fit the pool that its
    /// instances come from, or the child is of another version.
    #[error("cannot load the compiled component")]
    Incompatible {
        /// What wasmtime said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The bytes are no component that this engine can compile. Only [`compile_to_file`] says so.
    ///
    /// [`compile_to_file`]: crate::compile_to_file
    #[error("cannot compile the component")]
    Component {
        /// What wasmtime said.
        source: Box<dyn Error + Send + Sync>,
    },

    /// A file could not be written: the disk is full, or fails. Only [`compile_to_file`] says so.
    ///
    /// [`compile_to_file`]: crate::compile_to_file
    #[error("cannot write {path}")]
    Write {
        /// The file, which has been removed again.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The async runtime is shutting down and takes no more work.
    #[error("the host is shutting down")]
    ShuttingDown,

    /// The directory, or a file in it, could not be read or removed.
    #[error("cannot read or remove compiled code in {path}")]
    Access {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl CacheError {
    /// The exit status by which a child tells its host whether the component is at fault, or the place for its code.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Component { .. } => REFUSED,
            Self::Write { .. } => UNWRITTEN,
            _ => 1,
        }
    }
}

/// The exit status of a child whose component does not compile. Rust's own, of a panic or an error of `main`, are others.
pub(crate) const REFUSED: u8 = 3;

/// The exit status of a child that cannot write what it compiled.
pub(crate) const UNWRITTEN: u8 = 4;

/// Why a directory or file may hold code that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// Another user owns it, and can write to it at any time.
    #[error("it belongs to user {owner}, and this process runs as user {user}")]
    Owner {
        /// The owner's user id.
        owner: u32,
        /// The user id that this process acts with.
        user: u32,
    },
    /// Its group or everybody may write to it. It is not repaired, since the harm may be done.
    #[error("users other than its owner may write to it (mode {mode:04o})")]
    Writable {
        /// The permission bits.
        mode: u32,
    },
    /// A file of compiled code that is no regular file.
    #[error("it is not a regular file")]
    NotAFile,
}

/// What to know about a signal that tells of too little memory.
struct MemoryHint(i32, u64);

impl fmt::Display for MemoryHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemoryHint(signal, mib) = self;
        match signal {
            6 | 9 => write!(
                f,
                ", perhaps for want of memory; compiling this component may need {mib} MiB"
            ),
            _ => Ok(()),
        }
    }
}

/// Nothing, or the text below the line before it.
struct OnItsOwnLine<'a>(&'a str);

impl fmt::Display for OnItsOwnLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "\n{}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn killed(signal: i32, message: &str) -> String {
        CacheError::Killed {
            signal,
            memory_mib: 524,
            message: message.into(),
        }
        .to_string()
    }

    #[test]
    fn a_refusal_names_the_directory_and_the_reason() {
        let path = PathBuf::from("/home/ann/.cache/dapr-wasm/code");
        let reason = Untrusted::Writable { mode: 0o777 };
        assert_eq!(
            CacheError::Refused { path, reason }.to_string(),
            "refusing to run compiled code from /home/ann/.cache/dapr-wasm/code: \
             users other than its owner may write to it (mode 0777)"
        );
    }

    #[test]
    fn a_killed_compiler_says_how_much_memory_it_may_need() {
        let first = "the compiler was killed by signal 9, perhaps for want of memory; compiling this component may need 524 MiB";
        assert_eq!(killed(9, ""), first);
        assert_eq!(killed(9, "out of it"), format!("{first}\nout of it"));
    }

    #[test]
    fn a_signal_that_has_nothing_to_do_with_memory_gives_no_such_advice() {
        assert_eq!(killed(2, ""), "the compiler was killed by signal 2");
    }
}
