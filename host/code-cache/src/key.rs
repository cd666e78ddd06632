//! Names of files in the cache: which component, compiled how.
//!
//! A key is the SHA-256 of everything that the compiled code depends on, so a file is never stale: another component,
//! wasmtime, processor or setting has another name. The names also tell our files from all others:
//!
//! | name | what |
//! |---|---|
//! | `KEY.cwasm` | finished code, with KEY in 64 hexadecimal digits |
//! | `KEY.tmp-PID-RANDOM` | code that a child of process PID is writing |

use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use wasmtime::Engine;

/// How much is hashed before other tasks get their turn: half a millisecond's work on a slow machine.
const HASHED_AT_ONCE_BYTES: usize = 256 * 1024;

/// Identifies compiled code by all that went into it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of this component, compiled for this engine by this version of the crate.
    pub(crate) async fn of(engine: &Engine, wasm: &[u8]) -> Key {
        let mut digest = Sha256::new();
        for chunk in wasm.chunks(HASHED_AT_ONCE_BYTES) {
            digest.update(chunk);
            tokio::task::yield_now().await;
        }
        // The length closes the component, so that no bytes can count for either what is before or what follows.
        digest.update((wasm.len() as u64).to_le_bytes());
        engine.precompile_compatibility_hash().hash(&mut EveryByte(&mut digest));
        digest.update(env!("CARGO_PKG_VERSION"));
        Key(digest.finalize().into())
    }

    /// The name of the finished file.
    pub(crate) fn file_name(&self) -> String {
        format!("{self}.cwasm")
    }

    /// A new name for a file in the making, which no process in any container that shares the directory has in use.
    pub(crate) fn temporary_name(&self) -> String {
        format!("{self}.tmp-{}-{:016x}", std::process::id(), random())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a file in the directory is, going by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Finished code.
    Code,
    /// Code that a child is writing, or was when it died.
    Temporary,
}

impl Kind {
    /// `None` for a file that this cache did not make.
    pub(crate) fn of(name: &str) -> Option<Kind> {
        let (key, rest) = name.split_once('.')?;
        if !is_hex(key, 64) {
            return None;
        }
        if rest == "cwasm" {
            return Some(Kind::Code);
        }
        let (pid, random) = rest.strip_prefix("tmp-")?.split_once('-')?;
        (pid.parse::<u32>().is_ok() && is_hex(random, 16)).then_some(Kind::Temporary)
    }
}

/// Unpredictable bits, for names: std seeds each `RandomState` from the system and makes no two alike.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(())
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Lets a `Hash` feed a digest, since the 64 bits of std's hashers are too few to rest machine code on.
struct EveryByte<'a>(&'a mut Sha256);

impl Hasher for EveryByte<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not the result, which is in the digest; a `Hash` only writes.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Config;

    async fn key(wasm: &[u8]) -> Key {
        Key::of(&Engine::default(), wasm).await
    }

    #[tokio::test]
    async fn the_same_component_and_settings_have_the_same_key() {
        assert!(key(b"one").await == key(b"one").await);
    }

    #[tokio::test]
    async fn another_component_has_another_key() {
        assert!(key(b"one").await != key(b"two").await);
        assert!(key(b"").await != key(b"\0").await);
    }

    #[tokio::test]
    async fn an_engine_that_compiles_differently_has_another_key() {
        let other = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        assert!(key(b"one").await != Key::of(&other, b"one").await);
    }

    #[tokio::test]
    async fn our_names_are_recognised() {
        let key = key(b"one").await;
        assert_eq!(Kind::of(&key.file_name()), Some(Kind::Code));
        assert_eq!(Kind::of(&key.temporary_name()), Some(Kind::Temporary));
        assert_ne!(key.temporary_name(), key.temporary_name());
    }

    #[test]
    fn other_names_are_not_ours() {
        let hex = "0".repeat(64);
        for name in [
            "",
            "app.cwasm",
            "README",
            &hex,
            &format!("{hex}.wasm"),
            &format!("{hex}0.cwasm"),
            &format!("{}.cwasm", "F".repeat(64)),
            &format!("{hex}.cwasm.bak"),
            &format!("{hex}.tmp-1"),
            &format!("{hex}.tmp-x-0123456789abcdef"),
            &format!("{hex}.tmp-1-0123"),
        ] {
            assert_eq!(Kind::of(name), None, "{name}");
        }
    }
}
