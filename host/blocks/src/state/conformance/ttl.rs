//! Claims about items that end.
//!
//! Nothing here relies on how fast the machine is. An item that is seen late or missed early counts only if that is
//! certain: seen by a read that began after the last moment, missed by a read that ended before the first.

use super::check::{Failure, Verdict, holds, mismatched, same};
use super::ground::{Ground, set, set_for, set_typed};
use super::run::claims;
use crate::state::{Condition, ContentType, Etag, PageLimit, SetItem, Ttl};
use std::time::{Duration, Instant, SystemTime};

claims! {
    an_item_lives_its_ttl_and_at_most_a_second_more [Ttl];
    an_item_of_three_seconds_lives_as_exactly [Ttl];
    a_bulk_set_item_ends [Ttl];
    an_item_set_in_a_transaction_ends [Ttl, Transactions];
    a_set_without_ttl_clears_an_earlier_one [Ttl];
    a_longer_ttl_replaces_a_shorter_one [Ttl];
    a_shorter_ttl_replaces_a_longer_one [Ttl];
    an_item_says_when_it_ends [Ttl];
    the_longest_ttl_is_kept [Ttl];
    a_ttl_keeps_value_and_content_type [Ttl, ContentTypes];
    an_ended_item_is_absent_from_a_bulk_get [Ttl];
    an_ended_item_is_not_listed [Ttl, Listing];
    an_ended_item_lets_a_set_if_absent_through [Ttl, Etags];
    an_ended_items_etag_mismatches [Ttl, Etags];
    an_ended_items_etag_does_not_come_back [Ttl, Etags];
    deleting_an_ended_item_is_no_error [Ttl];
}

/// How much longer than its TTL an item may live.
const MORE: Duration = Duration::from_secs(1);

/// For clocks that tick in milliseconds on one side and in nanoseconds on the other.
const GRAIN: Duration = Duration::from_millis(5);

/// How long to wait for what must end before calling it endless.
const PATIENCE: Duration = Duration::from_secs(20);

/// When a write was done: between these.
#[derive(Clone, Copy)]
struct Written {
    called: Instant,
    answered: Instant,
}

async fn written(write: impl Future<Output = Result<(), Failure>>) -> Result<Written, Failure> {
    let called = Instant::now();
    write.await?;
    Ok(Written {
        called,
        answered: Instant::now(),
    })
}

async fn put_for(ground: &Ground, key: &str, seconds: u32) -> Result<Written, Failure> {
    let ttl = Ttl::new(seconds)?;
    written(async { Ok(ground.app.set(set_for(key, "v", ttl)).await?) }).await
}

