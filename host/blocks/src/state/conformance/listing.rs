//! Claims about keys by prefix.

use super::check::{Failure, Verdict, holds, same};
use super::ground::{App, Ground, meet};
use super::keys::UNUSUAL;
use super::run::claims;
use crate::state::{Cursor, KeyPrefix, PageLimit, StateError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

claims! {
    a_listing_has_the_keys_with_the_prefix [Listing];
    an_empty_prefix_lists_all_keys_of_the_app [Listing];
    a_listing_of_nothing_is_one_empty_page [Listing];
    a_key_begins_with_itself [Listing];
    pages_give_every_key [Listing];
    a_page_has_at_most_its_limit [Listing];
    a_listing_that_ends_with_a_full_page_ends [Listing];
    a_deleted_item_is_not_listed [Listing];
    keys_of_any_script_and_punctuation_are_listed_exactly [Listing];
    wildcards_in_a_prefix_stand_for_themselves [Listing];
    a_prefix_is_compared_exactly [Listing];
    a_prefix_that_ends_in_the_highest_character_lists [Listing];
    a_cursor_outlives_the_items_of_its_page [Listing];
    a_cursor_names_no_key_that_is_not_listed [Listing];
    another_apps_keys_are_not_listed [Listing];
    actor_state_is_not_listed [Listing];
    keys_that_stay_are_listed_while_others_come_and_go [Listing];
}

/// Pages that a listing may take before it counts as endless.
const MANY_PAGES: usize = 1_000;

/// Every key of a listing, page by page.
async fn list(app: &App, prefix: &str, limit: PageLimit) -> Result<Vec<String>, Failure> {
    list_from(app, prefix, limit, None).await
}

async fn list_from(
    app: &App,
    prefix: &str,
    limit: PageLimit,
    mut cursor: Option<Cursor>,
) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    for _ in 0..MANY_PAGES {
        let page = app.list_keys(prefix, limit, cursor.as_ref()).await?;
        let found = page.keys.len();
        holds(
            &format!("a page of at most {} has {found} keys", limit.get()),
            found <= limit.get(),
        )?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
        meet().await;
    }
    Err(Failure::new("the listing does not end"))
}

/// A listing has exactly these keys, each once: nobody else writes.
async fn lists(app: &App, prefix: &str, expected: &[&str]) -> Verdict {
    let mut found = list(app, prefix, PageLimit::default()).await?;
    found.sort();
    let mut expected = expected.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    expected.sort();
    same(
        &format!("the keys with the prefix `{}`", prefix.escape_debug()),
        found,
        expected,
    )
}

async fn numbered(app: &App, count: usize) -> Result<BTreeSet<String>, Failure> {
    let keys = (0..count).map(|index| format!("p/{index}")).collect::<Vec<_>>();
    app.put_all(&keys).await?;
    Ok(keys.into_iter().collect())
}

// ---- which keys ----

async fn a_listing_has_the_keys_with_the_prefix(ground: &Ground) -> Verdict {
    ground
        .app
        .put_all(&["order/1", "order/2", "order", "orders/3", "a", "z"])
        .await?;
    lists(&ground.app, "order/", &["order/1", "order/2"]).await?;
    lists(&ground.app, "order", &["order/1", "order/2", "order", "orders/3"]).await
}

async fn an_empty_prefix_lists_all_keys_of_the_app(ground: &Ground) -> Verdict {
    ground.app.put_all(&["a", "b/c", "é"]).await?;
    lists(&ground.app, "", &["a", "b/c", "é"]).await
}

async fn a_listing_of_nothing_is_one_empty_page(ground: &Ground) -> Verdict {
    let page = ground.app.list_keys("", PageLimit::default(), None).await?;
    same("the keys of an app that has none", page.keys, Vec::new())?;
    same("the cursor", page.cursor, None)?;
    ground.app.put_all(&["a", "c"]).await?;
    lists(&ground.app, "b", &[]).await
}

async fn a_key_begins_with_itself(ground: &Ground) -> Verdict {
    ground.app.put_all(&["a", "ab", "b"]).await?;
    lists(&ground.app, "ab", &["ab"]).await
}

async fn a_deleted_item_is_not_listed(ground: &Ground) -> Verdict {
    ground.app.put_all(&["a", "b"]).await?;
    ground.app.remove("a").await?;
    lists(&ground.app, "", &["b"]).await
}

