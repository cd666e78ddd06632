//! The certificates that the system trusts, for providers and apps that reach servers: a guest brings a TLS library, and no list
//! of whom to trust.
//!
//! A guest gets folders and not files, so the system's bundle is copied into a folder that has nothing else, made when it is
//! first needed and removed with the last clone. A process that is killed leaves it behind.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// Where a guest finds them: where Debian has them, so that a library that looks there needs no variable.
const GUEST_FOLDER: &str = "/etc/ssl/certs";
const GUEST_FILE: &str = "ca-certificates.crt";

/// By which libraries are told of a bundle, by a user or by this host.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Where systems have the bundle.
const PLACES: [&str; 6] = [
    // Debian, Ubuntu, Arch, Gentoo, NixOS
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",
    // OpenSUSE
    "/etc/ssl/ca-bundle.pem",
    // Newer RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    // Alpine, macOS
    "/etc/ssl/cert.pem",
    // FreeBSD
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The system's certificates, copied at first use. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Roots(Arc<OnceLock<Option<TempDir>>>);

impl Roots {
    /// Lets the instance that is built read them, and tells it where they are, unless its environment does. Where the system
    /// has none, it gets none.
    pub(crate) fn give(&self, wasi: &mut WasiCtxBuilder, env: &[(String, String)]) {
        let Some(folder) = self.0.get_or_init(copied) else {
            return;
        };
        match wasi.preopened_dir(folder.path(), GUEST_FOLDER, FsPerms::ReadOnly) {
            Ok(_) if env.iter().any(|(name, _)| name == VARIABLE) => {}
            Ok(_) => {
                wasi.env(VARIABLE, format!("{GUEST_FOLDER}/{GUEST_FILE}"));
            }
            Err(error) => {
                tracing::warn!(%error, "guests do not get the system's certificates: their copy is not readable")
            }
        }
    }
}

fn copied() -> Option<TempDir> {
    let Some(bundle) = bundle(std::env::var_os(VARIABLE), &PLACES) else {
        tracing::debug!("the system has no certificates for guests to trust");
        return None;
    };
    match copy(&bundle) {
        Ok(folder) => Some(folder),
        Err(error) => {
            let bundle = bundle.display();
            tracing::warn!(%error, "guests do not get the certificates of {bundle}: they cannot be copied");
            None
        }
    }
}

/// What the user names, or else the first that is there.
fn bundle(named: Option<OsString>, places: &[&str]) -> Option<PathBuf> {
    let named = named.filter(|named| !named.is_empty()).map(PathBuf::from);
    named.or_else(|| places.iter().map(PathBuf::from).find(|place| place.is_file()))
}

fn copy(bundle: &Path) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("dapr-wasm-roots-").tempdir()?;
    // Read and written, since copying would copy the file's permissions, too.
    std::fs::write(folder.path().join(GUEST_FILE), std::fs::read(bundle)?)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_names_comes_before_the_systems_own() {
        let folder = tempfile::tempdir().unwrap();
        let (absent, own) = (folder.path().join("absent.pem"), folder.path().join("own.pem"));
        std::fs::write(&own, "own").unwrap();
        let places = [absent.to_str().unwrap(), own.to_str().unwrap()];
        assert_eq!(bundle(None, &places), Some(own.clone()));
        assert_eq!(bundle(Some("".into()), &places), Some(own.clone()));
        assert_eq!(bundle(Some("/mine.pem".into()), &places), Some("/mine.pem".into()));
        assert_eq!(bundle(None, &places[..1]), None);
    }

    #[test]
    fn the_copy_has_nothing_beside_it_and_goes_with_the_last_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle.pem");
        std::fs::write(&bundle, "certificates").unwrap();
        let roots = Roots::default();
        roots.0.set(Some(copy(&bundle).unwrap())).unwrap();
        let other = roots.clone();
        let copied = other.0.get().unwrap().as_ref().unwrap().path().to_owned();
        drop(roots);
        let names: Vec<_> = std::fs::read_dir(&copied)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [GUEST_FILE]);
        assert_eq!(std::fs::read(copied.join(GUEST_FILE)).unwrap(), b"certificates");
        drop(other);
        assert!(!copied.exists());
    }
}