/// Reads until the item is gone, and holds its end to its TTL.
async fn ends_in_time(ground: &Ground, key: &str, written: Written, seconds: u64) -> Verdict {
    let ttl = Duration::from_secs(seconds);
    let (first, last) = (written.called + ttl - GRAIN, written.answered + ttl + MORE + GRAIN);
    loop {
        let began = Instant::now();
        let there = ground.app.read(key).await?.is_some();
        let ended = Instant::now();
        if there && began > last {
            let late = began - last;
            return Err(Failure::new(format!(
                "an item of {seconds} s was there {late:?} too long"
            )));
        }
        if !there {
            return holds(
                &format!(
                    "an item of {seconds} s was gone {:?} too early",
                    first.saturating_duration_since(ended)
                ),
                ended >= first,
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a read does not find the item.
async fn gone(ground: &Ground, key: &str) -> Verdict {
    let began = Instant::now();
    while ground.app.read(key).await?.is_some() {
        holds("the item does not end", began.elapsed() < PATIENCE)?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Sets an item that ends soon, and reads its etag while it lives: a machine that halts in between is given more tries.
async fn etag_of_ending(ground: &Ground, key: &str) -> Result<Etag, Failure> {
    for _ in 0..10 {
        put_for(ground, key, 1).await?;
        if let Some(entry) = ground.app.read(key).await? {
            return entry.etag.ok_or_else(|| Failure::new("the item has no etag"));
        }
    }
    Err(Failure::new("an item of 1 s is absent when it is read at once"))
}

// ---- how long ----

async fn an_item_lives_its_ttl_and_at_most_a_second_more(ground: &Ground) -> Verdict {
    // Written at different parts of a second, because stores count whole ones.
    for key in ["a", "b", "c"] {
        let written = put_for(ground, key, 1).await?;
        ends_in_time(ground, key, written, 1).await?;
        tokio::time::sleep(Duration::from_millis(290)).await;
    }
    Ok(())
}

async fn an_item_of_three_seconds_lives_as_exactly(ground: &Ground) -> Verdict {
    tokio::time::sleep(Duration::from_millis(430)).await;
    let written = put_for(ground, "k", 3).await?;
    ends_in_time(ground, "k", written, 3).await
}

async fn a_bulk_set_item_ends(ground: &Ground) -> Verdict {
    let ttl = Ttl::new(1)?;
    let items = vec![set("stays", "v"), set_for("k", "v", ttl)];
    let written = written(async { Ok(ground.app.bulk_set(items).await?) }).await?;
    ends_in_time(ground, "k", written, 1).await?;
    ground.app.expect("stays", Some(b"v")).await
}

async fn an_item_set_in_a_transaction_ends(ground: &Ground) -> Verdict {
    use crate::state::Operation::Set;
    let operations = vec![Set(set("stays", "v")), Set(set_for("k", "v", Ttl::new(1)?))];
    let written = written(async { Ok(ground.app.run(operations).await?) }).await?;
    ends_in_time(ground, "k", written, 1).await?;
    ground.app.expect("stays", Some(b"v")).await
}

async fn a_set_without_ttl_clears_an_earlier_one(ground: &Ground) -> Verdict {
    put_for(ground, "witness", 1).await?;
    put_for(ground, "k", 1).await?;
    ground.app.put("k", "stays").await?;
    same("when the item ends", ground.app.entry("k").await?.expires_at, None)?;
    gone(ground, "witness").await?;
    tokio::time::sleep(MORE).await;
    ground.app.expect("k", Some(b"stays")).await
}

async fn a_longer_ttl_replaces_a_shorter_one(ground: &Ground) -> Verdict {
    put_for(ground, "witness", 1).await?;
    put_for(ground, "k", 1).await?;
    put_for(ground, "k", 3600).await?;
    gone(ground, "witness").await?;
    tokio::time::sleep(MORE).await;
    ground.app.expect("k", Some(b"v")).await
}

async fn a_shorter_ttl_replaces_a_longer_one(ground: &Ground) -> Verdict {
    put_for(ground, "k", 3600).await?;
    let written = put_for(ground, "k", 1).await?;
    ends_in_time(ground, "k", written, 1).await
}

// ---- what is said about it ----

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

async fn says_when_it_ends(ground: &Ground, key: &str, seconds: u32) -> Verdict {
    let ttl = Duration::from_secs(seconds.into());
    let called = since_epoch();
    ground.app.set(set_for(key, "v", Ttl::new(seconds)?)).await?;
    let answered = since_epoch();
    let found = ground.app.entry(key).await?.expires_at;
    let Some(found) = found.map(Duration::from_secs) else {
        return Err(Failure::new("the item does not say when it ends"));
    };
    let (first, last) = ((called + ttl).saturating_sub(MORE), answered + ttl + MORE);
    holds(
        &format!("the item says that it ends at {found:?}, not within {first:?} and {last:?}"),
        (first..=last).contains(&found),
    )
}

async fn an_item_says_when_it_ends(ground: &Ground) -> Verdict {
    says_when_it_ends(ground, "a", 60).await?;
    says_when_it_ends(ground, "b", 86_400).await?;
    let together = ground.app.read_all(&["a", "b"]).await?;
    same(
        "in a bulk get",
        together,
        vec![ground.app.read("a").await?, ground.app.read("b").await?],
    )
}

async fn the_longest_ttl_is_kept(ground: &Ground) -> Verdict {
    says_when_it_ends(ground, "k", Ttl::MAX_SECONDS).await?;
    ground.app.expect("k", Some(b"v")).await
}

async fn a_ttl_keeps_value_and_content_type(ground: &Ground) -> Verdict {
    let png = ContentType::new("image/png")?;
    ground
        .app
        .set(SetItem {
            ttl: Some(Ttl::new(3600)?),
            ..set_typed("k", [0, 255], &png)
        })
        .await?;
    let entry = ground.app.entry("k").await?;
    same("the value", entry.value, vec![0, 255])?;
    same("the content type", entry.content_type, Some(png))
}

// ---- what has ended ----

async fn an_ended_item_is_absent_from_a_bulk_get(ground: &Ground) -> Verdict {
    put_for(ground, "k", 1).await?;
    ground.app.put("stays", "v").await?;
    gone(ground, "k").await?;
    let found = ground.app.read_all(&["k", "stays"]).await?;
    same(
        "which items are there",
        found.iter().map(Option::is_some).collect(),
        vec![false, true],
    )
}

async fn an_ended_item_is_not_listed(ground: &Ground) -> Verdict {
    put_for(ground, "p/ends", 1).await?;
    ground.app.put("p/stays", "v").await?;
    gone(ground, "p/ends").await?;
    let page = ground.app.list_keys("p/", PageLimit::default(), None).await?;
    same("the keys", page.keys, vec!["p/stays".to_owned()])
}

async fn an_ended_item_lets_a_set_if_absent_through(ground: &Ground) -> Verdict {
    put_for(ground, "lives", 3600).await?;
    mismatched(
        "an item that lives",
        ground.app.put_if("lives", "lost", Condition::Absent).await,
    )?;
    put_for(ground, "k", 1).await?;
    gone(ground, "k").await?;
    ground.app.put_if("k", "new", Condition::Absent).await?;
    ground.app.expect("k", Some(b"new")).await?;
    same("when the new item ends", ground.app.entry("k").await?.expires_at, None)
}

async fn an_ended_items_etag_mismatches(ground: &Ground) -> Verdict {
    let etag = etag_of_ending(ground, "k").await?;
    gone(ground, "k").await?;
    mismatched(
        "a set",
        ground.app.put_if("k", "lost", Condition::Matches(etag.clone())).await,
    )?;
    mismatched("a delete", ground.app.remove_if("k", &etag).await)?;
    ground.app.expect("k", None).await
}

async fn an_ended_items_etag_does_not_come_back(ground: &Ground) -> Verdict {
    let etag = etag_of_ending(ground, "k").await?;
    gone(ground, "k").await?;
    ground.app.put("k", "v").await?;
    holds("an etag came back", ground.app.etag("k").await? != etag)
}

async fn deleting_an_ended_item_is_no_error(ground: &Ground) -> Verdict {
    put_for(ground, "k", 1).await?;
    gone(ground, "k").await?;
    ground.app.remove("k").await?;
    ground.app.expect("k", None).await
}
