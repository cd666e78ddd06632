//! Does everything that the SDK has on the store `statestore`, which must be empty, and answers `ok`. What is not as it should be is
//! a panic: a 500, and a line in the host's log.

use dapr_wasm_sdk::{
    BulkError, Consistency, DeleteOptions, Error, GetOptions, ListOptions, Operation, SetOptions, Store,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Sdk;

wasip2::http::proxy::export!(Sdk);

impl Guest for Sdk {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        values().expect("values");
        conditions().expect("conditions");
        several_at_once().expect("several at once");
        transactions().expect("transactions");
        listing().expect("listing");
        updates().expect("updates");
        refusals().expect("refusals");

        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("the body is taken for the first time");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken for the first time");
        let _ = stream.blocking_write_and_flush(b"ok");
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

const STORE: Store<'static> = Store::new("statestore");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Value {
    text: String,
    list: Vec<Option<u8>>,
}

fn number(key: &str) -> Option<u32> {
    STORE.get(key).expect("it is there or not")
}

fn etag(key: &str) -> String {
    let item = STORE.item::<u32>(key).ok().flatten();
    item.and_then(|item| item.etag).expect("an item has an etag")
}

fn ends_in(key: &str, ttl: u64) {
    let item = STORE.bytes(key).ok().flatten().expect("it is there");
    let end = item.expires_at.expect("it ends");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    assert!(end.abs_diff(now + ttl) < 60, "{key} ends at {end}");
}

macro_rules! assert_fails {
    ($call:expr, $case:pat) => {
        let failed = $call;
        assert!(matches!(failed, Err($case)), "{failed:?}");
    };
}

fn values() -> Result<(), Error> {
    assert_eq!(STORE.get::<u32>("absent")?, None);
    let value = Value {
        text: "käse \u{1F9C0}".to_owned(),
        list: vec![Some(1), None],
    };
    let options = SetOptions::new().consistency(Consistency::Strong).metadata("a", "b");
    STORE.set_with("value", &value, options)?;
    let options = GetOptions::new().consistency(Consistency::Eventual).metadata("a", "b");
    let item = STORE.item_with::<Value>("value", options)?.expect("it is there");
    assert_eq!(item.value, value);
    assert_eq!(item.content_type.as_deref(), Some("application/json"));
    assert!(item.etag.is_some() && item.expires_at.is_none());
    assert_fails!(STORE.get::<u32>("value"), Error::Value { .. });

    STORE.set_with("ending", &1, SetOptions::new().ttl(1000).content_type("text/x-number"))?;
    let ending = STORE.item::<u32>("ending")?.expect("it is there");
    assert_eq!(ending.content_type.as_deref(), Some("text/x-number"));
    ends_in("ending", 1000);

    let all: Vec<u8> = (0..=255).collect();
    STORE.set_bytes("bytes", &all, SetOptions::new())?;
    assert_eq!(STORE.bytes("bytes")?.expect("they are there").value, all);
    Ok(())
}

fn conditions() -> Result<(), Error> {
    STORE.set_with("conditional", &1, SetOptions::new().if_absent())?;
    assert_fails!(
        STORE.set_with("conditional", &2, SetOptions::new().if_absent()),
        Error::EtagMismatch(_)
    );
    let stale = etag("conditional");
    STORE.set_with("conditional", &3, SetOptions::new().if_match(&stale))?;
    assert_fails!(
        STORE.set_with("conditional", &4, SetOptions::new().if_match(&stale)),
        Error::EtagMismatch(_)
    );
    let delete = |etag: &str| STORE.delete_with("conditional", DeleteOptions::new().if_match(etag));
    assert_fails!(delete(&stale), Error::EtagMismatch(_));
    assert_eq!(number("conditional"), Some(3));
    delete(&etag("conditional"))?;
    STORE.delete("conditional")?;
    assert_eq!(number("conditional"), None);
    Ok(())
}

fn several_at_once() -> Result<(), Error> {
    let set = |key: &str, value: u32| Operation::set(key, &value, SetOptions::new());
    let stale = || DeleteOptions::new().if_match("stale");
    STORE.bulk([set("a", 1)?, set("b", 2)?]).expect("all of it");
    let items = STORE.items::<u32>(&["b", "absent", "a"].map(str::to_owned))?;
    let values: Vec<_> = items.into_iter().map(|item| item.map(|item| item.value)).collect();
    assert_eq!(values, [Some(2), None, Some(1)]);

    let exists = Operation::set("a", &4, SetOptions::new().if_absent())?;
    let partly = STORE.bulk([set("c", 3)?, Operation::delete("b", stale()), exists, set("d", 5)?]);
    let Err(BulkError::Items(items)) = partly else {
        panic!("{partly:?}")
    };
    let failed: Vec<_> = items.iter().map(|item| item.index).collect();
    assert_eq!(failed, [2, 1]);
    assert!(items.iter().all(|item| matches!(item.error, Error::EtagMismatch(_))));
    assert_eq!(["a", "b", "c", "d"].map(number), [Some(1), Some(2), Some(3), Some(5)]);
    assert_fails!(
        STORE.bulk([set("", 1)?, set("", 2)?]),
        BulkError::Call(Error::Invalid(_))
    );
    Ok(())
}

fn transactions() -> Result<(), Error> {
    let steps = |etag: &str| -> Result<_, Error> {
        Ok([
            Operation::set("b", &9, SetOptions::new().ttl(1000))?,
            Operation::delete("a", DeleteOptions::new().if_match(etag)),
        ])
    };
    assert_fails!(STORE.transact(steps("stale")?), Error::EtagMismatch(_));
    assert_eq!(["a", "b"].map(number), [Some(1), Some(2)]);
    STORE.transact(steps(&etag("a"))?)?;
    assert_eq!(["a", "b"].map(number), [None, Some(9)]);
    Ok(())
}

fn listing() -> Result<(), Error> {
    for key in ["x", "y", "z"] {
        STORE.set(&format!("list/{key}"), key)?;
    }
    let first = STORE.keys("list/", ListOptions::new().limit(2))?;
    let second = STORE.keys("list/", ListOptions::new().cursor(first.cursor.clone()))?;
    assert_eq!((first.keys.len(), &second.cursor), (2, &None));
    let both: BTreeSet<_> = first.keys.into_iter().chain(second.keys).collect();
    assert_eq!(both, ["list/x", "list/y", "list/z"].map(str::to_owned).into());
    for number in 0..120 {
        STORE.set(&format!("many/{number}"), &number)?;
    }
    let all = STORE.all_keys("many/").collect::<Result<BTreeSet<_>, _>>()?;
    assert_eq!(all.len(), 120);
    Ok(())
}

fn updates() -> Result<(), Error> {
    let add_one = |count: Option<u32>| Ok::<_, Error>(count.unwrap_or(0) + 1);
    assert_eq!(STORE.update("count", add_one)?, 1);
    let mut calls = 0;
    let collided = STORE.update("count", |count| {
        calls += 1;
        if calls == 1 {
            // Somebody else is faster, once.
            STORE.set("count", &10)?;
        }
        add_one(count)
    })?;
    assert_eq!((collided, calls, number("count")), (11, 2, Some(11)));
    let always = STORE.update("count", |count: Option<u32>| {
        STORE.set("count", &(count.unwrap_or(0) + 1))?;
        Ok::<_, Error>(0)
    });
    assert_fails!(always, Error::EtagMismatch(_));
    assert_eq!(number("count"), Some(11 + 64));
    let refused = STORE.update("count", |_: Option<u32>| Err(Error::Denied("enough".to_owned())));
    assert_fails!(refused, Error::Denied(_));
    assert_eq!(number("count"), Some(11 + 64));
    STORE.update_with("count", |count: Option<u32>| {
        Ok::<_, Error>((count.unwrap_or(0), SetOptions::new().ttl(2000)))
    })?;
    ends_in("count", 2000);
    Ok(())
}

fn refusals() -> Result<(), Error> {
    assert_fails!(STORE.set_with("k", &1, SetOptions::new().ttl(0)), Error::Invalid(_));
    assert_fails!(STORE.get::<u32>(""), Error::Invalid(_));
    let nonsense = ListOptions::new().cursor("nonsense".to_owned());
    assert_fails!(STORE.keys("", nonsense), Error::Invalid(_));
    assert_fails!(STORE.set("k", &"x".repeat(5 << 20)), Error::TooLarge(_));
    assert_fails!(Store::new("nothing").get::<u32>("k"), Error::NoSuchStore(_));
    assert_eq!(number("k"), None);
    Ok(())
}
