//! The files of each app. They are those of the examples, so that what is tested there is what users begin with.

use super::Language;

/// A file of the repository, by its path from the root.
macro_rules! of {
    ($path:literal) => {
        include_str!(concat!("../../../../", $path))
    };
}
pub(super) use of;

/// What the example is called, where its files say so.
const NAME: &str = "counter";

/// What stands before a module's name in Go. Without a dot in its first part a path is one of Go's own packages, today's or those
/// to come: `fmt`, `errors`. This domain is nobody's, and what Go's own tutorials have for a module that is not published.
pub(super) const GO_DOMAIN: &str = "example.com";

/// A file's path in the project, and its text.
pub(super) type File = (&'static str, String);

/// The same of an example.
pub(super) type Text = (&'static str, &'static str);

/// The files of a project of this name.
pub(super) fn files(language: Language, name: &str) -> Vec<File> {
    let mut files = as_they_are(texts(language));
    files.push((".gitignore", ignored(language).to_owned()));
    for (path, text) in &mut files {
        for (old, new) in renamed(language, path, name) {
            *text = text.replace(old, &new);
        }
    }
    if language == Language::Rust {
        let package = of!("guest-examples/counter/Cargo.toml");
        files.push(("Cargo.toml", cargo_toml(package, NAME, name)));
    }
    files
}

pub(super) fn as_they_are(texts: &[Text]) -> Vec<File> {
    let owned = |(path, text): &Text| (*path, (*text).to_owned());
    texts.iter().map(owned).collect()
}

/// Whether the tools of a language read the WIT from the project.
pub(super) fn needs_wit(language: Language) -> bool {
    language != Language::Go
}

/// What a file has of the example's name, and what it has in its place: no sentence that has the word.
fn renamed(language: Language, path: &str, name: &str) -> Vec<(&'static str, String)> {
    match (language, path) {
        (Language::Ts | Language::Js, "package.json") => {
            vec![("\"name\": \"counter\"", format!("\"name\": \"{name}\""))]
        }
        (Language::Go, "go.mod") => vec![("module counter\n", format!("module {GO_DOMAIN}/{name}\n"))],
        (Language::Go, "main.go") => vec![
            ("// Command counter ", format!("// Command {name} ")),
            ("\"counter/", format!("\"{GO_DOMAIN}/{name}/")),
        ],
        _ => Vec::new(),
    }
}

fn texts(language: Language) -> &'static [Text] {
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
            (".npmrc", of!("guest-examples/typescript/counter/.npmrc")),
            ("tsconfig.json", of!("guest-examples/typescript/counter/tsconfig.json")),
            ("src/app.ts", of!("guest-examples/typescript/counter/src/app.ts")),
            ("src/status.ts", of!("guest-examples/typescript/counter/src/status.ts")),
            ("src/dapr.ts", of!("sdk/typescript/dapr.ts")),
            ("src/wasi-http.ts", of!("sdk/typescript/wasi-http.ts")),
        ],
        Language::Js => &[
            ("package.json", of!("guest-examples/javascript/counter/package.json")),
            (".npmrc", of!("guest-examples/javascript/counter/.npmrc")),
            ("jsconfig.json", of!("guest-examples/javascript/counter/jsconfig.json")),
            ("src/app.js", of!("guest-examples/javascript/counter/src/app.js")),
            ("src/status.js", of!("guest-examples/javascript/counter/src/status.js")),
            ("src/dapr.ts", of!("sdk/typescript/dapr.ts")),
            ("src/wasi-http.ts", of!("sdk/typescript/wasi-http.ts")),
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
        Language::C => &[
            ("counter.c", of!("guest-examples/c/counter/counter.c")),
            ("http.c", of!("guest-examples/c/shared/http.c")),
            ("http.h", of!("guest-examples/c/shared/http.h")),
            ("text.c", of!("guest-examples/c/shared/text.c")),
            ("text.h", of!("guest-examples/c/shared/text.h")),
        ],
    }
}

/// The manifest of a package: the example's under this name, without its licence, which is not the user's; and the profile of its
/// workspace.
pub(super) fn cargo_toml(package: &str, example: &str, name: &str) -> String {
    const WORKSPACE: &str = of!("guest-examples/Cargo.toml");
    let (_, profile) = WORKSPACE.split_once("\n# What an app").unwrap_or_default();
    let package = package.replace(&format!("name = \"{example}\""), &format!("name = \"{name}\""));
    let package = package.replace("license = \"Apache-2.0\"\n", "");
    format!("{package}\n# What an app{profile}")
}

/// What builds leave behind, and what the host keeps by itself.
fn ignored(language: Language) -> &'static str {
    match language {
        Language::Rust => "/target/\n/.dapr-wasm/\n",
        Language::Ts | Language::Js => "/build/\n/node_modules/\n/.dapr-wasm/\n",
        Language::Python => "/build/\n/vendor/\n/.venv/\n__pycache__/\n/.dapr-wasm/\n",
        Language::Go | Language::C => "/build/\n/bindings/\n/.dapr-wasm/\n",
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
        for language in [Language::Ts, Language::Js] {
            assert!(text(language, "package.json").contains("\"name\": \"orders\""));
        }
        assert!(text(Language::Go, "go.mod").starts_with("module example.com/orders\n"));
        assert!(text(Language::Go, "main.go").starts_with("// Command orders counts"));
        assert!(text(Language::Go, "main.go").contains("\"example.com/orders/dapr\""));
    }

    #[test]
    fn a_sentence_is_as_the_example_has_it() {
        let sentence = "\"a counter takes GET and POST\"";
        assert!(text(Language::Go, "main.go").contains(sentence));
    }

    #[test]
    fn no_project_has_a_licence_that_nobody_chose() {
        assert!(!text(Language::Rust, "Cargo.toml").contains("license"));
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
