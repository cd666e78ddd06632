//! Answers that no store should give.

use super::ground::{assert_error, host, instance, others_are_answered, read, serves_again, write};
use crate::in_time::{at_rest, is_as_before};
use crate::{alone, beside_others};
use dapr_wasm_tests::{Host, Launch, built};

/// The app is told that the store is at fault, and the log why. The instance goes on.
fn is_internal(keys: &[(&str, &str)]) {
    let _machine = beside_others();
    let host = host("");
    let before = instance(&host);
    for (key, why) in keys {
        let text = assert_error(&read(&host, key), 500, "internal");
        assert!(!text.contains(why), "{key}: the app was told `{text}`");
        assert!(host.wait_for_log(why).contains("bad"), "{key}");
    }
    assert_eq!(instance(&host), before);
    others_are_answered(&host);
}

/// What cannot even be read ends the instance, as a trap does.
fn is_a_trap(key: &str) {
    let _machine = beside_others();
    let host = host("");
    let before = instance(&host);
    let text = assert_error(&read(&host, key), 503, "unavailable");
    assert!(text.contains("its component failed during the call"), "{text}");
    others_are_answered(&host);
    serves_again(&host);
    assert_ne!(instance(&host), before);
}

// ---- items ----

#[test]
fn an_answer_of_64_mib_ends_the_instance_and_does_not_become_the_hosts_memory() {
    const MIB: u64 = 1 << 20;
    let _machine = alone();
    let host = host("");
    let first = instance(&host);
    let before = at_rest(&host);
    let text = assert_error(&read(&host, "huge"), 503, "unavailable");
    assert!(text.contains("its component failed during the call"), "{text}");
    // The store's own memory is most of it: a copy beside that would be 64 MiB more.
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < 128 * MIB, "it took {} MiB", taken / MIB);
    serves_again(&host);
    assert_ne!(instance(&host), first);
    is_as_before(&host, before, 32 * MIB);
}

#[test]
fn a_value_that_is_too_large_is_too_large() {
    let _machine = beside_others();
    let host = host("");
    assert_error(&read(&host, "large-value"), 413, "too-large");
    serves_again(&host);
}

#[test]
fn an_etag_that_is_no_utf8_ends_the_instance() {
    is_a_trap("invalid-utf8");
}

#[test]
fn a_content_type_that_is_no_utf8_ends_the_instance() {
    is_a_trap("invalid-utf8-type");
}

#[test]
fn etags_that_are_missing_empty_or_too_long_are_internal() {
    is_internal(&[
        ("etag-none", "an item without an etag"),
        ("etag-empty", "an etag that is empty or too long"),
        ("etag-long", "an etag that is empty or too long"),
    ]);
}

/// Nobody can tell from one answer: the next write's condition is the store's to check, whatever it said before.
#[test]
fn an_etag_that_is_always_the_same_does_harm_to_its_own_store_alone() {
    let _machine = beside_others();
    let host = host("");
    write(&host, "etag-same");
    let etag = read(&host, "etag-same").header("etag").map(str::to_owned);
    write(&host, "etag-same");
    assert_eq!(read(&host, "etag-same").header("etag"), etag.as_deref());
    others_are_answered(&host);
}

#[test]
fn content_types_that_are_none_are_internal() {
    is_internal(&[
        ("content-type-bad", "a content type that is none"),
        ("content-type-long", "a content type that is none"),
    ]);
}

#[test]
fn metadata_that_is_none_is_internal() {
    is_internal(&[
        ("metadata-bad", "ttlExpireTime"),
        ("metadata-twice", "twice"),
        ("metadata-many", "metadata that is none"),
    ]);
}

/// The app's own clock decides what a time means to it; none of them is an error of the host's or the app's.
#[test]
fn ends_in_the_past_and_in_ages_are_handed_on() {
    let _machine = beside_others();
    let host = host("");
    for key in ["expires-past", "expires-far"] {
        let response = read(&host, key);
        assert_eq!(response.status, 200, "{key}: {}", response.text());
        assert!(response.header("expires").is_some(), "{key}");
    }
}

// ---- lists ----

/// An app that makes the calls that `kv` does not.
fn bulk() -> Host {
    let component = built::guest("hostile-store");
    Launch::guest("hostile-async")
        .components(&super::ground::components(&component, ""))
        .start()
}

