//! The files that `cargo xtask test` builds before it runs the tests: guests and the binary.
//!
//! One that is not there fails the test that needs it. It is not built here, since tests run at the same time and each
//! would build it; nor is the test skipped, since what was skipped would count as passed.

use std::path::{Path, PathBuf};

/// Where the guests of one kind are built: the folder of their workspace and their target.
const PLACES: [(&str, &str); 3] = [
    ("guest-examples", "wasm32-wasip2"),
    ("tests/guests", "wasm32-wasip2"),
    // Core modules. Last, since a guest that is built for both is meant as a component unless it says otherwise.
    ("tests/guests", "wasm32-wasip1"),
];

/// The component of a guest, whichever workspace it lives in.
pub fn guest(name: &str) -> PathBuf {
    first(name, &PLACES)
}

/// The core module of a guest, for WASI preview 1.
pub fn core_module(name: &str) -> PathBuf {
    first(name, &PLACES[2..])
}

fn first(name: &str, places: &[(&str, &str)]) -> PathBuf {
    let path = |(workspace, target): &(&str, &str)| {
        let folder = repository().join(workspace).join("target").join(target).join("release");
        // A library's file has underscores, a program's keeps its name.
        [
            folder.join(format!("{}.wasm", name.replace('-', "_"))),
            folder.join(format!("{name}.wasm")),
        ]
    };
    let paths: Vec<_> = places.iter().flat_map(path).collect();
    match paths.iter().find(|path| path.is_file()) {
        Some(found) => found.clone(),
        None => panic!("there is no guest `{name}` (looked for {paths:?}): run cargo xtask test"),
    }
}

/// The host's own binary: the one that `DAPR_WASM_HOST` names, else that of the build to which these tests belong.
pub fn binary() -> PathBuf {
    let path = match std::env::var_os("DAPR_WASM_HOST") {
        Some(path) => path.into(),
        None => profile_folder().join("dapr-wasm"),
    };
    assert!(path.is_file(), "there is no {}: run cargo xtask test", path.display());
    path
}

/// `$XDG_CACHE_HOME` of all hosts under test, so that each guest is compiled once and not once a test.
pub fn cache_home() -> PathBuf {
    let profile = profile_folder();
    let path = profile.parent().unwrap_or(&profile).join("test-cache");
    std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot create {}: {error}", path.display()));
    path
}

/// `$XDG_DATA_HOME` of hosts that use Dapr's own components, which `cargo xtask test` has built into it.
pub fn data_home() -> PathBuf {
    let profile = profile_folder();
    profile.parent().unwrap_or(&profile).join("test-data")
}

/// The file of one of Dapr's own components: `state.redis`.
pub fn dapr_component(kind: &str) -> PathBuf {
    let path = data_home().join("dapr-wasm/components").join(format!("{kind}.wasm"));
    assert!(path.is_file(), "there is no {}: run cargo xtask test", path.display());
    path
}

/// Dapr's own code for the same stores as a native program, `tests/native-go`.
pub fn native() -> PathBuf {
    let profile = profile_folder();
    let path = profile.parent().unwrap_or(&profile).join("native-go");
    assert!(path.is_file(), "there is no {}: run cargo xtask test", path.display());
    path
}

/// What `cargo xtask test` makes in a language, if the language's tools are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Its component.
    Built(PathBuf),
    /// Tools of its language are not on this machine: these.
    NoTools(String),
}

/// The provider in a language, of `tests/providers/LANGUAGE`.
pub fn provider(language: &str) -> Guest {
    in_language("providers", language, language)
}

/// The example `name` in a language: in Rust as any guest, else of `guest-examples/LANGUAGE/NAME`.
pub fn app(language: &str, name: &str) -> Guest {
    match language {
        "rust" => Guest::Built(guest(name)),
        _ => in_language("apps", language, &format!("{language}-{name}")),
    }
}

/// A component that was written for another host, of `tests/others`.
///
/// # Panics
///
/// If it is in Rust and not there.
pub fn other(language: &str, name: &str) -> Guest {
    match language {
        "rust" => {
            let profile = profile_folder();
            let folder = profile.parent().unwrap_or(&profile).join("others");
            let path = folder.join(format!("{name}.wasm"));
            assert!(path.is_file(), "there is no {}: run cargo xtask test", path.display());
            Guest::Built(path)
        }
        _ => in_language("others", language, name),
    }
}

fn in_language(kind: &str, language: &str, name: &str) -> Guest {
    let profile = profile_folder();
    let folder = profile.parent().unwrap_or(&profile).join(kind);
    let path = folder.join(format!("{name}.wasm"));
    match std::fs::read_to_string(folder.join(format!("{language}.no-tools"))) {
        Ok(lacking) => Guest::NoTools(lacking),
        Err(_) if path.is_file() => Guest::Built(path),
        Err(_) => panic!("there is no {}: run cargo xtask test", path.display()),
    }
}

impl Guest {
    /// The component, if there is one. Whoever gets none has nothing to test, and has said so.
    ///
    /// # Panics
    ///
    /// If there is none and `CI` is set, where all languages have to be there.
    pub fn if_built(self, language: &str) -> Option<PathBuf> {
        match self {
            Self::Built(path) => Some(path),
            Self::NoTools(lacking) => {
                assert!(std::env::var_os("CI").is_none(), "{language}: {lacking}");
                eprintln!("nothing is tested in {language}: {lacking}");
                None
            }
        }
    }
}

/// `target/debug`: the test itself is `target/debug/deps/NAME-HASH`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the system knows which program runs");
    test.ancestors()
        .nth(2)
        .expect("a test lies two folders deep in its build")
        .to_owned()
}

/// Copies a folder to one that is not there yet, and what links in it lead to: sources that a test changes or builds.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("the folder is writable");
    for entry in std::fs::read_dir(from).expect("it is a folder") {
        let entry = entry.expect("it is readable");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => _ = std::fs::copy(&from, &to).expect("it is a file"),
        }
    }
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}
