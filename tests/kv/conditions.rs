//! `ETag`, `If-Match` and `If-None-Match`: a write that says what must be true.

use crate::ground::{Kv, Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::Response;
use std::collections::HashSet;
use std::thread;

crate::on_every_store! {
    every_write_gives_a_new_etag_and_a_read_does_not,
    a_put_with_the_current_etag_is_done,
    a_stale_etag_is_refused_and_the_value_is_unchanged,
    an_etag_on_an_absent_key_mismatches,
    if_none_match_creates_and_does_not_replace,
    a_delete_with_the_current_etag_is_done_and_with_a_stale_one_refused,
    an_item_that_was_deleted_and_put_again_has_another_etag,
    of_many_writers_with_one_etag_exactly_one_wins,
    of_many_creators_exactly_one_wins,
    conditions_that_a_store_cannot_check_are_invalid,
}

crate::on_every_store! {
    on [plugin_reactor]:
    every_write_gives_a_new_etag_and_a_read_does_not,
    a_put_with_the_current_etag_is_done,
    a_stale_etag_is_refused_and_the_value_is_unchanged,
    an_etag_on_an_absent_key_mismatches,
    if_none_match_creates_and_does_not_replace,
    a_delete_with_the_current_etag_is_done_and_with_a_stale_one_refused,
    an_item_that_was_deleted_and_put_again_has_another_etag,
    of_many_writers_with_one_etag_exactly_one_wins,
    of_many_creators_exactly_one_wins,
    conditions_that_a_store_cannot_check_are_invalid,
}

fn put_if(kv: &Kv, key: &str, (header, value): (&str, &str), body: &str) -> Response {
    kv.call("PUT", key).header(header, value).body(body).send()
}

fn every_write_gives_a_new_etag_and_a_read_does_not(store: &Store) {
    let kv = store.kv();
    let mut seen = HashSet::new();
    // The same value too: who holds the etag of before has not seen this write.
    for value in ["1", "2", "2", "1"] {
        kv.put("/k", value);
        let etag = kv.etag("/k");
        assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        assert_eq!(etag, kv.etag("/k"));
        assert!(seen.insert(etag), "{seen:?}");
    }
}

fn a_put_with_the_current_etag_is_done(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "0");
    for value in ["1", "2", "3"] {
        assert_done(&put_if(&kv, "/k", ("if-match", &kv.etag("/k")), value));
        assert_eq!(kv.value("/k"), value);
    }
}

fn a_stale_etag_is_refused_and_the_value_is_unchanged(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "old");
    let stale = kv.etag("/k");
    kv.put("/k", "new");
    let current = kv.etag("/k");
    for etag in [stale.as_str(), "\"never-given-out\"", "\"0\"", "\"%22\""] {
        assert_error(&put_if(&kv, "/k", ("if-match", etag), "lost"), 412, "etag-mismatch");
    }
    assert_eq!((kv.value("/k").as_str(), kv.etag("/k")), ("new", current));
}

fn an_etag_on_an_absent_key_mismatches(store: &Store) {
    let kv = store.kv();
    assert_error(&put_if(&kv, "/k", ("if-match", "\"1\""), "x"), 412, "etag-mismatch");
    assert_error(
        &kv.call("DELETE", "/k").header("if-match", "\"1\"").send(),
        412,
        "etag-mismatch",
    );
    assert_absent(&kv.get("/k"));
}

fn if_none_match_creates_and_does_not_replace(store: &Store) {
    let kv = store.kv();
    assert_done(&put_if(&kv, "/k", ("if-none-match", "*"), "first"));
    let etag = kv.etag("/k");
    assert_error(
        &put_if(&kv, "/k", ("if-none-match", "*"), "second"),
        412,
        "etag-mismatch",
    );
    assert_eq!((kv.value("/k").as_str(), kv.etag("/k")), ("first", etag));
    assert_done(&kv.delete("/k"));
    assert_done(&put_if(&kv, "/k", ("if-none-match", "*"), "third"));
}

fn a_delete_with_the_current_etag_is_done_and_with_a_stale_one_refused(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "old");
    let stale = kv.etag("/k");
    kv.put("/k", "new");
    let delete = |etag: &str| kv.call("DELETE", "/k").header("if-match", etag).send();
    assert_error(&delete(&stale), 412, "etag-mismatch");
    assert_eq!(kv.value("/k"), "new");
    assert_done(&delete(&kv.etag("/k")));
    assert_absent(&kv.get("/k"));
}

fn an_item_that_was_deleted_and_put_again_has_another_etag(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "same");
    let first = kv.etag("/k");
    assert_done(&kv.delete("/k"));
    kv.put("/k", "same");
    assert_ne!(kv.etag("/k"), first);
    assert_error(&put_if(&kv, "/k", ("if-match", &first), "lost"), 412, "etag-mismatch");
}

/// How many write at once.
const WRITERS: usize = 16;

/// Writes from many threads at once and checks that one was done and the others were told so.
fn race(kv: &Kv, condition: (&str, &str)) {
    let answers = thread::scope(|scope| {
        let write = |writer: usize| put_if(kv, "/k", condition, &writer.to_string());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || (writer, write(writer))))
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect::<Vec<_>>()
    });
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, answer)| answer.status == 204);
    for (_, answer) in refused {
        assert_error(answer, 412, "etag-mismatch");
    }
    let winners: Vec<_> = done.iter().map(|(writer, _)| writer.to_string()).collect();
    assert_eq!(winners, [kv.value("/k")]);
}

fn of_many_writers_with_one_etag_exactly_one_wins(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "start");
    for _ in 0..5 {
        race(&kv, ("if-match", &kv.etag("/k")));
    }
}

fn of_many_creators_exactly_one_wins(store: &Store) {
    let kv = store.kv();
    for _ in 0..5 {
        race(&kv, ("if-none-match", "*"));
        assert_done(&kv.delete("/k"));
    }
}

fn conditions_that_a_store_cannot_check_are_invalid(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "kept");
    let etag = kv.etag("/k");
    for (header, value) in [
        ("if-match", "*"),
        ("if-match", "W/\"1\""),
        ("if-match", "1"),
        ("if-match", "\"\""),
        ("if-match", "\"1\", \"2\""),
        ("if-none-match", etag.as_str()),
    ] {
        assert_error(&put_if(&kv, "/k", (header, value), "lost"), 400, "invalid");
    }
    let both = kv
        .call("PUT", "/k")
        .header("if-match", &etag)
        .header("if-none-match", "*")
        .body("lost")
        .send();
    assert_error(&both, 400, "invalid");
    let twice = kv.call("PUT", "/k").header("if-match", &etag).header("if-match", &etag);
    assert_error(&twice.body("lost").send(), 400, "invalid");
    assert_error(
        &kv.call("DELETE", "/k").header("if-none-match", "*").send(),
        400,
        "invalid",
    );
    assert_error(&kv.call("DELETE", "/k").header("if-match", "*").send(), 400, "invalid");
    assert_eq!(kv.value("/k"), "kept");
}
