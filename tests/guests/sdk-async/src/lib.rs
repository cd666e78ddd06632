//! Does everything that the SDK has for calls that are awaited, on the store `statestore`, which must be empty, and answers `ok`.
//! What is not as it should be is a panic: a 500, and a line in the host's log.

#[path = "../../shared/p3.rs"]
mod p3;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "dapr:host/http-app-async", generate_all });
}

use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Request, Response};
use dapr_wasm_sdk::{
    AsyncStore, BulkError, Consistency, DeleteOptions, Error, GetOptions, ListOptions, Operation, SetOptions,
};
use futures_util::future::try_join3;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

struct Sdk;

bindings::export!(Sdk with_types_in bindings);

impl Guest for Sdk {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        values().await.expect("values");
        conditions().await.expect("conditions");
        several_at_once().await.expect("several at once");
        transactions().await.expect("transactions");
        listing().await.expect("listing");
        updates().await.expect("updates");
        refusals().await.expect("refusals");
        Ok(p3::response(200, "ok".to_owned()))
    }
}

const STORE: AsyncStore<'static> = AsyncStore::new("statestore");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Value {
    text: String,
    list: Vec<Option<u8>>,
}

async fn number(key: &str) -> Option<u32> {
    STORE.get(key).await.expect("it is there or not")
}

async fn numbers<const N: usize>(keys: [&str; N]) -> [Option<u32>; N] {
    let mut numbers = [None; N];
    for (number, key) in numbers.iter_mut().zip(keys) {
        *number = self::number(key).await;
    }
    numbers
}

async fn etag(key: &str) -> String {
    let item = STORE.item::<u32>(key).await.ok().flatten();
    item.and_then(|item| item.etag).expect("an item has an etag")
}

async fn ends(key: &str) -> bool {
    let item = STORE.bytes(key).await.ok().flatten().expect("it is there");
    item.expires_at.is_some()
}

macro_rules! assert_fails {
    ($call:expr, $case:pat) => {
        let failed = $call;
        assert!(matches!(failed, Err($case)), "{failed:?}");
    };
}

async fn values() -> Result<(), Error> {
    assert_eq!(STORE.get::<u32>("absent").await?, None);
    let value = Value {
        text: "k\u{e4}se \u{1F9C0}".to_owned(),
        list: vec![Some(1), None],
    };
    let options = SetOptions::new().consistency(Consistency::Strong).metadata("a", "b");
    STORE.set_with("value", &value, options).await?;
    let options = GetOptions::new().consistency(Consistency::Eventual).metadata("a", "b");
    let item = STORE.item_with::<Value>("value", options).await?.expect("it is there");
    assert_eq!(item.value, value);
    assert_eq!(item.content_type.as_deref(), Some("application/json"));
    assert!(item.etag.is_some() && item.expires_at.is_none());
    assert_fails!(STORE.get::<u32>("value").await, Error::Value { .. });

    let options = SetOptions::new().ttl(1000).content_type("text/x-number");
    STORE.set_with("ending", &1, options).await?;
    let ending = STORE.item::<u32>("ending").await?.expect("it is there");
    assert_eq!(ending.content_type.as_deref(), Some("text/x-number"));
    assert!(ends("ending").await);

    let all: Vec<u8> = (0..=255).collect();
    STORE.set_bytes("bytes", all.clone(), SetOptions::new()).await?;
    assert_eq!(STORE.bytes("bytes").await?.expect("they are there").value, all);

    let (one, two, none) = try_join3(
        STORE.get::<Value>("value"),
        STORE.get::<u32>("ending"),
        STORE.get::<u32>("absent"),
    )
    .await?;
    assert_eq!((one, two, none), (Some(value), Some(1), None));
    Ok(())
}

async fn conditions() -> Result<(), Error> {
    let absent = || SetOptions::new().if_absent();
    STORE.set_with("conditional", &1, absent()).await?;
    assert_fails!(
        STORE.set_with("conditional", &2, absent()).await,
        Error::EtagMismatch(_)
    );
    let stale = etag("conditional").await;
    let matching = || SetOptions::new().if_match(&stale);
    STORE.set_with("conditional", &3, matching()).await?;
    assert_fails!(
        STORE.set_with("conditional", &4, matching()).await,
        Error::EtagMismatch(_)
    );
    let delete = |etag: &str| STORE.delete_with("conditional", DeleteOptions::new().if_match(etag));
    assert_fails!(delete(&stale).await, Error::EtagMismatch(_));
    assert_eq!(number("conditional").await, Some(3));
    delete(&etag("conditional").await).await?;
    STORE.delete("conditional").await?;
    assert_eq!(number("conditional").await, None);
    Ok(())
}

