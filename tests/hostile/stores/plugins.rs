//! Plugins that misbehave: what the ABI of go-plugin lets them do beyond what a component can.

use super::ground::{assert_error, launch_with, others_are_answered, read, serves_again, write};
use crate::in_time::{at_rest, is_as_before};
use crate::{alone, beside_others, long_names};
use dapr_wasm_tests::{Host, Launch, PATIENCE, built, until};
use std::path::Path;

const MIB: u64 = 1 << 20;

// ---- both dialects, made by a compiler ----

fn breaks(name: &str, key: &str) {
    let _machine = alone();
    let host = launch_with(&built::core_module(name), "deadline = \"1s\"").start();
    serves_again(&host);
    let before = at_rest(&host);
    for _ in 0..3 {
        until("a call to be begun", PATIENCE, || {
            let answer = read(&host, key);
            // On a busy machine one before it still has the instance.
            (answer.status != 429).then_some(())?;
            let text = assert_error(&answer, 503, "unavailable");
            (!text.contains("keeps failing")).then_some(())
        });
        others_are_answered(&host);
        serves_again(&host);
    }
    is_as_before(&host, before, 32 * MIB);
}

#[test]
fn a_plugin_that_traps() {
    breaks("plugin-command", "trap");
    breaks("plugin-reactor", "trap");
}

#[test]
fn a_plugin_that_computes_for_ever() {
    breaks("plugin-command", "loop");
    breaks("plugin-reactor", "loop");
}

#[test]
fn a_plugin_is_told_the_metadata_of_its_configuration() {
    let _machine = beside_others();
    for name in ["plugin-command", "plugin-reactor"] {
        let host = launch_with(&built::core_module(name), "metadata = { level = \"3\" }").start();
        assert_eq!(read(&host, "level").text(), "3", "{name}");
    }
}

// ---- made by hand ----

/// A plugin in text. What it answers to each get, and where it gives room, is told.
struct Plugin {
    /// An expression of 64 bits: a pointer above, a length below.
    get: String,
    /// An expression of 32 bits.
    malloc: &'static str,
    /// The version of the interface.
    version: i64,
    /// More functions.
    more: String,
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            get: "(i64.const 0)".to_owned(),
            malloc: "(i32.const 1024)",
            version: 1,
            more: String::new(),
        }
    }
}

/// Answers these bytes of its memory.
fn answer(pointer: u32, length: u32) -> String {
    format!("(i64.const {})", (u64::from(pointer) << 32 | u64::from(length)) as i64)
}

impl Plugin {
    fn text(&self) -> String {
        let Self {
            get,
            malloc,
            version,
            more,
        } = self;
        format!(
            r#"(module
                (import "wasi_snapshot_preview1" "poll_oneoff"
                  (func $poll (param $subscriptions i32) (param $events i32) (param i32 i32) (result i32)))
                (memory (export "memory") 600)
                (func (export "_initialize"))
                (func (export "malloc") (param i32) (result i32) {malloc})
                (func (export "free") (param i32))
                (func (export "store_api_version") (result i64) (i64.const {version}))
                (func (export "store_init") (param i32 i32) (result i64) (i64.const 0))
                (func (export "store_features") (param i32 i32) (result i64) (i64.const 0))
                (func (export "store_set") (param i32 i32) (result i64) (i64.const 0))
                (func (export "store_delete") (param i32 i32) (result i64) (i64.const 0))
                {BOMB}
                {more}
                (func (export "store_get") (param i32 i32) (result i64) {get}))"#
        )
    }

    fn launch(&self) -> Launch {
        let bytes = wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{error}"));
        let file = Path::new("plugin.wasm");
        // Nobody's turn comes too late on a machine that is busy.
        let launch = launch_with(file, "deadline = \"30s\"");
        std::fs::write(launch.folder().join(file), bytes).expect("the folder is writable");
        launch
    }

    fn host(&self) -> Host {
        self.launch().start()
    }
}

