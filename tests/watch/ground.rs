//! What the claims stand on: an app's file that changes, and a project.

use dapr_wasm_tests::built::repository;
use dapr_wasm_tests::component::saying;
use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the host says once it looks.
pub(crate) const WATCHING: &str = "watching ";

/// What it says when new code has taken the place of the old.
pub(crate) const RENEWED: &str = "serving what was ";

/// A folder of a host with an app's file in it, which is watched.
pub(crate) struct App {
    pub(crate) file: PathBuf,
    pub(crate) launch: Launch,
}

impl App {
    /// With this component in it.
    pub(crate) fn of(component: &[u8]) -> Self {
        Self::launched(component, Launch::file("app.wasm"))
    }

    /// The same, with a configuration.
    pub(crate) fn with(component: &[u8], configuration: &str) -> Self {
        Self::launched(component, Launch::file("app.wasm").components(configuration))
    }

    fn launched(component: &[u8], launch: Launch) -> Self {
        let launch = launch.option("--watch");
        let app = Self {
            file: launch.folder().join("app.wasm"),
            launch,
        };
        app.write(component);
        app
    }

    /// Starts the host.
    pub(crate) fn start(&self) -> Host {
        let host = self.launch.start();
        host.wait_for_log(WATCHING);
        host
    }

    /// Puts another component there, as most tools do it: a new file that gets the name of the old.
    pub(crate) fn write(&self, component: &[u8]) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, component).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }

    /// The same, until it is served.
    pub(crate) fn replace(&self, host: &Host, component: &[u8]) {
        let before = renewals(host);
        self.write(component);
        until_renewed(host, before + 1);
    }
}

/// How often new code has taken the place of the old.
pub(crate) fn renewals(host: &Host) -> usize {
    let lines = host.stderr().lines();
    lines.iter().filter(|line| line.starts_with(RENEWED)).count()
}

/// Waits until that was so often.
pub(crate) fn until_renewed(host: &Host, times: usize) {
    until("new code to be served", PATIENCE, || {
        (renewals(host) >= times).then_some(())
    });
}

/// How often the host has said this.
pub(crate) fn said(host: &Host, text: &str) -> usize {
    host.stderr().lines_with(text).len()
}

/// Waits until it has said so as often.
pub(crate) fn until_said(host: &Host, text: &str, times: usize) {
    let what = format!("`{text}` to be said {times} times");
    until(&what, PATIENCE, || (said(host, text) >= times).then_some(()));
}

/// Where cargo and rustup keep what they have, which a host under test is not told.
const HOMES: [&str; 3] = ["HOME", "CARGO_HOME", "RUSTUP_HOME"];

/// A project in Rust whose app answers with a word. Its build waits for as long as there is a file `hold`, when all sources were
/// read: at what links. It leaves the number of its process in a file `build`.
pub(crate) struct Project {
    pub(crate) launch: Launch,
    folder: PathBuf,
    name: &'static str,
}

impl Project {
    /// Of this name, which no other has: it is what its `target` is called.
    pub(crate) fn named(name: &'static str, word: &str) -> Self {
        let launch = Launch::file(name).option("--watch");
        let folder = launch.folder().join(name);
        std::fs::create_dir_all(folder.join("src")).unwrap();
        // Of this test's own, and kept: what the project depends on takes a while.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watched").join(name);
        let homes = HOMES
            .into_iter()
            .filter_map(|name| Some((name, std::env::var(name).ok()?)));
        let launch = homes.fold(launch, |launch, (name, value)| launch.env(name, &value));
        let launch = launch.env("CARGO_TARGET_DIR", target.to_str().unwrap());
        let signs = launch.folder().to_str().unwrap().to_owned();
        let linker = launch.folder().join("link");
        std::fs::write(&linker, LINKER).unwrap();
        std::fs::set_permissions(&linker, Permissions::from_mode(0o755)).unwrap();
        let launch = launch.env("CARGO_TARGET_WASM32_WASIP2_LINKER", linker.to_str().unwrap());
        let project = Self {
            launch: launch.env("SIGNS", &signs),
            folder,
            name,
        };
        project.write("Cargo.toml", &MANIFEST.replace("NAME", name));
        let lock = repository().join("tests/guests/Cargo.lock");
        std::fs::copy(lock, project.folder.join("Cargo.lock")).unwrap();
        project.says(word);
        // Leaves the packages in it that this one needs, as its first build would.
        let mut cargo = Command::new("cargo");
        cargo
            .args(["metadata", "--format-version", "1"])
            .current_dir(&project.folder);
        assert!(cargo.output().unwrap().status.success(), "{cargo:?}");
        project
    }

