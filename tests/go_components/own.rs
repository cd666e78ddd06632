//! A package of a user's own, `tests/go-own`: below the root of its module, which has packages beside it, embeds a file, and
//! replaces another module by a folder.

use dapr_wasm_tests::{Launch, built};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The sources, and where what is made of them is kept and installed.
struct Workshop(TempDir);

impl Workshop {
    fn open() -> Self {
        let workshop = Self(TempDir::new().unwrap());
        built::copy(&built::repository().join("tests/go-own"), &workshop.path("sources"));
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("sources").join(name), text).unwrap();
    }

    /// What `components build` says of a folder of the sources.
    fn build(&self, folder: &str) -> String {
        let built = Command::new(built::binary())
            .args(["components", "build"])
            .arg(self.path("sources").join(folder))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            // Else all of components-contrib would be compiled.
            .env("GOCACHE", built::cache_home().join("dapr-wasm/go/compiled"))
            .output()
            .unwrap();
        let said = String::from_utf8(built.stderr).unwrap();
        assert!(built.status.success(), "{said}");
        said
    }

    /// What an app reads in the store that is installed.
    fn read(&self, kind: &str) -> String {
        let host = Launch::guest("kv")
            .env("XDG_DATA_HOME", self.path("data").to_str().unwrap())
            .components(&format!("[state.statestore]\ntype = \"{kind}\"\n"))
            .start();
        host.get("/any").text()
    }
}

const WAS_BUILT: &str = "was built before";

#[test]
fn a_package_below_its_modules_root_is_built_anew_when_anything_that_it_is_made_of_changes() {
    let workshop = Workshop::open();
    let build = || workshop.build("module/stores/answering");
    assert!(!build().contains(WAS_BUILT));
    assert_eq!(workshop.read("answering"), "hello world");

    // At once, since each build is compiled for its settings; each alone is another name to the crate's own tests.
    workshop.write("module/internal/words/words.txt", "moon");
    workshop.write(
        "greetings/greetings.go",
        "package greetings\n\nconst Greeting = \"good night\"\n",
    );
    assert!(!build().contains(WAS_BUILT));
    assert_eq!(workshop.read("answering"), "good night moon");

    workshop.write("module/internal/words/words_test.go", "package words\n");
    assert!(build().contains(WAS_BUILT));
    assert_eq!(workshop.read("answering"), "good night moon");
}

#[test]
fn a_folder_without_a_module_is_built_with_what_it_embeds() {
    let workshop = Workshop::open();
    let sources = workshop.path("sources");
    fs::create_dir_all(sources.join("embedding/texts")).unwrap();
    fs::copy(
        sources.join("module/internal/words/words.txt"),
        sources.join("embedding/texts/words.txt"),
    )
    .unwrap();
    let store = fs::read_to_string(sources.join("module/stores/answering/store.go")).unwrap();
    let store = store
        .replace(
            "\t\"example.org/greetings\"\n\t\"example.org/own/v2/internal/words\"\n",
            "\t_ \"embed\"\n",
        )
        .replace(
            "greetings.Greeting + \" \" + strings.TrimSpace(words.Text)",
            "strings.TrimSpace(words)",
        )
        + "\n//go:embed texts/words.txt\nvar words string\n";
    workshop.write("embedding/store.go", &store);
    workshop.build("embedding");
    assert_eq!(workshop.read("embedding"), "world");
}
