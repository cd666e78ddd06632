//! A file whose code is replaced.

use crate::ground::{App, renewals, until_said};
use dapr_wasm_tests::built::{core_module, guest};
use dapr_wasm_tests::component::{self, noted, saying};
use dapr_wasm_tests::{Client, Host, PATIENCE, until};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const IN_MEMORY: &str = "[state.statestore]\ntype = \"in-memory\"\n";

fn bytes(component: &Path) -> Vec<u8> {
    std::fs::read(component).unwrap()
}

// ---- requests

/// The word that is served after so many changes.
fn word(changes: usize) -> String {
    format!("hell{changes}")
}

#[test]
fn under_load_no_request_fails_and_none_that_begins_after_a_new_answer_gets_an_old_one() {
    const CLIENTS: usize = 24;
    const CHANGES: usize = 5;
    let app = App::of(&saying(&word(0)));
    let host = app.start();
    // The newest answer that anybody has.
    let newest = AtomicUsize::new(0);
    let answers = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let client = |number: usize| {
        // Some keep their connection from before the change.
        let client = match number % 2 {
            0 => Client::kept(host.port()),
            _ => Client::new(host.port()),
        };
        while !done.load(Ordering::SeqCst) {
            let before = newest.load(Ordering::SeqCst);
            let response = client.get("/");
            assert_eq!(response.status, 200, "{}", response.text());
            let text = response.text();
            let answer = (0..=CHANGES).find(|changes| word(*changes) == text);
            let answer = answer.unwrap_or_else(|| panic!("`{text}` is no answer"));
            assert!(answer >= before, "`{text}` after `{}`", word(before));
            newest.fetch_max(answer, Ordering::SeqCst);
            answers.fetch_add(1, Ordering::SeqCst);
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        let stopped = || clients.iter().any(|client| client.is_finished());
        for changes in 1..=CHANGES {
            let before = answers.load(Ordering::SeqCst);
            app.write(&saying(&word(changes)));
            until("the new answer, and many of them", PATIENCE, || {
                let is_there = newest.load(Ordering::SeqCst) == changes;
                let many = answers.load(Ordering::SeqCst) > before + 10 * CLIENTS;
                (stopped() || is_there && many).then_some(())
            });
        }
        done.store(true, Ordering::SeqCst);
    });
    assert_eq!(host.stderr().lines_with("ERROR"), [""; 0]);
    assert_eq!(host.get("/").text(), word(CHANGES));
    only_one_code_is_left(&host);
}

/// What was replaced is gone.
fn only_one_code_is_left(host: &Host) {
    until("the old code to go", PATIENCE, || (host.codes() == 1).then_some(()));
}

#[test]
fn a_request_under_way_ends_on_the_code_that_it_began_with() {
    let app = App::of(&bytes(&guest("hostile")));
    let host = app.start();
    let mut client = host.connect();
    client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n");
    // The host asks for the body when the guest reads it: the request is under way.
    client.receive_until("100 Continue", PATIENCE);
    client.send("half");
    app.replace(&host, &saying("hello"));
    assert_eq!(host.get("/").text(), "hello");
    assert_eq!(host.codes(), 2, "the old code is still needed");
    client.send("half");
    let answer = client.receive_until("\r\n\r\n8", PATIENCE);
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    only_one_code_is_left(&host);
}

fn an_answer_goes_on(app: &str) {
    let app = App::of(&bytes(&guest(app)));
    let host = app.start();
    let mut client = host.connect();
    client.send_get("/endless-body");
    client.receive_until("xxxx", PATIENCE);
    app.replace(&host, &saying("hello"));
    assert_eq!(host.get("/").text(), "hello");
    // More than is on its way through any buffer.
    let mut received = 0;
    while received < 64 << 20 {
        let count = client.receive_and_forget(PATIENCE);
        assert_ne!(count, 0, "the answer ended after {received} bytes");
        received += count;
    }
    assert_eq!(host.codes(), 2, "the old code is still needed");
    drop(client);
    only_one_code_is_left(&host);
}

#[test]
fn an_answer_that_is_being_sent_goes_on() {
    an_answer_goes_on("hostile");
}

#[test]
fn an_answer_of_wasi_0_3_that_is_being_sent_goes_on() {
    an_answer_goes_on("hostile-async");
}

