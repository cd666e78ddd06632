//! Claims about versions and conditions.

use super::check::{Verdict, holds, mismatched, same};
use super::ground::Ground;
use super::run::claims;
use crate::state::{Condition, Etag, StateError};

claims! {
    an_item_has_an_etag [Etags];
    reading_does_not_change_the_etag [Etags];
    every_write_changes_the_etag [Etags];
    bulk_get_gives_the_same_etags_as_get [Etags];
    a_set_with_the_current_etag_is_done [Etags];
    a_set_with_a_stale_etag_mismatches_and_changes_nothing [Etags];
    a_set_with_an_etag_on_an_absent_item_mismatches [Etags];
    a_set_with_an_etag_on_a_deleted_item_mismatches [Etags];
    an_etag_that_was_never_given_out_mismatches [Etags];
    a_set_if_absent_creates_an_item [Etags];
    a_set_if_absent_on_an_existing_item_mismatches_and_changes_nothing [Etags];
    a_set_if_absent_after_a_delete_creates_the_item [Etags];
    an_unconditional_set_is_done_whatever_made_the_item [Etags];
    a_delete_with_the_current_etag_is_done [Etags];
    a_delete_with_a_stale_etag_mismatches_and_changes_nothing [Etags];
    a_delete_with_an_etag_on_an_absent_item_mismatches [Etags];
    an_unconditional_delete_is_done_whatever_the_etag [Etags];
    an_etag_does_not_come_back_after_a_delete [Etags];
    a_mismatch_names_the_key_as_the_app_does [Etags];
}

async fn an_item_has_an_etag(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    holds("the etag is empty", !etag.as_str().is_empty())
}

async fn reading_does_not_change_the_etag(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let first = ground.app.etag("k").await?;
    for _ in 0..3 {
        same("the etag", ground.app.etag("k").await?, first.clone())?;
    }
    ground.app.put("another", "v").await?;
    same(
        "the etag after a write to another key",
        ground.app.etag("k").await?,
        first,
    )
}

async fn every_write_changes_the_etag(ground: &Ground) -> Verdict {
    let mut seen = Vec::new();
    for round in 0..20 {
        match round % 3 {
            0 => ground.app.put("k", "same").await?,
            1 => ground.app.put("k", "other").await?,
            _ => {
                let etag = ground.app.etag("k").await?;
                ground.app.put_if("k", "other", Condition::Matches(etag)).await?;
            }
        }
        let etag = ground.app.etag("k").await?;
        holds("a write kept or brought back an etag", !seen.contains(&etag))?;
        seen.push(etag);
    }
    Ok(())
}

async fn bulk_get_gives_the_same_etags_as_get(ground: &Ground) -> Verdict {
    for key in ["a", "b"] {
        ground.app.put(key, "v").await?;
    }
    let together = ground.app.read_all(&["a", "b"]).await?;
    for (key, entry) in ["a", "b"].into_iter().zip(together) {
        same(
            "the etag",
            entry.and_then(|entry| entry.etag),
            Some(ground.app.etag(key).await?),
        )?;
    }
    Ok(())
}

// ---- set ----

async fn a_set_with_the_current_etag_is_done(ground: &Ground) -> Verdict {
    ground.app.put("k", "0").await?;
    for round in 1..4 {
        let etag = ground.app.etag("k").await?;
        ground
            .app
            .put_if("k", round.to_string(), Condition::Matches(etag))
            .await?;
    }
    ground.app.expect("k", Some(b"3")).await
}

async fn a_set_with_a_stale_etag_mismatches_and_changes_nothing(ground: &Ground) -> Verdict {
    ground.app.put("k", "old").await?;
    let stale = ground.app.etag("k").await?;
    ground.app.put("k", "current").await?;
    let before = ground.app.entry("k").await?;
    mismatched(
        "a stale etag",
        ground.app.put_if("k", "lost", Condition::Matches(stale)).await,
    )?;
    same("the item", ground.app.entry("k").await?, before)
}

async fn a_set_with_an_etag_on_an_absent_item_mismatches(ground: &Ground) -> Verdict {
    ground.app.put("another", "v").await?;
    let etag = ground.app.etag("another").await?;
    mismatched(
        "an etag on an absent item",
        ground.app.put_if("k", "v", Condition::Matches(etag)).await,
    )?;
    ground.app.expect("k", None).await
}

async fn a_set_with_an_etag_on_a_deleted_item_mismatches(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    ground.app.remove("k").await?;
    mismatched(
        "an etag on a deleted item",
        ground.app.put_if("k", "v", Condition::Matches(etag)).await,
    )?;
    ground.app.expect("k", None).await
}