async fn several_at_once() -> Result<(), Error> {
    let set = |key: &str, value: u32| Operation::set(key, &value, SetOptions::new());
    let stale = || DeleteOptions::new().if_match("stale");
    STORE.bulk([set("a", 1)?, set("b", 2)?]).await.expect("all of it");
    let items = STORE.items::<u32>(&["b", "absent", "a"].map(str::to_owned)).await?;
    let values: Vec<_> = items.into_iter().map(|item| item.map(|item| item.value)).collect();
    assert_eq!(values, [Some(2), None, Some(1)]);

    let exists = Operation::set("a", &4, SetOptions::new().if_absent())?;
    let partly = STORE
        .bulk([set("c", 3)?, Operation::delete("b", stale()), exists, set("d", 5)?])
        .await;
    let Err(BulkError::Items(items)) = partly else {
        panic!("{partly:?}")
    };
    let failed: Vec<_> = items.iter().map(|item| item.index).collect();
    assert_eq!(failed, [2, 1]);
    assert!(items.iter().all(|item| matches!(item.error, Error::EtagMismatch(_))));
    assert_eq!(
        numbers(["a", "b", "c", "d"]).await,
        [Some(1), Some(2), Some(3), Some(5)]
    );
    assert_fails!(
        STORE.bulk([set("", 1)?, set("", 2)?]).await,
        BulkError::Call(Error::Invalid(_))
    );
    Ok(())
}

async fn transactions() -> Result<(), Error> {
    let steps = |etag: &str| -> Result<_, Error> {
        Ok([
            Operation::set("b", &9, SetOptions::new().ttl(1000))?,
            Operation::delete("a", DeleteOptions::new().if_match(etag)),
        ])
    };
    assert_fails!(STORE.transact(steps("stale")?).await, Error::EtagMismatch(_));
    assert_eq!(numbers(["a", "b"]).await, [Some(1), Some(2)]);
    STORE.transact(steps(&etag("a").await)?).await?;
    assert_eq!(numbers(["a", "b"]).await, [None, Some(9)]);
    Ok(())
}

async fn listing() -> Result<(), Error> {
    for key in ["x", "y", "z"] {
        STORE.set(&format!("list/{key}"), key).await?;
    }
    let first = STORE.keys("list/", ListOptions::new().limit(2)).await?;
    let second = STORE
        .keys("list/", ListOptions::new().cursor(first.cursor.clone()))
        .await?;
    assert_eq!((first.keys.len(), &second.cursor), (2, &None));
    let both: BTreeSet<_> = first.keys.into_iter().chain(second.keys).collect();
    assert_eq!(both, ["list/x", "list/y", "list/z"].map(str::to_owned).into());
    for number in 0..120 {
        STORE.set(&format!("many/{number}"), &number).await?;
    }
    let mut keys = STORE.all_keys("many/");
    let mut all = BTreeSet::new();
    while let Some(key) = keys.next().await {
        all.insert(key?);
    }
    assert_eq!(all.len(), 120);
    assert_fails!(
        AsyncStore::new("nothing").all_keys("").next().await.unwrap(),
        Error::NoSuchStore(_)
    );
    Ok(())
}

async fn updates() -> Result<(), Error> {
    let add_one = |count: Option<u32>| Ok::<_, Error>(count.unwrap_or(0) + 1);
    assert_eq!(STORE.update("count", add_one).await?, 1);
    // Each of them is slower than the others once or twice, and none is lost.
    let (one, two, three) = try_join3(
        STORE.update("count", add_one),
        STORE.update("count", add_one),
        STORE.update("count", add_one),
    )
    .await?;
    assert_eq!(BTreeSet::from([one, two, three]), BTreeSet::from([2, 3, 4]));
    let refused = STORE.update("count", |_: Option<u32>| Err(Error::Denied("enough".to_owned())));
    assert_fails!(refused.await, Error::Denied(_));
    assert_eq!(number("count").await, Some(4));
    let ending = |count: Option<u32>| Ok::<_, Error>((count.unwrap_or(0), SetOptions::new().ttl(2000)));
    STORE.update_with("count", ending).await?;
    assert!(ends("count").await);
    Ok(())
}

async fn refusals() -> Result<(), Error> {
    assert_fails!(
        STORE.set_with("k", &1, SetOptions::new().ttl(0)).await,
        Error::Invalid(_)
    );
    assert_fails!(STORE.get::<u32>("").await, Error::Invalid(_));
    let nonsense = ListOptions::new().cursor("nonsense".to_owned());
    assert_fails!(STORE.keys("", nonsense).await, Error::Invalid(_));
    assert_fails!(STORE.set("k", &"x".repeat(5 << 20)).await, Error::TooLarge(_));
    assert_fails!(AsyncStore::new("nothing").get::<u32>("k").await, Error::NoSuchStore(_));
    assert_eq!(number("k").await, None);
    Ok(())
}