async fn keys_of_any_script_and_punctuation_are_listed_exactly(ground: &Ground) -> Verdict {
    ground.app.put_all(UNUSUAL).await?;
    lists(&ground.app, "", UNUSUAL).await?;
    for key in UNUSUAL {
        let found = list(&ground.app, key, PageLimit::default()).await?;
        holds(
            &format!("`{}` is not among the keys that begin with it", key.escape_debug()),
            found.iter().any(|found| found == key),
        )?;
    }
    Ok(())
}

async fn wildcards_in_a_prefix_stand_for_themselves(ground: &Ground) -> Verdict {
    let wild = [
        "%", "_", "*", "?", "[", "\\", "[a]", "[^a]", "{a,b}", ".*", "a%", "a_", "\\%", "\\\\",
    ];
    ground.app.put_all(&["a", "b", "ab", "abc", "a b"]).await?;
    for prefix in wild {
        lists(&ground.app, prefix, &[]).await?;
    }
    for prefix in wild {
        let key = format!("{prefix}/k");
        ground.app.put(&key, "v").await?;
        lists(&ground.app, prefix, &[&key]).await?;
        ground.app.remove(&key).await?;
    }
    Ok(())
}

async fn a_prefix_is_compared_exactly(ground: &Ground) -> Verdict {
    ground
        .app
        .put_all(&["Order", "order", "e\u{301}", "\u{e9}", " a", "a"])
        .await?;
    lists(&ground.app, "o", &["order"]).await?;
    lists(&ground.app, "O", &["Order"]).await?;
    lists(&ground.app, "e", &["e\u{301}"]).await?;
    lists(&ground.app, "\u{e9}", &["\u{e9}"]).await?;
    lists(&ground.app, " ", &[" a"]).await
}

async fn a_prefix_that_ends_in_the_highest_character_lists(ground: &Ground) -> Verdict {
    let highest = "p\u{10ffff}";
    let keys = [
        "p\u{10ffff}",
        "p\u{10ffff}a",
        "p\u{10ffff}\u{10ffff}",
        "p\u{10fffe}",
        "p",
        "q",
    ];
    ground.app.put_all(&keys).await?;
    lists(&ground.app, highest, &keys[..3]).await?;
    lists(&ground.app, "p\u{10ffff}\u{10ffff}", &keys[2..3]).await
}

// ---- pages ----

async fn pages_give_every_key(ground: &Ground) -> Verdict {
    let expected = numbered(&ground.app, 250).await?;
    ground.app.put_all(&["o", "q", "p"]).await?;
    for limit in [100, 7, 1000] {
        let found = list(&ground.app, "p/", PageLimit::new(limit)?).await?;
        same("keys, each once", found.len(), expected.len())?;
        holds(
            "not the keys that were set",
            found.into_iter().collect::<BTreeSet<_>>() == expected,
        )?;
    }
    Ok(())
}

async fn a_page_has_at_most_its_limit(ground: &Ground) -> Verdict {
    let expected = numbered(&ground.app, 5).await?;
    let found = list(&ground.app, "p/", PageLimit::new(1)?).await?;
    holds(
        "pages of one key do not give every key",
        found.into_iter().collect::<BTreeSet<_>>() == expected,
    )
}

async fn a_listing_that_ends_with_a_full_page_ends(ground: &Ground) -> Verdict {
    numbered(&ground.app, 20).await?;
    for limit in [10, 20, 5] {
        same("keys", list(&ground.app, "p/", PageLimit::new(limit)?).await?.len(), 20)?;
    }
    Ok(())
}

// ---- cursors ----

async fn a_cursor_outlives_the_items_of_its_page(ground: &Ground) -> Verdict {
    let keys = numbered(&ground.app, 6).await?;
    let page = ground.app.list_keys("p/", PageLimit::new(2)?, None).await?;
    for key in &page.keys {
        ground.app.remove(key).await?;
    }
    holds("a page of two keys of six has no cursor", page.cursor.is_some())?;
    let mut found = page.keys;
    found.extend(list_from(&ground.app, "p/", PageLimit::new(2)?, page.cursor).await?);
    holds(
        "keys are missing after those before them were deleted",
        found.into_iter().collect::<BTreeSet<_>>() == keys,
    )
}