/// Etags that a parser might stumble over, trim, or take for any.
fn garbage() -> Result<Vec<Etag>, StateError> {
    let texts = [
        "0",
        "1",
        "-1",
        "*",
        "%",
        " ",
        "null",
        "\"\"",
        "'",
        "not-an-etag",
        "é",
        "99999999999999999999999999",
    ];
    let long = "e".repeat(2 * Etag::MAX_BYTES);
    texts.into_iter().chain([long.as_str()]).map(Etag::new).collect()
}

async fn an_etag_that_was_never_given_out_mismatches(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let before = ground.app.entry("k").await?;
    let current = ground.app.etag("k").await?;
    let mut etags = garbage()?;
    // Nearly the current one: an etag is compared whole.
    etags.push(Etag::new(format!("{} ", current.as_str()))?);
    etags.push(Etag::new(format!("\"{}\"", current.as_str()))?);
    // A version that is one digit counts as garbage only where it is not the current one.
    for etag in etags.into_iter().filter(|etag| *etag != current) {
        let what = format!("the etag `{}`", etag.as_str().escape_debug());
        mismatched(
            &what,
            ground.app.put_if("k", "lost", Condition::Matches(etag.clone())).await,
        )?;
        mismatched(&what, ground.app.remove_if("k", &etag).await)?;
        mismatched(
            &what,
            ground
                .app
                .put_if("never", "lost", Condition::Matches(etag.clone()))
                .await,
        )?;
        mismatched(&what, ground.app.remove_if("never", &etag).await)?;
    }
    same("the item", ground.app.entry("k").await?, before)
}

async fn a_set_if_absent_creates_an_item(ground: &Ground) -> Verdict {
    ground.app.put_if("k", "v", Condition::Absent).await?;
    ground.app.expect("k", Some(b"v")).await
}

async fn a_set_if_absent_on_an_existing_item_mismatches_and_changes_nothing(ground: &Ground) -> Verdict {
    ground.app.put("k", "first").await?;
    let before = ground.app.entry("k").await?;
    mismatched(
        "a set if absent",
        ground.app.put_if("k", "lost", Condition::Absent).await,
    )?;
    same("the item", ground.app.entry("k").await?, before)
}

async fn a_set_if_absent_after_a_delete_creates_the_item(ground: &Ground) -> Verdict {
    ground.app.put_if("k", "first", Condition::Absent).await?;
    ground.app.remove("k").await?;
    ground.app.put_if("k", "second", Condition::Absent).await?;
    ground.app.expect("k", Some(b"second")).await
}

async fn an_unconditional_set_is_done_whatever_made_the_item(ground: &Ground) -> Verdict {
    ground.app.put_if("k", "created", Condition::Absent).await?;
    ground.app.put("k", "replaced").await?;
    ground.app.expect("k", Some(b"replaced")).await?;
    let etag = ground.app.etag("k").await?;
    ground.app.put_if("k", "changed", Condition::Matches(etag)).await?;
    ground.app.put("k", "again").await?;
    ground.app.expect("k", Some(b"again")).await
}

// ---- delete ----

async fn a_delete_with_the_current_etag_is_done(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    ground.app.remove_if("k", &etag).await?;
    ground.app.expect("k", None).await
}

async fn a_delete_with_a_stale_etag_mismatches_and_changes_nothing(ground: &Ground) -> Verdict {
    ground.app.put("k", "old").await?;
    let stale = ground.app.etag("k").await?;
    ground.app.put("k", "current").await?;
    let before = ground.app.entry("k").await?;
    mismatched("a stale etag", ground.app.remove_if("k", &stale).await)?;
    same("the item", ground.app.entry("k").await?, before)
}

async fn a_delete_with_an_etag_on_an_absent_item_mismatches(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    mismatched("an item that never was", ground.app.remove_if("never", &etag).await)?;
    ground.app.remove("k").await?;
    mismatched("a deleted item", ground.app.remove_if("k", &etag).await)
}

async fn an_unconditional_delete_is_done_whatever_the_etag(ground: &Ground) -> Verdict {
    ground.app.put_if("k", "v", Condition::Absent).await?;
    ground.app.remove("k").await?;
    ground.app.expect("k", None).await
}

async fn an_etag_does_not_come_back_after_a_delete(ground: &Ground) -> Verdict {
    let mut seen = Vec::new();
    for _ in 0..10 {
        ground.app.put("k", "v").await?;
        let etag = ground.app.etag("k").await?;
        holds("an etag came back after a delete", !seen.contains(&etag))?;
        seen.push(etag);
        ground.app.remove("k").await?;
    }
    Ok(())
}

async fn a_mismatch_names_the_key_as_the_app_does(ground: &Ground) -> Verdict {
    ground.app.put("k", "v").await?;
    match ground.app.put_if("k", "v", Condition::Absent).await {
        Err(StateError::EtagMismatch { key: None }) => Ok(()),
        Err(StateError::EtagMismatch { key: Some(key) }) => same("the key in the error", key.as_str(), "k"),
        other => mismatched("a set if absent", other),
    }
}
