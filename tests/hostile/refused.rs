//! What the host does not run, and where it does not listen.

use crate::{beside_others, hostile};
use dapr_wasm_tests::{Launch, built};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// Bytes in a file, in place of an app.
fn is_refused(name: &str, bytes: &[u8], because: &str) {
    let file = Path::new(name);
    let launch = Launch::file(file);
    std::fs::write(launch.folder().join(file), bytes).expect("the folder is writable");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains(because), "{}", ended.stderr);
}

/// It is what the host makes of a component, and would run with the host's rights.
#[test]
fn code_that_is_compiled_already_is_refused_whatever_it_is_called() {
    let _machine = beside_others();
    let host = hostile("");
    drop(host);
    let cache = built::binary()
        .ancestors()
        .nth(2)
        .expect("it lies in target/debug")
        .join("test-cache/dapr-wasm/code");
    let compiled = std::fs::read_dir(&cache)
        .unwrap_or_else(|error| panic!("{cache:?}: {error}"))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|kind| kind == "cwasm"))
        .expect("a host has run");
    let bytes = std::fs::read(compiled).expect("it is this user's");
    is_refused("app.cwasm", &bytes, "precompiled code");
    is_refused("app.wasm", &bytes, "machine code");
}

/// A program that does nothing but have this in a module.
fn with(module: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m {module} (func (export "run") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $program (export "run" (func $run)))
            (export "wasi:cli/run@0.2.10" (instance $program)))"#
    );
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_the_engine_is_made_without_is_refused_when_it_is_compiled() {
    let _machine = beside_others();
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.wasm");
    std::fs::write(&plain, with("(memory 1)")).unwrap();
    let ended = Launch::file(&plain).run(b"");
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    for (feature, module) in [
        ("gc types", "(type (struct (field i32)))"),
        ("exceptions", "(tag (param i32))"),
        ("threads", "(memory 1 1 shared)"),
        (
            "stack switching",
            "(type $f (func)) (type $c (cont $f)) (func (param (ref null $c)))",
        ),
    ] {
        let file = folder.path().join("app.wasm");
        std::fs::write(&file, with(module)).unwrap();
        let ended = Launch::file(&file).run(b"");
        assert_eq!(ended.status.code(), Some(2), "{feature}: {}", ended.stderr);
        assert!(ended.stderr.contains(feature), "{}", ended.stderr);
    }
}

#[test]
fn a_host_is_reached_from_its_own_machine_alone() {
    let _machine = beside_others();
    let host = hostile("");
    assert_eq!(host.get("/ok").text(), "ok");
    // An address of this machine, too, and not the one: who listens on all of them would be found here.
    let other = SocketAddr::from(([127, 0, 0, 2], host.port()));
    assert!(TcpStream::connect_timeout(&other, Duration::from_secs(5)).is_err());
}