#[test]
fn bulk_answers_of_the_wrong_length_are_internal_for_reads_and_outcome_unknown_for_writes() {
    let _machine = beside_others();
    let host = bulk();
    assert_eq!(host.get("/bulk-get/bad/a,b").text(), "2 entries");
    assert_eq!(host.get("/bulk-set/bad/a,b").text(), "done");
    for wrong in ["short", "extra"] {
        let text = host.get(&format!("/bulk-get/bad/a,{wrong}")).text();
        assert!(text.starts_with("Error::Internal("), "{text}");
        for call in ["bulk-set", "bulk-delete"] {
            let text = host.get(&format!("/{call}/bad/a,{wrong}")).text();
            assert!(text.contains("Error::OutcomeUnknown("), "{call}: {text}");
        }
    }
    assert_eq!(host.get("/bulk-get/bad/a,b").text(), "2 entries");
    assert_eq!(host.get("/bulk-get/statestore/a,b").text(), "2 entries");
}

#[test]
fn a_bulk_call_that_ends_in_a_trap_is_outcome_unknown_if_it_writes() {
    let _machine = beside_others();
    let host = bulk();
    let text = host.get("/bulk-set/bad/a,set-then-trap").text();
    assert!(text.contains("Error::OutcomeUnknown("), "{text}");
    assert_eq!(host.get("/bulk-get/statestore/a").text(), "1 entries");
}

// ---- listings ----

fn list(host: &Host, prefix: &str, more: &str) -> dapr_wasm_tests::Response {
    host.get(&format!("/?store=bad&prefix={prefix}{more}"))
}

#[test]
fn a_page_with_too_many_keys_or_a_position_that_is_too_long_is_internal() {
    let _machine = beside_others();
    let host = host("");
    assert_error(&list(&host, "many", "&limit=10"), 500, "internal");
    assert_error(&list(&host, "next-long", ""), 500, "internal");
    serves_again(&host);
}

#[test]
fn another_apps_keys_are_not_listed() {
    let _machine = beside_others();
    let response = list(&host(""), "foreign", "");
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.json().get("keys"), Some(&serde_json::json!([])));
    assert!(!response.text().contains("another-app"), "{}", response.text());
}

#[test]
fn another_apps_keys_are_not_in_the_cursor_either() {
    let _machine = beside_others();
    let response = list(&host(""), "beyond", "");
    assert_error(&response, 500, "internal");
    let hidden: String = "another-app||secret"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let text = response.text();
    assert!(!text.contains(&hidden) && !text.contains("secret"), "{text}");
}

/// It is the app's loop, and the app's time that ends it. Each page is a call like any other.
#[test]
fn a_listing_without_end_is_the_apps_to_end() {
    let _machine = beside_others();
    let host = host("");
    let mut cursor = String::new();
    for _ in 0..3 {
        let response = list(&host, "endless", &cursor);
        assert_eq!(response.json().get("keys"), Some(&serde_json::json!([])));
        let next = response
            .json()
            .get("cursor")
            .and_then(|next| next.as_str().map(str::to_owned));
        cursor = format!("&cursor={}", next.expect("there is a next page"));
    }
    others_are_answered(&host);
}

/// What is small where the store is, and larger where the host is.
#[test]
fn answers_of_millions_of_parts_do_not_become_the_hosts_memory() {
    const MIB: u64 = 1 << 20;
    let _machine = alone();
    let host = host("");
    serves_again(&host);
    let before = at_rest(&host);
    for target in ["/metadata-flood?store=bad", "/?store=bad&prefix=flood"] {
        let status = host.get(target).status;
        assert!([500, 503].contains(&status), "{target}: {status}");
        others_are_answered(&host);
        serves_again(&host);
    }
    // The store's own memory is some of it.
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < 320 * MIB, "it took {} MiB", taken / MIB);
    assert_error(&read(&host, "trap"), 503, "unavailable");
    serves_again(&host);
    is_as_before(&host, before, 64 * MIB);
}

// ---- errors ----

