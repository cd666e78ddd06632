//! Claims about many items at once.

use super::check::{Verdict, holds, items_refused, mismatched, refused, same};
use super::ground::{Ground, delete, delete_if, set, set_if, set_typed};
use super::run::claims;
use crate::state::{Condition, ContentType, Entry, Etag, GetOptions};

claims! {
    bulk_get_answers_in_the_order_of_the_keys;
    bulk_get_answers_absent_items_with_none;
    bulk_get_answers_a_key_as_often_as_it_is_named;
    bulk_get_gives_what_get_gives;
    bulk_get_of_as_much_as_may_be_answered_is_answered;
    bulk_get_of_more_than_may_be_answered_is_too_large;
    bulk_set_writes_every_item;
    bulk_set_keeps_each_items_content_type [ContentTypes];
    a_bulk_call_of_the_most_items_is_done;
    bulk_set_does_what_it_can_and_names_the_rest [Etags];
    bulk_set_of_items_that_all_fail_changes_nothing [Etags];
    bulk_delete_removes_every_item;
    bulk_delete_does_what_it_can_and_names_the_rest [Etags];
}

fn values(entries: Vec<Option<Entry>>) -> Vec<Option<Vec<u8>>> {
    entries
        .into_iter()
        .map(|entry| entry.map(|entry| entry.value))
        .collect()
}

fn some(texts: &[Option<&str>]) -> Vec<Option<Vec<u8>>> {
    texts
        .iter()
        .map(|text| text.map(|text| text.as_bytes().to_vec()))
        .collect()
}

// ---- bulk get ----

async fn bulk_get_answers_in_the_order_of_the_keys(ground: &Ground) -> Verdict {
    for key in ["a", "b", "c", "d"] {
        ground.app.put(key, key).await?;
    }
    let found = values(ground.app.read_all(&["c", "a", "d", "b"]).await?);
    same("the values", found, some(&[Some("c"), Some("a"), Some("d"), Some("b")]))
}

async fn bulk_get_answers_absent_items_with_none(ground: &Ground) -> Verdict {
    for key in ["a", "b"] {
        ground.app.put(key, key).await?;
    }
    let found = values(ground.app.read_all(&["never", "b", "nothing", "a", "none"]).await?);
    same("the values", found, some(&[None, Some("b"), None, Some("a"), None]))?;
    same(
        "no item at all",
        values(ground.app.read_all(&["x", "y"]).await?),
        some(&[None, None]),
    )
}

async fn bulk_get_answers_a_key_as_often_as_it_is_named(ground: &Ground) -> Verdict {
    ground.app.put("a", "1").await?;
    let found = values(ground.app.read_all(&["a", "never", "a"]).await?);
    same("the values", found, some(&[Some("1"), None, Some("1")]))
}

async fn bulk_get_gives_what_get_gives(ground: &Ground) -> Verdict {
    ground
        .app
        .set(set_typed("a", [0, 255], &ContentType::new("image/png")?))
        .await?;
    ground.app.put("b", "").await?;
    let together = ground.app.read_all(&["a", "b"]).await?;
    same(
        "the entries",
        together,
        vec![ground.app.read("a").await?, ground.app.read("b").await?],
    )
}

async fn bulk_get_of_as_much_as_may_be_answered_is_answered(ground: &Ground) -> Verdict {
    // Etags count, too.
    let half = (ground.limits.batch / 2).saturating_sub(Etag::MAX_BYTES);
    let halves = [vec![1; half], vec![2; half]];
    if halves.iter().any(|half| half.len() > ground.limits.value) {
        return Ok(());
    }
    for (key, half) in ["a", "b"].into_iter().zip(&halves) {
        ground.app.put(key, half.clone()).await?;
    }
    let found = values(ground.app.read_all(&["a", "never", "b"]).await?);
    let [first, second] = halves;
    holds(
        "the values came back changed",
        found == [Some(first), None, Some(second)],
    )
}

async fn bulk_get_of_more_than_may_be_answered_is_too_large(ground: &Ground) -> Verdict {
    let count = ground.limits.batch / ground.limits.value + 1;
    let keys = (0..count).map(|index| index.to_string()).collect::<Vec<_>>();
    for key in &keys {
        ground.app.put(key, vec![0; ground.limits.value]).await?;
    }
    // Of the store itself, which must not go on reading: what it then answers too much, an app never sees.
    let prefix = ground.prefix();
    let keys = keys.iter().map(|key| prefix.key(key, &ground.limits));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let (options, max) = (GetOptions::default(), ground.limits.batch);
    let found = ground.store.bulk_get(&keys, &options, max).await;
    refused("bulk get", found.map(|entries| entries.len()), "too-large")
}

// ---- bulk set ----