/// Instances of this kind are kept, and have requests left.
#[test]
fn instances_that_are_kept_get_no_more_requests() {
    let app = App::with(&bytes(&guest("fan-in")), IN_MEMORY);
    let host = app.start();
    assert_eq!(host.client().put("/a", "1").status, 204);
    app.replace(&host, &saying("hello"));
    for _ in 0..50 {
        assert_eq!(host.get("/").text(), "hello");
    }
    only_one_code_is_left(&host);
}

// ---- stores

#[test]
fn what_is_in_the_stores_stays() {
    let counter = bytes(&guest("counter"));
    let app = App::with(&counter, IN_MEMORY);
    let host = app.start();
    for changes in 0..3 {
        let count = (2 * changes + 1).to_string();
        assert_eq!(host.client().post("/apples", "").text(), count);
        app.replace(&host, &noted(&counter, &count));
        assert_eq!(host.client().post("/apples", "").text(), (2 * changes + 2).to_string());
    }
}

#[test]
fn code_that_uses_a_store_as_the_first_may_come_later() {
    let app = App::of(&saying("hello"));
    let host = app.start();
    let file = host.folder().join(".dapr-wasm/state.db");
    assert!(!file.exists(), "nobody has use for it");
    app.replace(&host, &bytes(&guest("counter")));
    assert_eq!(host.client().post("/apples", "").text(), "1");
    assert!(file.exists());
    app.replace(&host, &saying("hello"));
    app.replace(&host, &bytes(&guest("counter")));
    assert_eq!(host.get("/apples").text(), "1");
}

// ---- code that does not do

#[test]
fn what_cannot_be_served_is_said_and_the_old_code_goes_on() {
    let app = App::of(&saying("hello"));
    let host = app.start();
    let unfit: [(&str, Vec<u8>); 4] = [
        (
            "cannot run `app.wasm`: it is damaged",
            b"\0asm\x0d\0\x01\0\x01".to_vec(),
        ),
        ("there is nothing to run in `app.wasm`", bytes(&guest("store-memory"))),
        ("the app cannot answer HTTP requests", bytes(&guest("command"))),
        (
            "it is a core module, not a component",
            bytes(&core_module("plugin-reactor")),
        ),
    ];
    for (number, (why, component)) in unfit.into_iter().enumerate() {
        app.write(&component);
        until_said(&host, "still serving what was read at ", number + 1);
        assert!(host.stderr().text().contains(why), "{why}");
        assert_eq!(host.get("/").text(), "hello");
    }
    assert_eq!(renewals(&host), 0);
    app.replace(&host, &saying("other"));
    assert_eq!(host.get("/").text(), "other");
}

#[test]
fn code_that_traps_before_it_can_answer_is_not_taken() {
    let app = App::of(&saying("hello"));
    let host = app.start();
    app.write(&traps_at_once());
    host.wait_for_log("no instance of the app can be made");
    host.wait_for_log("still serving what was read at ");
    assert_eq!(host.get("/").text(), "hello");
}

/// An HTTP app whose module traps when it begins.
fn traps_at_once() -> Vec<u8> {
    const WORLD: &str = "package test:test; world app { export wasi:http/incoming-handler@0.2.10; }";
    const MODULE: &str = r#"(module
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "wasi:http/incoming-handler@0.2.10#handle") (param i32 i32))
        (func (export "_initialize") unreachable))"#;
    component::of(WORLD, &wat::parse_str(MODULE).unwrap())
}

#[test]
fn a_file_that_goes_is_missed_and_one_that_comes_back_is_served() {
    let app = App::of(&saying("hello"));
    let host = app.start();
    std::fs::remove_file(&app.file).unwrap();
    host.wait_for_log("there is no file or folder `app.wasm`");
    assert_eq!(host.get("/").text(), "hello");
    app.replace(&host, &saying("again"));
    assert_eq!(host.get("/").text(), "again");
}

#[test]
fn a_file_that_is_written_in_its_place_is_served() {
    let app = App::of(&saying("hello"));
    let host = app.start();
    std::fs::write(&app.file, saying("other")).unwrap();
    until("the new answer", PATIENCE, || {
        (host.get("/").text() == "other").then_some(())
    });
}
