//! A project that is built and served anew.

use crate::ground::{Package, Project, WATCHING, until_renewed, until_said};
use dapr_wasm_tests::{PATIENCE, until};
use std::time::{Duration, Instant};

#[test]
fn what_is_saved_is_built_and_served_and_what_does_not_build_is_not() {
    let project = Project::named("watched-saved", "one");
    let host = project.start();
    assert_eq!(host.get("/").text(), "one");

    project.says("two");
    until("the new answer", PATIENCE, || {
        (host.get("/").text() == "two").then_some(())
    });
    host.wait_for_log("changed: src/lib.rs");
    host.wait_for_log("serving what was built at ");

    project.write("src/lib.rs", "this is no Rust\n");
    host.wait_for_log("warning: build failed; still serving what was built at ");
    // Its own words stand before.
    host.wait_for_log("error: could not compile `watched-saved`");
    assert_eq!(host.get("/").text(), "two");

    // What builds, and is no app.
    project.write("src/lib.rs", "pub fn nothing() {}\n");
    host.wait_for_log("there is nothing to run in");
    host.wait_for_log("help: build the app for one of the worlds");
    assert_eq!(host.get("/").text(), "two");

    project.says("three");
    until("the new answer", PATIENCE, || {
        (host.get("/").text() == "three").then_some(())
    });
    assert!(host.stop().success());
}

#[test]
fn what_is_saved_while_a_build_runs_is_built_after_it() {
    let project = Project::named("watched-twice", "one");
    let host = project.start();
    project.hold();
    project.says("two");
    project.until_held();
    // Of which the build that waits knows nothing.
    project.says("three");
    project.release();
    until("the last answer", PATIENCE, || {
        (host.get("/").text() == "three").then_some(())
    });
    until_renewed(&host, 2);
    until_said(&host, "changed: src/lib.rs", 2);
}

#[test]
fn what_is_saved_before_the_host_serves_is_built_too() {
    let project = Project::named("watched-early", "one");
    // What it depends on is built, so that the first build is short but for what it waits for.
    project.start().stop();
    project.hold();
    project.says("two");
    let host = std::thread::scope(|scope| {
        scope.spawn(|| {
            project.until_held();
            project.says("three");
            project.release();
        });
        project.start()
    });
    until("the last answer", PATIENCE, || {
        (host.get("/").text() == "three").then_some(())
    });
    until_renewed(&host, 1);
}

#[test]
fn what_changes_nothing_replaces_nothing() {
    let project = Project::named("watched-same", "one");
    let host = project.start();
    project.write("README.md", "more words\n");
    host.wait_for_log("it is the same app: serving what was built at ");
    project.says("two");
    until_renewed(&host, 1);
    assert_eq!(host.get("/").text(), "two");
}

#[test]
fn what_the_first_build_writes_by_the_way_is_not_built_again() {
    let project = Package::new();
    let host = project.launch.start();
    host.wait_for_log(WATCHING);
    for written in ["package-lock.json", "wit/package.wit", "wit/deps"] {
        assert!(host.folder().join("orders").join(written).exists(), "{written}");
    }
    // All that has changed since the start is said with it.
    project.write("orders/src/app.js", "// two\n");
    host.wait_for_log("it is the same app: ");
    assert_eq!(host.stderr().lines_with("changed: "), ["changed: src/app.js"]);
}

#[test]
fn a_host_that_is_told_to_stop_ends_its_build() {
    for signal in [dapr_wasm_tests::Host::interrupt, dapr_wasm_tests::Host::terminate] {
        let project = Project::named("watched-stopped", "one");
        let mut host = project.start();
        project.hold();
        project.says("two");
        let build = project.until_held();
        assert!(runs(build));
        let signalled = Instant::now();
        signal(&host);
        assert_eq!(host.wait(PATIENCE).code(), Some(0));
        assert!(
            signalled.elapsed() < Duration::from_secs(5),
            "it took {:?}",
            signalled.elapsed()
        );
        until("the build to end", PATIENCE, || (!runs(build)).then_some(()));
        let told = host.stderr().text();
        assert!(!told.contains("build failed"), "{}: {told}", project.name());
    }
}

/// Whether a process runs: one that has ended may be there until somebody looks after it.
fn runs(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The program's name may have anything in it, and ends with a bracket.
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}
