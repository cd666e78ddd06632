//! What a host says that watches what it serves.

use crate::apps::{self, apps};
use crate::doctor::write_program;
use crate::golden::assert_printed;
use crate::situations::{IN_MEMORY, launch};
use dapr_wasm_tests::{Host, Launch, PATIENCE, component};
use serde_json::Value;

/// What begins the part that is compared.
const WATCHING: &str = "watching ";

/// A change of the file, and the end of what is said of it.
fn written(host: &Host, bytes: &[u8], end: &str) {
    let before = host.stderr().lines_with(end).len();
    let (file, new) = (host.folder().join("counter.wasm"), host.folder().join("new"));
    std::fs::write(&new, bytes).expect("the folder is writable");
    std::fs::rename(&new, &file).expect("the folder is writable");
    dapr_wasm_tests::until(end, PATIENCE, || {
        (host.stderr().lines_with(end).len() > before).then_some(())
    });
}

#[test]
fn a_host_says_what_it_takes_and_what_it_does_not() {
    let launch = launch("counter.wasm").components(IN_MEMORY).option("--watch");
    let mut host = launch.start();
    host.wait_for_log(WATCHING);
    let app = |name: &str| std::fs::read(apps().join(name)).expect("it was made");
    let other = component::noted(&app("counter.wasm"), "other");
    written(&host, &other, "serving what was read at ");
    written(&host, &app("cut-off.wasm"), "still serving what was read at ");
    written(&host, &app("library.wasm"), "still serving what was read at ");
    written(&host, &app("needs-everything.wasm"), "still serving what was read at ");
    written(&host, &other, "it is the same app: ");
    host.terminate();
    host.wait(PATIENCE);
    let text = host.stderr().text();
    let (_, told) = text.split_once(WATCHING).expect("it was waited for");
    let lines = told.lines().filter(|line| !line.starts_with("compil"));
    let lines: String = lines.map(|line| without_time(line) + "\n").collect();
    assert_printed(&format!("{WATCHING}{lines}"), "run/watching.stderr");
}

/// The build after a change is a process of its own, which speaks as the host does.
#[test]
fn as_json_all_that_is_said_of_a_build_is_too() {
    apps::make();
    let launch = Launch::file("orders").components(IN_MEMORY).option("--watch").in_json();
    let folder = launch.folder().to_owned();
    let make = "/bin/mkdir -p build node_modules && /bin/cp ../app.wasm build/app.wasm";
    write_program(&folder.join("bin/npm"), make);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("the folder is writable");
    std::fs::create_dir(folder.join("orders")).expect("the folder is writable");
    write("orders/package.json", br#"{ "scripts": { "build": "make" } }"#);
    let app = std::fs::read(apps().join("counter.wasm")).expect("it was made");
    write("app.wasm", &app);
    let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
    let mut host = launch.env("PATH", &path).start();
    host.wait_for_log(WATCHING);
    write("app.wasm", &component::noted(&app, "other"));
    write("orders/app.js", b"// other\n");
    host.wait_for_log("serving what was built at ");
    // One that fails, and says why.
    write("orders/package.json", b"{}");
    host.wait_for_log("still serving what was built at ");
    host.terminate();
    host.wait(PATIENCE);
    let lines = host.stderr().lines();
    let objects = lines.iter().map(|line| serde_json::from_str::<Value>(line));
    let objects: Vec<_> = objects
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {lines:#?}"));
    let said = |message: &str| objects.iter().filter(|object| object["message"] == message).count();
    assert_eq!(said("orders: npm run build …"), 2, "{lines:#?}");
    assert_eq!(said("`orders/package.json` has no script `build`"), 1, "{lines:#?}");
}

/// A line without the time of the day.
fn without_time(line: &str) -> String {
    match line.split_once(" read at ") {
        Some((before, _)) => format!("{before} read at TIME"),
        None => line.to_owned(),
    }
}