/// Makes a response of a million pairs of metadata, at 8 bytes each: each with a name of its own, and no value. That is as
/// long as an answer may be, all but some.
const BOMB: &str = r#"
    (func $bomb (result i64)
      (local $number i32) (local $at i32)
      (local.set $at (i32.const 65536))
      (loop $more
        ;; Field 3, six bytes: field 1, four bytes, each of them a letter or the like.
        (i32.store (local.get $at) (i32.const 0x040a061a))
        (i32.store offset=4 (local.get $at) (i32.add (i32.const 0x30303030) (i32.or
          (i32.or
            (i32.and (local.get $number) (i32.const 0x3f))
            (i32.and (i32.shl (local.get $number) (i32.const 2)) (i32.const 0x3f00)))
          (i32.or
            (i32.and (i32.shl (local.get $number) (i32.const 4)) (i32.const 0x3f0000))
            (i32.and (i32.shl (local.get $number) (i32.const 6)) (i32.const 0x3f000000))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $number (i32.add (local.get $number) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $number) (i32.const 1000000))))
      (i64.or (i64.shl (i64.const 65536) (i64.const 32)) (i64.const 8000000)))"#;

#[test]
fn a_plugin_that_behaves_is_served() {
    let _machine = beside_others();
    let host = Plugin::default().host();
    assert_eq!(read(&host, "key").status, 404);
    assert_eq!(write(&host, "key").status, 204);
}

/// A place that it names is looked at only if it is its own.
#[test]
fn answers_outside_of_its_memory_end_the_instance() {
    let _machine = beside_others();
    let end = 600 << 16;
    for (pointer, length) in [
        (u32::MAX, 1),
        (end, 1),
        (end - 1, 2),
        (0, (1 << 31) - 1),
        (1, 33 << 20),
        (u32::MAX, u32::MAX),
    ] {
        let plugin = Plugin {
            get: answer(pointer, length),
            ..Plugin::default()
        };
        let host = plugin.host();
        assert_error(&read(&host, "key"), 503, "unavailable");
        host.wait_for_log("an instance of the store broke");
        others_are_answered(&host);
    }
}

#[test]
fn room_that_is_outside_of_its_memory_ends_the_instance() {
    let _machine = beside_others();
    for malloc in ["(i32.const -8)", "(i32.const 0)", "(unreachable)"] {
        let plugin = Plugin {
            malloc,
            ..Plugin::default()
        };
        // Already the first request, that of `init`, has no place.
        let ended = plugin.launch().run(b"");
        assert_eq!(ended.status.code(), Some(1), "{malloc}: {}", ended.stderr);
        assert!(ended.stderr.contains("does not start"), "{}", ended.stderr);
    }
}

#[test]
fn another_version_of_the_interface_is_refused() {
    let _machine = beside_others();
    for version in [0, 2, -1] {
        let plugin = Plugin {
            version,
            ..Plugin::default()
        };
        let ended = plugin.launch().run(b"");
        assert!(!ended.status.success(), "{}", ended.stderr);
        assert!(ended.stderr.contains("version"), "{}", ended.stderr);
    }
}

#[test]
fn an_answer_that_is_no_message_is_internal() {
    let _machine = beside_others();
    // Its memory is full of zeros, and a field has no number 0.
    let plugin = Plugin {
        get: answer(4096, 8),
        ..Plugin::default()
    };
    let host = plugin.host();
    let text = assert_error(&read(&host, "key"), 500, "internal");
    assert!(!text.contains("decode"), "{text}");
    assert!(host.wait_for_log("does not decode").contains("bad"));
    assert!(host.stderr().lines_with("broke").is_empty());
    others_are_answered(&host);
}

/// Of a few bytes of protobuf becomes a hundred of the host's.
#[test]
fn a_message_of_a_million_pairs_does_not_become_the_hosts_memory_nor_its_time() {
    let _machine = alone();
    let plugin = Plugin {
        get: "(call $bomb)".to_owned(),
        ..Plugin::default()
    };
    let host = plugin.host();
    assert_eq!(write(&host, "key").status, 204);
    let before = at_rest(&host);
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| read(&host, "key"))).collect();
        others_are_answered(&host);
        for asked in asked {
            assert_error(&asked.join().expect("it is answered"), 500, "internal");
        }
    });
    // It was not too long, and it was not decoded.
    host.wait_for_log("metadata of more than 64 entries");
    assert!(
        host.stderr().lines_with("broke").is_empty(),
        "the instance did not go on"
    );
    // What the plugin wrote, and the answer that is copied out of it.
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < 48 * MIB, "the host took {} MiB", taken / MIB);
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
}

#[test]
fn an_answer_may_have_8_mib_and_not_a_byte_more() {
    const MOST: u32 = 8 << 20;
    let _machine = beside_others();
    // Zeros, which are no message: it was read to its end, or not at all.
    let host_that_answers = |length| {
        let plugin = Plugin {
            get: answer(1 << 16, length),
            ..Plugin::default()
        };
        plugin.host()
    };
    let host = host_that_answers(MOST);
    assert_error(&read(&host, "key"), 500, "internal");
    host.wait_for_log("does not decode");
    assert!(host.stderr().lines_with("broke").is_empty());

    let host = host_that_answers(MOST + 1);
    assert_error(&read(&host, "key"), 503, "unavailable");
    host.wait_for_log("its answer has 8388609 bytes, more than the 8388608 that a call may have");
    others_are_answered(&host);
}

/// Waits for so many clocks that have rung already, at 48 bytes each: what is all zeros is one of them.
fn wait_for(clocks: u32) -> Host {
    let poll = format!("(call $poll (i32.const 0x10000) (i32.const 0x1000000) (i32.const {clocks}) (i32.const 512))");
    let plugin = Plugin {
        get: format!("(if (result i64) {poll} (then (unreachable)) (else (i64.const 0)))"),
        ..Plugin::default()
    };
    plugin.host()
}

/// Each is an object of the host's.
#[test]
fn a_plugin_that_waits_for_a_hundred_thousand_things_at_once_does_not_fill_the_hosts_memory() {
    let _machine = alone();
    assert_eq!(read(&wait_for(4_000), "key").status, 404);
    let host = wait_for(100_000);
    let before = at_rest(&host);
    assert_error(&read(&host, "key"), 503, "unavailable");
    host.wait_for_log("an instance of the store broke");
    // The pages of the plugin that it names, and as many objects as it may have.
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < 16 * MIB, "the host took {} MiB", taken / MIB);
    others_are_answered(&host);
}

/// As of an app: the host says which functions a trap came from.
#[test]
fn names_of_functions_of_100_kb_do_not_fill_the_log() {
    let _machine = beside_others();
    let (function, call) = long_names::function();
    let plugin = Plugin {
        get: format!("(block (result i64) {call} (i64.const 0))"),
        more: function,
        ..Plugin::default()
    };
    let host = plugin.host();
    assert_error(&read(&host, "key"), 503, "unavailable");
    let lines = ["an instance of the store broke", "state store failed"].map(|text| host.wait_for_log(text));
    for line in lines {
        assert!(line.contains("unreachable"), "{line}");
    }
    let log = host.stderr().len();
    assert!(log < 24 << 10, "{log} bytes");
}