#[test]
fn errors_of_a_store_are_the_apps_with_their_texts() {
    let _machine = beside_others();
    let host = host("");
    let errors = [
        ("fail", 400, "invalid"),
        ("too-large", 413, "too-large"),
        ("deny", 403, "denied"),
        ("unavailable", 503, "unavailable"),
    ];
    for (key, status, case) in errors {
        for response in [read(&host, key), write(&host, key)] {
            let text = assert_error(&response, status, case);
            assert!(text.contains(&format!("the key says `{key}`")), "{text}");
        }
    }
    assert_error(&read(&host, "throttle"), 429, "throttled");
    assert_error(&write(&host, "outcome-unknown"), 504, "outcome-unknown");
    // A read changes nothing, whatever the store says.
    assert_error(&read(&host, "outcome-unknown"), 503, "unavailable");
    serves_again(&host);
}

#[test]
fn a_text_of_1_mib_is_cut_and_its_control_characters_do_not_reach_the_log() {
    let _machine = beside_others();
    let host = host("");
    let text = assert_error(&read(&host, "error-long"), 503, "unavailable");
    assert!(text.len() < 1200, "the app got {} bytes", text.len());
    host.wait_for_log("state store failed");
    let log = host.stderr().text();
    let raw = |char: &char| char.is_control() && *char != '\n' || *char == '\u{202e}';
    assert_eq!(log.chars().find(raw), None, "{}", log.escape_debug());
    // Nor is a line of the store's own begun.
    let lines = host.stderr().lines_with("state store failed");
    assert!(lines.len() == 1 && lines[0].len() < 8 << 10, "{lines:?}");
    assert!(
        !log.lines().any(|line| line.starts_with("\\0") || line.is_empty()),
        "{log}"
    );
}

#[test]
fn a_text_that_is_no_utf8_ends_the_instance() {
    is_a_trap("error-utf8");
}

#[test]
fn the_text_of_an_internal_error_is_the_logs_and_not_the_apps() {
    let _machine = beside_others();
    let host = host("");
    for response in [read(&host, "internal"), write(&host, "internal")] {
        let text = assert_error(&response, 500, "internal");
        assert!(!text.contains("secret") && !text.contains("10.0.0.1"), "{text}");
    }
    assert!(host.wait_for_log("10.0.0.1").contains("bad"));
}

#[test]
fn a_mismatch_names_the_apps_own_key_or_none() {
    let _machine = beside_others();
    let host = host("");
    let text = assert_error(&write(&host, "mismatch"), 412, "etag-mismatch");
    assert!(text.contains("`mismatch`"), "{text}");
    for key in ["mismatch-other", "unsaid"] {
        let text = assert_error(&write(&host, key), 412, "etag-mismatch");
        assert!(!text.contains("another-app") && !text.contains("secret"), "{text}");
    }
}

// ---- what it prints ----

#[test]
fn what_a_store_prints_has_its_name_and_no_control_characters() {
    let _machine = beside_others();
    let host = host("");
    read(&host, "say");
    assert_eq!(host.wait_for_log("plain"), "[bad] plain \\u{1b}[31mred\\u{1b}[0m");
    assert_eq!(host.wait_for_log("an error"), "[bad] an error");
    assert!(!host.stderr().bytes().contains(&0x1b));
    // Standard output is the app's.
    assert!(host.stdout().is_empty(), "{}", host.stdout().text());
}

// ---- afterwards ----

/// Whatever the lie was. Those that end the instance are told once, since it rests longer each time.
#[test]
fn lies_leave_nothing() {
    const ENDS_IT: [&str; 4] = ["huge", "invalid-utf8", "invalid-utf8-type", "error-utf8"];
    const OTHERS: [&str; 10] = [
        "large-value",
        "etag-none",
        "etag-empty",
        "etag-long",
        "content-type-bad",
        "content-type-long",
        "metadata-bad",
        "metadata-many",
        "error-long",
        "internal",
    ];
    let _machine = alone();
    let host = host("");
    let lie = |times| {
        for key in OTHERS.repeat(times) {
            let status = read(&host, key).status;
            assert!([413, 500, 503].contains(&status), "{key}: {status}");
        }
        for prefix in ["many", "next-long", "foreign", "beyond", "endless"].repeat(times) {
            list(&host, prefix, "");
        }
        for key in ENDS_IT {
            assert_error(&read(&host, key), 503, "unavailable");
            others_are_answered(&host);
            serves_again(&host);
        }
    };
    lie(1);
    let before = at_rest(&host);
    lie(10);
    is_as_before(&host, before, 32 << 20);
}
