//! Claims about what is left when a store is closed and opened again.

use super::check::{Failure, Verdict, holds, mismatched, same};
use super::ground::{Ground, delete, set, set_for};
use super::run::missing;
use super::tracked::{Tracked, Written};
use crate::state::{Condition, ContentType, Feature, Limits, Operation, PageLimit, SetItem, StateStore, Ttl};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A store that is being opened.
pub(super) type Opened<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn StateStore>, Failure>> + Send + 'a>>;

/// A claim about a store that is opened several times, its name a sentence.
pub(super) struct Claim {
    pub(super) name: &'static str,
    needs: &'static [Feature],
    check: for<'a> fn(&'a mut Reopen<'_>) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

macro_rules! claims {
    ($($name:ident $([$($need:ident),+])?;)*) => {
        pub(super) const CLAIMS: &[Claim] = &[$(
            Claim {
                name: stringify!($name),
                needs: &[$($(Feature::$need),+)?],
                check: |reopen| Box::pin($name(reopen)),
            },
        )*];
    };
}

claims! {
    items_are_there_after_reopening;
    a_content_type_is_there_after_reopening [ContentTypes];
    deleted_items_stay_deleted_after_reopening;
    what_was_acknowledged_before_closing_is_there_after_reopening;
    etags_still_match_after_reopening [Etags];
    an_etag_does_not_come_back_after_reopening [Etags];
    a_transaction_is_there_in_full_after_reopening [Transactions];
    an_item_still_ends_after_reopening [Ttl];
    keys_are_listed_after_reopening [Listing];
}

/// Opens the same data again and again, one store at a time.
pub(super) struct Reopen<'o> {
    open: &'o (dyn Fn() -> Opened<'o> + Send + Sync),
    limits: Limits,
    id: String,
    written: Written,
    store: Option<Arc<Tracked>>,
}

impl<'o> Reopen<'o> {
    pub(super) fn new(open: &'o (dyn Fn() -> Opened<'o> + Send + Sync), limits: Limits, id: String) -> Self {
        Self {
            open,
            limits,
            id,
            written: Written::default(),
            store: None,
        }
    }

    /// Closes the store, if one is open, and opens it.
    async fn ground(&mut self) -> Result<Ground, Failure> {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        let store = Arc::new(Tracked::new((self.open)().await?, Arc::clone(&self.written)));
        self.store = Some(Arc::clone(&store));
        Ok(Ground::new(store, self.limits, self.id.clone())?)
    }

    async fn finish(&mut self) -> Verdict {
        if let Some(store) = self.store.take() {
            store.remove_all().await?;
            store.close().await;
        }
        Ok(())
    }
}

/// Tries a claim; answers the feature that the store lacks for it.
pub(super) async fn check(claim: &Claim, reopen: &mut Reopen<'_>) -> Result<Option<Feature>, Failure> {
    reopen.ground().await?;
    if let Some(store) = &reopen.store
        && let Some(feature) = missing(store.features(), claim.needs)
    {
        store.close().await;
        return Ok(Some(feature));
    }
    let verdict = (claim.check)(reopen).await;
    let finished = reopen.finish().await;
    verdict.and(finished).map(|()| None)
}

async fn items_are_there_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    let values = [
        ("empty", Vec::new()),
        ("bytes", (0..=255).collect()),
        ("large", vec![7; ground.limits.value.min(1 << 20)]),
    ];
    for (key, value) in &values {
        ground.app.put(key, value.clone()).await?;
    }
    let ground = reopen.ground().await?;
    for (key, value) in &values {
        ground.app.expect(key, Some(value)).await?;
    }
    Ok(())
}

async fn a_content_type_is_there_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let png = Some(ContentType::new("image/png")?);
    let ground = reopen.ground().await?;
    ground
        .app
        .set(SetItem {
            content_type: png.clone(),
            ..set("k", "v")
        })
        .await?;
    let ground = reopen.ground().await?;
    same("the content type", ground.app.entry("k").await?.content_type, png)
}

async fn deleted_items_stay_deleted_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    ground.app.put("k", "v").await?;
    ground.app.remove("k").await?;
    let ground = reopen.ground().await?;
    ground.app.expect("k", None).await
}

async fn what_was_acknowledged_before_closing_is_there_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    const WRITES: usize = 64;
    let ground = reopen.ground().await?;
    let mut writes = JoinSet::new();
    for index in 0..WRITES {
        let app = ground.app.clone();
        writes.spawn(async move { app.put(&index.to_string(), "v").await });
    }
    while let Some(write) = writes.join_next().await {
        write??;
    }
    let ground = reopen.ground().await?;
    for index in 0..WRITES {
        ground.app.expect(&index.to_string(), Some(b"v")).await?;
    }
    Ok(())
}

async fn etags_still_match_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    ground.app.put("k", "old").await?;
    let stale = ground.app.etag("k").await?;
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    let ground = reopen.ground().await?;
    same("the etag", ground.app.etag("k").await?, etag.clone())?;
    mismatched(
        "a stale etag",
        ground.app.put_if("k", "new", Condition::Matches(stale)).await,
    )?;
    ground.app.put_if("k", "new", Condition::Matches(etag)).await?;
    ground.app.expect("k", Some(b"new")).await
}

async fn an_etag_does_not_come_back_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    let mut seen = Vec::new();
    for _ in 0..8 {
        ground.app.put("k", "v").await?;
        seen.push(ground.app.etag("k").await?);
    }
    ground.app.remove("k").await?;
    let ground = reopen.ground().await?;
    for _ in 0..8 {
        ground.app.put("k", "v").await?;
        let etag = ground.app.etag("k").await?;
        holds("an etag from before reopening came back", !seen.contains(&etag))?;
    }
    Ok(())
}

async fn a_transaction_is_there_in_full_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    ground.app.put("gone", "v").await?;
    let operations = vec![
        Operation::Set(set("a", "1")),
        Operation::Set(set("b", "2")),
        Operation::Delete(delete("gone")),
    ];
    ground.app.run(operations).await?;
    let ground = reopen.ground().await?;
    ground.app.expect("a", Some(b"1")).await?;
    ground.app.expect("b", Some(b"2")).await?;
    ground.app.expect("gone", None).await
}

async fn an_item_still_ends_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    ground.app.set(set_for("short", "v", Ttl::new(1)?)).await?;
    ground.app.set(set_for("long", "v", Ttl::new(3600)?)).await?;
    let expires_at = ground.app.entry("long").await?.expires_at;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let ground = reopen.ground().await?;
    ground.app.expect("short", None).await?;
    same(
        "when the other item ends",
        ground.app.entry("long").await?.expires_at,
        expires_at,
    )
}

async fn keys_are_listed_after_reopening(reopen: &mut Reopen<'_>) -> Verdict {
    let ground = reopen.ground().await?;
    ground.app.put("a/1", "v").await?;
    ground.app.put("a/2", "v").await?;
    let ground = reopen.ground().await?;
    let mut keys = ground.app.list_keys("a/", PageLimit::default(), None).await?.keys;
    keys.sort();
    same("the keys", keys, vec!["a/1".to_owned(), "a/2".to_owned()])
}
