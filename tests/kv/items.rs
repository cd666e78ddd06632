//! Putting, getting and deleting; keys and their spelling; methods; sizes.

use crate::ground::{Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::PATIENCE;
use serde_json::json;

crate::on_every_store! {
    a_value_comes_back_byte_for_byte,
    the_content_type_is_kept_with_the_value,
    a_value_without_content_type_has_none,
    a_second_content_type_is_invalid,
    an_empty_value_is_there,
    an_absent_key_is_404_without_a_body,
    a_put_replaces_the_value_and_its_content_type,
    a_deleted_item_is_gone_and_deleting_it_again_is_no_error,
    head_is_get_without_the_body,
    a_key_is_its_decoded_path,
    keys_that_differ_in_case_or_spelling_are_different_keys,
    a_malformed_path_is_invalid,
    keys_that_no_store_may_have_are_invalid,
    a_key_may_have_1_kib_and_not_a_byte_more,
    a_value_may_have_4_mib_and_not_a_byte_more,
    a_body_that_is_too_large_says_so_though_it_did_not_announce_its_size,
    a_content_type_may_have_255_bytes_and_not_one_more,
    other_methods_are_405_and_say_which_there_are,
    parameters_that_mean_nothing_are_invalid,
}

// Without those that list keys to see what is there, and without empty values: `lacking` has what plugins answer to these.
crate::on_every_store! {
    on [plugin_command plugin_reactor]:
    a_value_comes_back_byte_for_byte,
    the_content_type_is_kept_with_the_value,
    a_value_without_content_type_has_none,
    a_second_content_type_is_invalid,
    an_absent_key_is_404_without_a_body,
    a_put_replaces_the_value_and_its_content_type,
    a_deleted_item_is_gone_and_deleting_it_again_is_no_error,
    head_is_get_without_the_body,
    keys_that_differ_in_case_or_spelling_are_different_keys,
    keys_that_no_store_may_have_are_invalid,
    a_key_may_have_1_kib_and_not_a_byte_more,
    a_value_may_have_4_mib_and_not_a_byte_more,
    a_body_that_is_too_large_says_so_though_it_did_not_announce_its_size,
    a_content_type_may_have_255_bytes_and_not_one_more,
    other_methods_are_405_and_say_which_there_are,
    parameters_that_mean_nothing_are_invalid,
}

fn a_value_comes_back_byte_for_byte(store: &Store) {
    let kv = store.kv();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    assert_done(&kv.try_put("/bytes", bytes.clone()));
    let response = kv.get("/bytes");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-length"), Some("70000"));
    assert!(
        response.body == bytes,
        "{} bytes came back, not those that were put",
        response.body.len()
    );
}

fn the_content_type_is_kept_with_the_value(store: &Store) {
    let kv = store.kv();
    for content_type in ["image/png", "application/json; charset=\"utf-8\"", "text/plain"] {
        let put = kv
            .call("PUT", "/typed")
            .header("content-type", content_type)
            .body("{}")
            .send();
        assert_done(&put);
        assert_eq!(kv.get("/typed").header("content-type"), Some(content_type));
    }
}

fn a_value_without_content_type_has_none(store: &Store) {
    let kv = store.kv();
    kv.put("/untyped", "x");
    assert_eq!(kv.get("/untyped").header("content-type"), None);
}

fn a_second_content_type_is_invalid(store: &Store) {
    let kv = store.kv();
    let put = kv.call("PUT", "/typed").header("content-type", "text/plain");
    assert_error(
        &put.header("content-type", "text/html").body("x").send(),
        400,
        "invalid",
    );
    assert_absent(&kv.get("/typed"));
}

fn an_empty_value_is_there(store: &Store) {
    let kv = store.kv();
    kv.put("/empty", "");
    let response = kv.get("/empty");
    assert_eq!((response.status, response.text().as_str()), (200, ""));
    assert!(response.header("etag").is_some());
}

fn an_absent_key_is_404_without_a_body(store: &Store) {
    assert_absent(&store.kv().get("/nothing"));
}

fn a_put_replaces_the_value_and_its_content_type(store: &Store) {
    let kv = store.kv();
    assert_done(
        &kv.call("PUT", "/k")
            .header("content-type", "text/html")
            .body("a longer value")
            .send(),
    );
    kv.put("/k", "new");
    let response = kv.get("/k");
    assert_eq!(
        (response.text().as_str(), response.header("content-type")),
        ("new", None)
    );
}

fn a_deleted_item_is_gone_and_deleting_it_again_is_no_error(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "x");
    assert_done(&kv.delete("/k"));
    assert_absent(&kv.get("/k"));
    assert_done(&kv.delete("/k"));
}