async fn bulk_set_writes_every_item(ground: &Ground) -> Verdict {
    ground.app.put("b", "old").await?;
    ground
        .app
        .bulk_set(vec![set("a", "1"), set("b", "2"), set("c", "")])
        .await?;
    let found = values(ground.app.read_all(&["a", "b", "c"]).await?);
    same("the values", found, some(&[Some("1"), Some("2"), Some("")]))
}

async fn bulk_set_keeps_each_items_content_type(ground: &Ground) -> Verdict {
    let (png, json) = (ContentType::new("image/png")?, ContentType::new("application/json")?);
    ground
        .app
        .bulk_set(vec![
            set_typed("a", "{}", &png),
            set("b", "{}"),
            set_typed("c", "{}", &json),
        ])
        .await?;
    let found = ground.app.read_all(&["a", "b", "c"]).await?;
    let found = found
        .into_iter()
        .map(|entry| entry.and_then(|entry| entry.content_type))
        .collect::<Vec<_>>();
    same("the content types", found, vec![Some(png), None, Some(json)])
}

async fn a_bulk_call_of_the_most_items_is_done(ground: &Ground) -> Verdict {
    let keys = (0..ground.limits.items)
        .map(|index| format!("k{index}"))
        .collect::<Vec<_>>();
    ground
        .app
        .bulk_set(keys.iter().map(|key| set(key, key.as_str())).collect())
        .await?;
    let found = ground.app.bulk_get(&keys, &GetOptions::default()).await?;
    let expected = keys
        .iter()
        .map(|key| Some(key.clone().into_bytes()))
        .collect::<Vec<_>>();
    holds("not every item was written", values(found) == expected)?;
    ground
        .app
        .bulk_delete(keys.iter().map(|key| delete(key)).collect())
        .await?;
    let found = ground.app.bulk_get(&keys, &GetOptions::default()).await?;
    holds("not every item was removed", found.iter().all(Option::is_none))
}

async fn bulk_set_does_what_it_can_and_names_the_rest(ground: &Ground) -> Verdict {
    ground.app.put("stale", "old").await?;
    let stale = ground.app.etag("stale").await?;
    for key in ["stale", "current", "there"] {
        ground.app.put(key, "before").await?;
    }
    let current = ground.app.etag("current").await?;
    let items = vec![
        set_if("stale", "after", Condition::Matches(stale.clone())),
        set_if("current", "after", Condition::Matches(current)),
        set_if("there", "after", Condition::Absent),
        set_if("new", "after", Condition::Absent),
        set_if("never", "after", Condition::Matches(stale)),
        set("any", "after"),
    ];
    items_refused(
        "bulk set",
        ground.app.bulk_set(items).await,
        &[0, 2, 4],
        "etag-mismatch",
    )?;
    let found = values(
        ground
            .app
            .read_all(&["stale", "current", "there", "new", "never", "any"])
            .await?,
    );
    let (before, after) = (Some("before"), Some("after"));
    same("the values", found, some(&[before, after, before, after, None, after]))
}

async fn bulk_set_of_items_that_all_fail_changes_nothing(ground: &Ground) -> Verdict {
    for key in ["a", "b"] {
        ground.app.put(key, "before").await?;
    }
    let items = ["a", "b"].map(|key| set_if(key, "after", Condition::Absent));
    items_refused(
        "bulk set",
        ground.app.bulk_set(items.into()).await,
        &[0, 1],
        "etag-mismatch",
    )?;
    same(
        "the values",
        values(ground.app.read_all(&["a", "b"]).await?),
        some(&[Some("before"), Some("before")]),
    )
}

// ---- bulk delete ----

async fn bulk_delete_removes_every_item(ground: &Ground) -> Verdict {
    for key in ["a", "b", "kept"] {
        ground.app.put(key, "v").await?;
    }
    ground
        .app
        .bulk_delete(vec![delete("a"), delete("never"), delete("b")])
        .await?;
    same(
        "the values",
        values(ground.app.read_all(&["a", "b", "kept"]).await?),
        some(&[None, None, Some("v")]),
    )
}

async fn bulk_delete_does_what_it_can_and_names_the_rest(ground: &Ground) -> Verdict {
    ground.app.put("stale", "old").await?;
    let stale = ground.app.etag("stale").await?;
    for key in ["stale", "current", "any"] {
        ground.app.put(key, "v").await?;
    }
    let current = ground.app.etag("current").await?;
    let items = vec![
        delete_if("stale", &stale),
        delete_if("current", &current),
        delete_if("never", &stale),
        delete("any"),
        delete("nothing"),
    ];
    items_refused(
        "bulk delete",
        ground.app.bulk_delete(items).await,
        &[0, 2],
        "etag-mismatch",
    )?;
    let found = values(ground.app.read_all(&["stale", "current", "any"]).await?);
    same("the values", found, some(&[Some("v"), None, None]))?;
    mismatched("the stale etag", ground.app.remove_if("stale", &stale).await)
}
