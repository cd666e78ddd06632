//! Guests that take many memories and tables: it is their sum that is bounded, and nobody else notices.
//!
//! No tool makes such guests, so they are written here, as text. They count what they get, compare it with what they should,
//! and return without an answer; where it is more or less they trap, each in its own way. The log tells which it was.

use crate::in_time::{OnDrop, at_rest, is_as_before, within_a_second};
use crate::{alone, beside_others};
use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const MIB: u64 = 1 << 20;

/// Modules of a guest, each with a memory and a table.
const MODULES: usize = 15;

/// Grows a memory by 64 KiB.
const MEMORIES: &str = "(memory.grow (i32.const 1))";

/// Grows a table by as much: an element is a pointer of the host's.
const TABLES: &str = "(table.grow (ref.null func) (i32.const 8192))";

/// A guest that grows what its modules have by turns, until nothing grows, in steps of 64 KiB; `expected` of them.
fn guest(grow: &[&str], expected: u32) -> String {
    let mut text = r#"
        (component
          (import "wasi:http/types@0.2.10" (instance $types
            (export "incoming-request" (type (sub resource)))
            (export "response-outparam" (type (sub resource)))))
          (alias export $types "incoming-request" (type $request))
          (alias export $types "response-outparam" (type $out))
          (core module $more
            (memory 0)
            (table 0 funcref)
            ;; How many of its parts grew.
            (func (export "grow") (result i32)
              (i32.const 0)"#
        .to_owned();
    for grow in grow {
        write!(text, "(i32.add (i32.ne {grow} (i32.const -1)))").expect("it is text");
    }
    text.push_str("))\n");
    for number in 0..MODULES {
        writeln!(text, "(core instance $more{number} (instantiate $more))").expect("it is text");
    }
    text.push_str("(core module $main\n");
    for number in 0..MODULES {
        writeln!(
            text,
            r#"(import "more{number}" "grow" (func $grow{number} (result i32)))"#
        )
        .expect("it is text");
    }
    text.push_str(
        r#"
            (func (export "handle") (param i32 i32)
              (local $granted i32) (local $round i32)
              (loop $rounds
                (local.set $round (i32.const 0))
        "#,
    );
    for number in 0..MODULES {
        let add = format!("(local.set $round (i32.add (local.get $round) (call $grow{number})))");
        text.push_str(&add);
    }
    write!(
        text,
        r#"
                (local.set $granted (i32.add (local.get $granted) (local.get $round)))
                (br_if $rounds (local.get $round)))
              ;; More than there should be, less, or as it should be.
              (if (i32.gt_u (local.get $granted) (i32.const {expected})) (then (unreachable)))
              (if (i32.lt_u (local.get $granted) (i32.const {expected}))
                (then (drop (i32.div_u (local.get $granted) (i32.const 0)))))))
          (core instance $main (instantiate $main"#
    )
    .expect("it is text");
    for number in 0..MODULES {
        write!(text, r#" (with "more{number}" (instance $more{number}))"#).expect("it is text");
    }
    text.push_str(
        r#"))
          (func $handle (param "request" (own $request)) (param "response-out" (own $out))
            (canon lift (core func $main "handle")))
          (instance $handler (export "handle" (func $handle)))
          (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))"#,
    );
    text
}

/// What a guest may have here, in steps: 8 MiB.
const STEPS: u32 = 128;

fn host(grow: &[&str], expected: u32) -> Host {
    let launch = Launch::file("hungry.wasm")
        .components("[app]\nmemory = \"8MiB\"\n")
        .watched();
    let bytes = wat::parse_str(guest(grow, expected)).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(launch.folder().join("hungry.wasm"), bytes).expect("the folder is writable");
    launch.start()
}

/// It got what it should have, and returned.
fn assert_counted_right(host: &Host) {
    let response = host.get("/");
    assert_eq!(response.status, 500, "{}", response.text());
    let id = response.header("x-request-id").expect("every answer has one");
    let line = host.wait_for_log(id);
    assert!(line.contains("never invoked `response-outparam::set`"), "{line}");
}

#[test]
fn many_memories_together_get_what_one_would() {
    let _machine = beside_others();
    assert_counted_right(&host(&[MEMORIES], STEPS));
}

#[test]
fn many_tables_count_as_memory() {
    let _machine = beside_others();
    assert_counted_right(&host(&[TABLES], STEPS));
}

#[test]
fn memories_and_tables_together_get_what_one_memory_would() {
    let _machine = beside_others();
    assert_counted_right(&host(&[MEMORIES, TABLES], STEPS));
}

/// Of the guests here: that they would have told.
#[test]
fn a_guest_that_got_another_number_traps() {
    let _machine = beside_others();
    for (expected, trap) in [(STEPS - 1, "unreachable"), (STEPS + 1, "divide by zero")] {
        let host = host(&[MEMORIES], expected);
        assert_eq!(host.get("/").status, 500);
        host.wait_for_log(trap);
    }
}

fn others_are_answered_and_nothing_is_left(grow: &[&str]) {
    const AT_ONCE: usize = 8;
    const SOME: usize = 100;
    let _machine = alone();
    let host = host(grow, STEPS);
    let ask = || assert_eq!(host.get("/").status, 500);
    (0..AT_ONCE).for_each(|_| ask());
    let before = at_rest(&host);
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    ask();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        within_a_second(ask);
        until("the guests to go on", PATIENCE, || {
            (done.load(Ordering::Relaxed) > SOME).then_some(())
        });
        drop(stop);
    });
    is_as_before(&host, before, 32 * MIB);
}

#[test]
fn beside_guests_that_take_many_memories() {
    others_are_answered_and_nothing_is_left(&[MEMORIES]);
}

#[test]
fn beside_guests_that_take_many_tables() {
    others_are_answered_and_nothing_is_left(&[TABLES]);
}
