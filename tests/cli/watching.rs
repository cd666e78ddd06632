//! What a host says that watches what it serves.

use crate::apps::apps;
use crate::golden::assert_printed;
use crate::situations::{IN_MEMORY, launch};
use dapr_wasm_tests::{Host, PATIENCE, component};

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

/// A line without the time of the day.
fn without_time(line: &str) -> String {
    match line.split_once(" read at ") {
        Some((before, _)) => format!("{before} read at TIME"),
        None => line.to_owned(),
    }
}
