//! The apps of the cases: what is in `apps` as text, made into binaries beside it, and some guests.

use crate::folder;
use dapr_wasm_tests::built;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The bytes of `needs-state.wasm` that arrived in `cut-off.wasm`: some of its import section.
const ARRIVED: usize = 100;

/// The folder of the apps.
pub(crate) fn apps() -> PathBuf {
    folder().join("apps")
}

/// Makes the apps, once.
pub(crate) fn make() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let entries = std::fs::read_dir(apps())
            .expect("the apps are there")
            .map(|entry| entry.expect("it is readable"));
        for text in entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "wat"))
        {
            let binary = wat::parse_file(&text).unwrap_or_else(|error| panic!("{error}"));
            write(&text.with_extension("wasm"), &binary);
        }
        let whole = std::fs::read(apps().join("needs-state.wasm")).expect("it was just written");
        write(&apps().join("cut-off.wasm"), &whole[..ARRIVED]);
        write(&apps().join("empty.wasm"), b"");
        write(&apps().join("machine-code.wasm"), b"\x7fELF\x02\x01\x01\0");
        for guest in ["counter", "fan-in", "hostile", "hostile-store", "store-memory"] {
            copy(&built::guest(guest), guest);
        }
        for module in ["plugin-command", "plugin-reactor", "reactor-p1"] {
            copy(&built::core_module(module), module);
        }
    });
}

fn copy(file: &Path, name: &str) {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    write(&apps().join(name).with_extension("wasm"), &bytes);
}

/// Writes a file in one go, since another run of these tests may be reading it.
fn write(path: &Path, bytes: &[u8]) {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, bytes)
        .and_then(|()| std::fs::rename(&new, path))
        .unwrap_or_else(|error| panic!("{path:?}: {error}"));
}
