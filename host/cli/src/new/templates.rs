//! The files of each project. They are those of the examples, so that what is tested there is what users begin with.

use super::Language;

/// A file of the repository, by its path from the root.
macro_rules! of {
    ($path:literal) => {
        include_str!(concat!("../../../../", $path))
    };
}

/// What an example is called, where its files say so.
const NAME: &str = "counter";

/// A file's path in the project, and its text.
type File = (&'static str, String);

/// The files of a project of this name.
pub(super) fn files(language: Language, name: &str) -> Vec<File> {
    let mut files: Vec<File> = texts(language)
        .iter()
        .map(|(path, text)| (*path, (*text).to_owned()))
        .collect();
    files.push((".gitignore", ignored(language).to_owned()));
    for (path, text) in &mut files {
        if named(language, path) {
            *text = text.replace(NAME, name);
        }
    }
    if language == Language::Rust {
        files.push(("Cargo.toml", cargo_toml(name)));
    }
    files
}

/// Whether the tools of a language read the WIT from the project.
pub(super) fn needs_wit(language: Language) -> bool {
    language != Language::Go
}

/// Whether a file has the app's name in it.
fn named(language: Language, path: &str) -> bool {
    match language {
        Language::Rust => false,
        Language::Ts => path == "package.json",
        Language::Python => false,
        // The module's name stands before those of its packages.
        Language::Go => path == "go.mod" || path == "main.go",
    }
}

fn texts(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust => &[
            ("src/addition.rs", of!("guest-examples/counter/src/addition.rs")),
            ("src/failure.rs", of!("guest-examples/counter/src/failure.rs")),
            ("src/http.rs", of!("guest-examples/counter/src/http.rs")),
            ("src/lib.rs", of!("guest-examples/counter/src/lib.rs")),
            ("src/percent.rs", of!("guest-examples/counter/src/percent.rs")),
            (
                "src/state_defaults.rs",
                of!("guest-examples/counter/src/state_defaults.rs"),
            ),
            ("src/state_error.rs", of!("guest-examples/counter/src/state_error.rs")),
            (".cargo/config.toml", of!("guest-examples/.cargo/config.toml")),
        ],
        Language::Ts => &[
            ("package.json", of!("guest-examples/typescript/counter/package.json")),
            ("tsconfig.json", of!("guest-examples/typescript/counter/tsconfig.json")),
            ("src/app.ts", of!("guest-examples/typescript/counter/src/app.ts")),
            ("src/status.ts", of!("guest-examples/typescript/counter/src/status.ts")),
            ("src/dapr.ts", of!("sdk/typescript/dapr.ts")),
        ],
        Language::Python => &[
            ("app.py", of!("guest-examples/python/counter/app.py")),
            (
                "requirements.txt",
                of!("guest-examples/python/counter/requirements.txt"),
            ),
            ("dapr.py", of!("sdk/python/dapr.py")),
            ("wasi_wsgi.py", of!("sdk/python/wasi_wsgi.py")),
        ],
        Language::Go => &[
            ("go.mod", of!("guest-examples/go/counter/go.mod")),
            ("main.go", of!("guest-examples/go/counter/main.go")),
            ("dapr/dapr.go", of!("sdk/go/dapr/dapr.go")),
            ("wasihttp/wasihttp.go", of!("sdk/go/wasihttp/wasihttp.go")),
        ],
    }
}

/// The manifest: the example's, and the profile of its workspace.
fn cargo_toml(name: &str) -> String {
    const PACKAGE: &str = of!("guest-examples/counter/Cargo.toml");
    const WORKSPACE: &str = of!("guest-examples/Cargo.toml");
    let (_, profile) = WORKSPACE.split_once("\n# What an app").unwrap_or_default();
    let package = PACKAGE.replace(&format!("name = \"{NAME}\""), &format!("name = \"{name}\""));
    format!("{package}\n# What an app{profile}")
}

/// What builds leave behind, and what the host keeps by itself.
fn ignored(language: Language) -> &'static str {
    match language {
        Language::Rust => "/target/\n/.dapr-wasm/\n",
        Language::Ts => "/build/\n/node_modules/\n/.dapr-wasm/\n",
        Language::Python => "/build/\n/vendor/\n/.venv/\n__pycache__/\n/.dapr-wasm/\n",
        Language::Go => "/build/\n/bindings/\n/.dapr-wasm/\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    fn text(language: Language, path: &str) -> String {
        let files = files(language, "orders");
        let found = files.into_iter().find(|(found, _)| *found == path);
        found.map(|(_, text)| text).unwrap_or_default()
    }

    #[test]
    fn a_project_has_its_name_where_its_tools_read_it() {
        assert!(text(Language::Rust, "Cargo.toml").starts_with("[package]\nname = \"orders\"\n"));
        assert!(text(Language::Rust, "Cargo.toml").contains("\n[profile.release]\n"));
        assert!(text(Language::Ts, "package.json").contains("\"name\": \"orders\""));
        assert!(text(Language::Go, "go.mod").starts_with("module orders\n"));
        assert!(text(Language::Go, "main.go").contains("\"orders/dapr\""));
    }

    #[test]
    fn no_file_is_a_link_that_was_not_followed() {
        for language in Language::value_variants() {
            for (path, text) in files(*language, "orders") {
                assert!(text.ends_with('\n'), "{path}: {text}");
            }
        }
    }
}
