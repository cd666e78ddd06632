//! The apps of the cases: what is in `apps` as text, made into binaries beside it, and some guests.

use crate::folder;
use dapr_wasm_tests::{built, component};
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
        install();
    });
}

/// `$XDG_DATA_HOME` of the cases.
pub(crate) fn data_home() -> PathBuf {
    apps().join("data")
}

/// What `components build` says of one that it made, but for the type.
const MADE_FROM: &str = r#""version":"v1","contrib":"v1.18.4","go":"go1.26.8","modules":[
    {"path":"github.com/dapr/components-contrib","version":"v1.18.4","licences":["Apache-2.0"]},
    {"path":"github.com/dapr/kit","version":"v0.18.2","licences":["Apache-2.0"]},
    {"path":"github.com/google/uuid","version":"v1.6.0","licences":["BSD-3-Clause"]}]"#;

const SETTINGS: &str = r#"[
    {"name":"databaseName","kind":"string","default":"daprStore"},
    {"name":"host","kind":"string"},
    {"name":"maxPoolSize","kind":"int"},
    {"name":"operationTimeout","kind":"duration","default":"5s","aliases":["timeoutInSeconds"]},
    {"name":"password","kind":"string"},
    {"name":"server","kind":"string","deprecated":true},
    {"name":"tls","kind":"bool"}]"#;

/// Installs two components: one that starts, and one that cannot.
fn install() {
    let folder = data_home().join("dapr-wasm/components");
    std::fs::create_dir_all(&folder).expect("the folder is writable");
    let world = "package test:test; world store {
        import wasi:io/poll@0.2.10;
        export dapr:state/provider@0.1.0;
    }";
    let store = std::fs::read(built::guest("store-memory")).expect("it was built");
    for (kind, component, settings) in [
        ("state.mongodb", component::empty(world), SETTINGS),
        ("state.memcached", store, r#"[{"name":"max-size","kind":"int"}]"#),
    ] {
        let made_from = format!("{{\"type\":\"{kind}\",{MADE_FROM}}}");
        let file = folder.join(format!("{kind}.wasm"));
        write(&file, &component::installed(&component, &made_from, settings));
    }
    write(&folder.join("state.mongodb.licences.txt"), b"");
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