    /// Builds what it depends on, which is not what is tested, and starts the host.
    pub(crate) fn start(&self) -> Host {
        let host = self.launch.start();
        host.wait_for_log(WATCHING);
        host
    }

    /// Has the app answer with another word once it is built.
    pub(crate) fn says(&self, word: &str) {
        self.write("src/lib.rs", &SOURCE.replace("WORD", word));
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder.join(path), text).unwrap();
    }

    /// What the host calls it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Has builds wait from now on.
    pub(crate) fn hold(&self) {
        let _ = std::fs::remove_file(self.sign("build"));
        std::fs::write(self.sign("hold"), "").unwrap();
    }

    /// Waits for a build that waits, and answers the number of its process.
    pub(crate) fn until_held(&self) -> u32 {
        until("a build", PATIENCE, || {
            let number = std::fs::read_to_string(self.sign("build")).ok()?;
            number.trim_end().parse().ok().filter(|_| number.ends_with('\n'))
        })
    }

    /// Lets builds go on.
    pub(crate) fn release(&self) {
        std::fs::remove_file(self.sign("hold")).unwrap();
    }

    fn sign(&self, name: &str) -> PathBuf {
        self.launch.folder().join(name)
    }
}

/// A new project for npm, which is one that does what the build needs: it installs nothing, writes down what, and makes an app.
pub(crate) struct Package {
    pub(crate) launch: Launch,
}

impl Package {
    pub(crate) fn new() -> Self {
        let launch = Launch::file("orders").option("--watch");
        let folder = launch.folder().to_owned();
        let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
        let package = Self {
            launch: launch.env("PATH", &path),
        };
        package.write("bin/npm", NPM);
        std::fs::set_permissions(folder.join("bin/npm"), Permissions::from_mode(0o755)).unwrap();
        package.write("orders/package.json", r#"{ "scripts": { "build": "make" } }"#);
        package.write("orders/src/app.js", "// one\n");
        std::fs::write(folder.join("app.wasm"), saying("hello")).unwrap();
        package
    }

    /// Writes a file in the folder of the host, which has the project's in `orders`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.launch.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

const NPM: &str = r#"#!/bin/sh
case "$1" in
install) mkdir node_modules && echo '{}' > package-lock.json && cp package-lock.json node_modules/.package-lock.json ;;
run) mkdir -p build && cp ../app.wasm build/app.wasm ;;
esac
"#;

const MANIFEST: &str = r#"[package]
name = "NAME"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
wasip2 = "1.0.4"

[workspace]
"#;

const LINKER: &str = r#"#!/bin/sh
if [ -e "$SIGNS/hold" ]; then echo $$ > "$SIGNS/build"; fi
while [ -e "$SIGNS/hold" ]; do sleep 0.01; done
exec wasm-component-ld "$@"
"#;

const SOURCE: &str = r#"use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Says;

wasip2::http::proxy::export!(Says);

impl Guest for Says {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if let Ok(stream) = body.write() {
            let _ = stream.blocking_write_and_flush(b"WORD");
        }
        let _ = OutgoingBody::finish(body, None);
    }
}
"#;
