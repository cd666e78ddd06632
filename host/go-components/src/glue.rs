//! The glue's own tests, in Go: they run natively, with the drivers that components-contrib links.

use crate::folder::Folder;
use crate::{Go, Recipe};

/// The tests, by where they stand in the module that a component is built from, and what takes the place of the two packages
/// that need a host.
const FILES: [(&str, &str); 5] = [
    ("failure/failure_test.go", include_str!("../tests/glue/failure_test.go")),
    ("store/errors_test.go", include_str!("../tests/glue/errors_test.go")),
    ("store/keys_test.go", include_str!("../tests/glue/keys_test.go")),
    ("serve", include_str!("../tests/glue/serve.go")),
    ("wasi_logging_logging", include_str!("../tests/glue/logging.go")),
];

#[test]
fn what_an_app_hears_of_a_failure_is_what_was_done_and_nothing_of_the_host() {
    let go = Go::find().unwrap();
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::new(parent.path()).unwrap();
    let recipe = Recipe::known("state.zookeeper", None).unwrap();
    folder.fill(&go, &recipe).unwrap();
    let module = folder.module();
    for (name, text) in FILES {
        let path = module.join(name);
        let file = if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
            path.join("instead.go")
        } else {
            path
        };
        std::fs::write(file, text).unwrap();
    }
    let output = go
        .command(&module)
        .args(["test", "-vet=off", "-ldflags=-checklinkname=0", "./failure", "./store"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
}
