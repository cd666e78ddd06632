//! The files of a state store of one's own: those of the example `store-memory` in its language.
//!
//! In Go it is a package with the interface of Dapr's components, which is how stores for Dapr are written in Go.

use super::Language;
use super::templates::{File, GO_DOMAIN, Text, as_they_are, cargo_toml, of};
use crate::failure::{Failure, Outcome};

/// What the examples are called, where their files say so.
const NAME: &str = "store-memory";

const RUST: &[Text] = &[
    ("src/etags.rs", of!("guest-examples/store-memory/src/etags.rs")),
    ("src/expiry.rs", of!("guest-examples/store-memory/src/expiry.rs")),
    ("src/items.rs", of!("guest-examples/store-memory/src/items.rs")),
    ("src/lib.rs", of!("guest-examples/store-memory/src/lib.rs")),
    ("src/listing.rs", of!("guest-examples/store-memory/src/listing.rs")),
    ("src/now.rs", of!("guest-examples/store-memory/src/now.rs")),
    ("src/settings.rs", of!("guest-examples/store-memory/src/settings.rs")),
    ("src/store.rs", of!("guest-examples/store-memory/src/store.rs")),
    (".cargo/config.toml", of!("guest-examples/.cargo/config.toml")),
    (".gitignore", "/target/\n/.dapr-wasm/\n"),
];

const GO: &[Text] = &[
    ("go.mod", of!("guest-examples/go/store-memory/go.mod")),
    ("go.sum", of!("guest-examples/go/store-memory/go.sum")),
    ("store.go", of!("guest-examples/go/store-memory/store.go")),
    (".gitignore", "/build/\n/.dapr-wasm/\n"),
];

/// The files of a project of this name.
pub(super) fn files(language: Language, name: &str) -> Outcome<Vec<File>> {
    match language {
        Language::Rust => {
            let mut files = as_they_are(RUST);
            let package = of!("guest-examples/store-memory/Cargo.toml");
            files.push(("Cargo.toml", cargo_toml(package, NAME, name)));
            files.push(("components.toml", rust_table(name)));
            Ok(files)
        }
        Language::Go => {
            let mut files = as_they_are(GO);
            for (_, text) in files.iter_mut().filter(|(path, _)| *path == "go.mod") {
                *text = text.replace(&format!("module {NAME}\n"), &format!("module {GO_DOMAIN}/{name}\n"));
            }
            files.push(("components.toml", go_table(name)));
            Ok(files)
        }
        other => Err(
            Failure::usage(format!("there is no template of a store in {}", other.name()))
                .help("there is one in Rust and in Go: --lang rust, --lang go")
                .help("docs/providers.md shows a store in JavaScript, Python and C"),
        ),
    }
}

/// What `conformance` has to be told of such a store, as its table tells it to hosts.
pub(super) fn options(language: Language) -> &'static str {
    match language {
        // The glue of Dapr's components takes all stores that it does not know for clients of a server.
        Language::Go => " --instances 1",
        _ => "",
    }
}

const USE: &str = "\
# How apps use this store: as the table that they name, here `statestore`. With an app in the folder `orders` beside this
# one, in this folder:
#
#     dapr-wasm run ../orders
#
# For an app with a components.toml of its own, copy the table there; the path begins at its folder.
";

fn rust_table(name: &str) -> String {
    // A crate's file has underscores.
    let file = name.replace('-', "_");
    format!(
        "{USE}\n[state.statestore]\ntype = \"wasm\"\ncomponent = \"target/wasm32-wasip2/release/{file}.wasm\"\n\
         # What `init` is told:\n# metadata = {{ max-size = \"1048576\" }}\n"
    )
}

fn go_table(name: &str) -> String {
    format!(
        "{USE}#\n# `dapr-wasm components build .` installs the store for this user, as `type = \"{name}\"`.\n\n\
         [state.statestore]\ntype = \"wasm\"\ncomponent = \"build/store.wasm\"\n\
         # What is stored lies in the instance: a second one would know nothing of it.\ninstances = 1\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(language: Language, path: &str) -> String {
        let files = files(language, "my-shelf").unwrap();
        let found = files.into_iter().find(|(found, _)| *found == path);
        found.map(|(_, text)| text).unwrap_or_default()
    }

    #[test]
    fn a_store_has_its_name_where_its_tools_read_it() {
        assert!(text(Language::Rust, "Cargo.toml").starts_with("[package]\nname = \"my-shelf\"\n"));
        assert!(!text(Language::Rust, "Cargo.toml").contains("license"));
        assert!(text(Language::Rust, "components.toml").contains("/release/my_shelf.wasm\"\n"));
        assert!(text(Language::Go, "go.mod").starts_with("module example.com/my-shelf\n"));
        assert!(text(Language::Go, "components.toml").contains("type = \"my-shelf\"`"));
    }

    #[test]
    fn a_language_without_a_template_is_refused_with_those_that_have_one() {
        let refused = files(Language::Python, "my-shelf").unwrap_err().to_string();
        assert!(refused.contains("--lang rust, --lang go"), "{refused}");
    }
}