fn head_is_get_without_the_body(store: &Store) {
    let kv = store.kv();
    assert_done(
        &kv.call("PUT", "/k")
            .header("content-type", "text/plain")
            .body("value")
            .send(),
    );
    let (head, get) = (kv.call("HEAD", "/k").send(), kv.get("/k"));
    assert_eq!((head.status, head.body.as_slice()), (200, b"".as_slice()));
    for header in ["etag", "content-type"] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
    assert_eq!(kv.call("HEAD", "/nothing").send().status, 404);
}

fn a_key_is_its_decoded_path(store: &Store) {
    let kv = store.kv();
    // Two spellings of one key each: what one puts the other gets, and the listing has the key itself.
    let keys = [
        ("/a/b", "/a%2Fb", "a/b"),
        ("/k%C3%A4se", "/%6b%c3%a4s%65", "käse"),
        ("/%F0%9F%92%A9", "/%f0%9f%92%a9", "💩"),
        ("/one%20two", "/one%20t%77o", "one two"),
        ("/100%25", "/%3100%25", "100%"),
        ("/what%3F", "/wh%61t%3f", "what?"),
        ("/plus+", "/plus%2B", "plus+"),
        ("//slash", "/%2Fslash", "/slash"),
        ("/a%7Cb", "/%61%7cb", "a|b"),
        ("/line%0Aend", "/line%0aend", "line\nend"),
    ];
    for (one, other, key) in keys {
        kv.put(one, key);
        assert_eq!(kv.value(other), key, "put as {one}, read as {other}");
    }
    let page = kv.get("/?limit=1000").json();
    let mut listed: Vec<_> = page["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap())
        .collect();
    let mut put = keys.map(|(_, _, key)| key);
    listed.sort_unstable();
    put.sort_unstable();
    assert_eq!(listed, put);
}

fn keys_that_differ_in_case_or_spelling_are_different_keys(store: &Store) {
    let kv = store.kv();
    // Composed and decomposed: the same letter to the eye.
    let keys = ["/key", "/Key", "/KEY", "/key%20", "/k%C3%A9y", "/ke%CC%81y"];
    for key in keys {
        kv.put(key, key);
    }
    for key in keys {
        assert_eq!(kv.value(key), key);
    }
}

fn a_malformed_path_is_invalid(store: &Store) {
    let kv = store.kv();
    for target in ["/%", "/%4", "/%zz", "/a%2", "/%FF", "/%C3", "/%ED%A0%80"] {
        assert_error(&kv.get(target), 400, "invalid");
        assert_error(&kv.try_put(target, "x"), 400, "invalid");
        assert_error(&kv.delete(target), 400, "invalid");
    }
    assert_eq!(kv.get("/").json(), json!({ "keys": [], "cursor": null }));
}

fn keys_that_no_store_may_have_are_invalid(store: &Store) {
    let kv = store.kv();
    for key in ["/a||b", "/a%7C%7Cb", "/%7C%7C", "/a%00b"] {
        assert_error(&kv.get(key), 400, "invalid");
        assert_error(&kv.try_put(key, "x"), 400, "invalid");
        assert_error(&kv.delete(key), 400, "invalid");
    }
    // The empty key is what a listing is asked under, so that only these two can mean it.
    assert_error(&kv.try_put("/", "x"), 400, "invalid");
    assert_error(&kv.delete("/"), 400, "invalid");
}

fn a_key_may_have_1_kib_and_not_a_byte_more(store: &Store) {
    let kv = store.kv();
    // Bytes and not characters: each of these has two, and six on the way.
    for key in ["k".repeat(1024), "%C3%A4".repeat(512)] {
        kv.put(&format!("/{key}"), "long");
        assert_eq!(kv.value(&format!("/{key}")), "long");
        assert_error(&kv.try_put(&format!("/{key}k"), "x"), 413, "too-large");
        assert_error(&kv.get(&format!("/{key}k")), 413, "too-large");
        assert_error(&kv.delete(&format!("/{key}k")), 413, "too-large");
    }
}

fn a_value_may_have_4_mib_and_not_a_byte_more(store: &Store) {
    let kv = store.kv();
    let mut value = vec![b'v'; 4 << 20];
    kv.put("/large", value.clone());
    value.push(b'v');
    assert_error(&kv.try_put("/large", value), 413, "too-large");
    let kept = kv.get("/large").body;
    assert!(
        kept.len() == 4 << 20 && kept.iter().all(|byte| *byte == b'v'),
        "{} bytes are there",
        kept.len()
    );
}

fn a_body_that_is_too_large_says_so_though_it_did_not_announce_its_size(store: &Store) {
    const CHUNK: usize = 1 << 20;
    let kv = store.kv();
    // Beyond what a value may have, beyond what the app reads, and beyond what the host passes on.
    for mebibytes in [5, 13, 20] {
        let mut connection = kv.connect();
        connection.send("PUT /k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = [format!("{CHUNK:x}\r\n").as_bytes(), &[b'v'; CHUNK], b"\r\n"].concat();
        // The host may close the connection once it has answered.
        let _ = (0..mebibytes).try_for_each(|_| connection.try_send(&chunk));
        let _ = connection.try_send("0\r\n\r\n");
        let answer = connection.receive_until("\"message\"", PATIENCE);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{mebibytes} MiB: {answer}");
        assert!(answer.contains("\"error\":\"too-large\""), "{mebibytes} MiB: {answer}");
    }
    assert_absent(&kv.get("/k"));
}

fn a_content_type_may_have_255_bytes_and_not_one_more(store: &Store) {
    let kv = store.kv();
    let content_type = format!("text/{}", "x".repeat(250));
    let put = |content_type: &str| {
        kv.call("PUT", "/k")
            .header("content-type", content_type)
            .body("x")
            .send()
    };
    assert_done(&put(&content_type));
    assert_error(&put(&format!("{content_type}x")), 400, "invalid");
    assert_eq!(kv.get("/k").header("content-type"), Some(content_type.as_str()));
}

fn other_methods_are_405_and_say_which_there_are(store: &Store) {
    let kv = store.kv();
    for (method, target, allow) in [
        ("POST", "/k", "GET, HEAD, PUT, DELETE"),
        ("PATCH", "/k", "GET, HEAD, PUT, DELETE"),
        ("OPTIONS", "/k", "GET, HEAD, PUT, DELETE"),
        ("PATCH", "/", "GET, HEAD, POST"),
        ("OPTIONS", "/", "GET, HEAD, POST"),
    ] {
        let response = kv.call(method, target).send();
        assert_error(&response, 405, "invalid");
        assert_eq!(response.header("allow"), Some(allow), "{method} {target}");
    }
}

fn parameters_that_mean_nothing_are_invalid(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "x");
    for (method, target) in [
        ("PUT", "/k?tll=5"),
        ("PUT", "/k?ttl=5&ttl=6"),
        ("PUT", "/k?ttl=%zz"),
        ("PUT", "/k?prefix=a"),
        ("GET", "/k?ttl=5"),
        ("DELETE", "/k?ttl=5"),
        ("GET", "/?ttl=5"),
        ("GET", "/?store=statestore&store=other"),
        ("POST", "/?ttl=5"),
    ] {
        let body = if method == "POST" { "[]" } else { "y" };
        let call = kv.call(method, target);
        let call = if method == "GET" || method == "DELETE" {
            call
        } else {
            call.body(body)
        };
        assert_error(&call.send(), 400, "invalid");
    }
    assert_eq!(kv.value("/k"), "x");
}