async fn a_cursor_names_no_key_that_is_not_listed(ground: &Ground) -> Verdict {
    // Among keys that the app can name, one by one, stand others: an actor's, and all of other apps where there is no prefix.
    let actor = ground.app(&KeyPrefix::AppId, &format!("{}-a||hidden", ground.id), "conformance")?;
    let names = ["a", "h", "z"].map(|name| format!("{}-{name}", ground.id));
    let bare = ground.app(&KeyPrefix::None, "app", "conformance")?;
    for app in [&ground.app, &actor, &bare] {
        app.put_all(&names).await?;
    }
    let everything = KeyPrefix::None.resolve("app", "conformance", None);
    for listing in [
        ground.prefix().listing("", &ground.limits)?,
        everything.listing(&ground.id, &ground.limits)?,
    ] {
        let mut next = None;
        for _ in 0..MANY_PAGES {
            let listing = listing.clone().at(PageLimit::new(1)?, next);
            let page = ground.store.list_keys(&listing).await?;
            next = page.next;
            let Some(position) = &next else { break };
            // A position that is no key, like a number, tells nothing.
            let hidden = position.contains("||") && !listing.has(position);
            holds(
                &format!("the position `{}` is a hidden key", position.escape_debug()),
                !hidden,
            )?;
        }
        same("the position after the last page", next, None)?;
    }
    Ok(())
}

// ---- others ----

async fn another_apps_keys_are_not_listed(ground: &Ground) -> Verdict {
    ground.app.put_all(&["mine/1", "mine/2"]).await?;
    ground.other.put_all(&["mine/1", "theirs", "mine/3"]).await?;
    lists(&ground.app, "", &["mine/1", "mine/2"]).await?;
    lists(&ground.app, "mine/", &["mine/1", "mine/2"]).await?;
    lists(&ground.other, "", &["mine/1", "theirs", "mine/3"]).await
}

async fn actor_state_is_not_listed(ground: &Ground) -> Verdict {
    // Actors and workflows keep `APPID||TYPE||ID||KEY`: as an app of the id `APPID||TYPE||ID` would.
    let app_id = format!("{}-a||Type||id", ground.id);
    let actor = ground.app(&KeyPrefix::AppId, &app_id, "conformance")?;
    for index in 0..20 {
        actor.put(&format!("state{index}"), "v").await?;
    }
    ground.app.put_all(&["A", "T", "Type", "z"]).await?;
    let mut found = list(&ground.app, "", PageLimit::new(3)?).await?;
    found.sort();
    same("the keys", found, ["A", "T", "Type", "z"].map(str::to_owned).to_vec())
}

/// Keys before those that stay, between them and behind them, so that they move in any order.
const COME_AND_GO: [&str; 3] = ["p/ ", "p/3-", "p/~"];

async fn keys_that_stay_are_listed_while_others_come_and_go(ground: &Ground) -> Verdict {
    let stay = numbered(&ground.app, 60).await?;
    let missed = |found: &[String]| {
        let missed = stay.iter().filter(|key| !found.contains(key)).collect::<Vec<_>>();
        same("keys that stay and were not listed", missed, Vec::new())
    };
    // Between the pages, so that it happens each time.
    let mut cursor = None;
    let mut found = Vec::new();
    for pages in 0..MANY_PAGES {
        let page = ground.app.list_keys("p/", PageLimit::new(7)?, cursor.as_ref()).await?;
        found.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
        for key in COME_AND_GO {
            if pages % 2 == 0 {
                ground.app.put(key, "v").await?;
            } else {
                ground.app.remove(key).await?;
            }
        }
    }
    missed(&found)?;
    // And at any moment, while a page is made too.
    let listed = Arc::new(AtomicBool::new(false));
    let (app, ends) = (ground.app.clone(), Arc::clone(&listed));
    let mut writing: JoinSet<Result<usize, StateError>> = JoinSet::new();
    writing.spawn(async move {
        let mut writes = 0;
        for key in COME_AND_GO.into_iter().cycle() {
            if ends.load(Ordering::Relaxed) {
                break;
            }
            app.put(key, "v").await?;
            meet().await;
            app.remove(key).await?;
            meet().await;
            writes += 1;
        }
        Ok(writes)
    });
    for _ in 0..8 {
        missed(&list(&ground.app, "p/", PageLimit::new(10)?).await?)?;
    }
    listed.store(true, Ordering::Relaxed);
    let writes = writing.join_next().await.transpose()?.transpose()?;
    holds("nothing was written while keys were listed", writes > Some(0))
}
