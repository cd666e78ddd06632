//! Claims about all or none.

use super::check::{Verdict, holds, mismatched, same};
use super::ground::{App, Ground, delete, delete_if, set, set_for, set_if, set_typed};
use super::run::claims;
use crate::state::{Condition, ContentType, Etag, GetOptions, Operation, StateError, Ttl};

claims! {
    a_transaction_does_all_its_operations [Transactions];
    a_transaction_of_one_operation_is_done [Transactions];
    a_transaction_of_the_most_operations_is_done [Transactions];
    a_transaction_of_the_most_bytes_is_done [Transactions];
    a_transaction_deletes_an_absent_item_without_error [Transactions];
    a_transaction_keeps_content_types [Transactions, ContentTypes];
    a_failing_condition_at_the_start_undoes_all [Transactions, Etags];
    a_failing_condition_in_the_middle_undoes_all [Transactions, Etags];
    a_failing_condition_at_the_end_undoes_all [Transactions, Etags];
    a_failing_delete_undoes_all [Transactions, Etags];
    a_failing_set_if_absent_undoes_all [Transactions, Etags];
    conditions_that_hold_let_a_transaction_through [Transactions, Etags];
    a_transaction_changes_the_etag_of_what_it_sets [Transactions, Etags];
    a_transaction_that_fails_names_the_key_as_the_app_does [Transactions, Etags];
    a_transaction_sets_and_clears_ttl [Transactions, Ttl];
}

async fn a_transaction_does_all_its_operations(ground: &Ground) -> Verdict {
    for key in ["changed", "removed"] {
        ground.app.put(key, "before").await?;
    }
    let operations = vec![
        Operation::Set(set("created", "after")),
        Operation::Delete(delete("removed")),
        Operation::Set(set("changed", "after")),
    ];
    ground.app.run(operations).await?;
    ground.app.expect("created", Some(b"after")).await?;
    ground.app.expect("removed", None).await?;
    ground.app.expect("changed", Some(b"after")).await
}

async fn a_transaction_of_one_operation_is_done(ground: &Ground) -> Verdict {
    ground.app.run(vec![Operation::Set(set("k", "v"))]).await?;
    ground.app.expect("k", Some(b"v")).await?;
    ground.app.run(vec![Operation::Delete(delete("k"))]).await?;
    ground.app.expect("k", None).await
}

async fn a_transaction_of_the_most_operations_is_done(ground: &Ground) -> Verdict {
    let keys = (0..ground.limits.operations.min(ground.limits.items))
        .map(|index| index.to_string())
        .collect::<Vec<_>>();
    ground
        .app
        .run(keys.iter().map(|key| Operation::Set(set(key, key.as_str()))).collect())
        .await?;
    let found = ground.app.bulk_get(&keys, &GetOptions::default()).await?;
    let all = found
        .iter()
        .zip(&keys)
        .all(|(entry, key)| entry.as_ref().is_some_and(|entry| entry.value == key.as_bytes()));
    holds("not every item was written", all)?;
    ground
        .app
        .run(keys.iter().map(|key| Operation::Delete(delete(key))).collect())
        .await?;
    let found = ground.app.bulk_get(&keys, &GetOptions::default()).await?;
    holds("not every item was removed", found.iter().all(Option::is_none))
}

async fn a_transaction_of_the_most_bytes_is_done(ground: &Ground) -> Verdict {
    let keys = ["a", "b", "c"];
    let each = (ground.limits.batch / keys.len() - 1).min(ground.limits.value);
    ground
        .app
        .run(keys.iter().map(|key| Operation::Set(set(key, vec![7; each]))).collect())
        .await?;
    for key in keys {
        same("the size of the value", ground.app.entry(key).await?.value.len(), each)?;
    }
    Ok(())
}

async fn a_transaction_deletes_an_absent_item_without_error(ground: &Ground) -> Verdict {
    ground
        .app
        .run(vec![Operation::Delete(delete("never")), Operation::Set(set("k", "v"))])
        .await?;
    ground.app.expect("k", Some(b"v")).await
}

async fn a_transaction_keeps_content_types(ground: &Ground) -> Verdict {
    let png = ContentType::new("image/png")?;
    ground.app.set(set_typed("b", "1", &png)).await?;
    ground
        .app
        .run(vec![
            Operation::Set(set_typed("a", "1", &png)),
            Operation::Set(set("b", "2")),
        ])
        .await?;
    same(
        "a content type that was set",
        ground.app.entry("a").await?.content_type,
        Some(png),
    )?;
    same(
        "a content type that was not",
        ground.app.entry("b").await?.content_type,
        None,
    )
}

// ---- all or none ----

/// What a transaction that fails must leave alone: an item that it sets, one that it deletes, one that it creates.
async fn prepare(app: &App) -> Result<Etag, super::check::Failure> {
    app.put("changed", "stale").await?;
    let stale = app.etag("changed").await?;
    app.put("changed", "before").await?;
    app.put("removed", "before").await?;
    Ok(stale)
}

/// Runs a transaction that must fail, and finds everything as it was.
async fn fails_and_leaves_all(ground: &Ground, operations: Vec<Operation<String>>) -> Verdict {
    let before = ground.app.read_all(&["changed", "removed", "created"]).await?;
    mismatched("the transaction", ground.app.run(operations).await)?;
    same(
        "the items",
        ground.app.read_all(&["changed", "removed", "created"]).await?,
        before,
    )
}

fn creates() -> Operation<String> {
    Operation::Set(set("created", "after"))
}

fn removes() -> Operation<String> {
    Operation::Delete(delete("removed"))
}

async fn a_failing_condition_at_the_start_undoes_all(ground: &Ground) -> Verdict {
    let stale = prepare(&ground.app).await?;
    let failing = Operation::Set(set_if("changed", "after", Condition::Matches(stale)));
    fails_and_leaves_all(ground, vec![failing, creates(), removes()]).await
}

async fn a_failing_condition_in_the_middle_undoes_all(ground: &Ground) -> Verdict {
    let stale = prepare(&ground.app).await?;
    let failing = Operation::Set(set_if("changed", "after", Condition::Matches(stale)));
    fails_and_leaves_all(ground, vec![creates(), failing, removes()]).await
}

async fn a_failing_condition_at_the_end_undoes_all(ground: &Ground) -> Verdict {
    let stale = prepare(&ground.app).await?;
    let failing = Operation::Set(set_if("changed", "after", Condition::Matches(stale)));
    fails_and_leaves_all(ground, vec![creates(), removes(), failing]).await
}

async fn a_failing_delete_undoes_all(ground: &Ground) -> Verdict {
    let stale = prepare(&ground.app).await?;
    let failing = Operation::Delete(delete_if("changed", &stale));
    fails_and_leaves_all(ground, vec![creates(), removes(), failing]).await?;
    let absent = Operation::Delete(delete_if("never", &stale));
    fails_and_leaves_all(ground, vec![creates(), removes(), absent]).await
}

async fn a_failing_set_if_absent_undoes_all(ground: &Ground) -> Verdict {
    prepare(&ground.app).await?;
    let failing = Operation::Set(set_if("changed", "after", Condition::Absent));
    fails_and_leaves_all(ground, vec![creates(), removes(), failing]).await
}

async fn conditions_that_hold_let_a_transaction_through(ground: &Ground) -> Verdict {
    prepare(&ground.app).await?;
    let (changed, removed) = (ground.app.etag("changed").await?, ground.app.etag("removed").await?);
    let operations = vec![
        Operation::Set(set_if("created", "after", Condition::Absent)),
        Operation::Set(set_if("changed", "after", Condition::Matches(changed))),
        Operation::Delete(delete_if("removed", &removed)),
    ];
    ground.app.run(operations).await?;
    ground.app.expect("created", Some(b"after")).await?;
    ground.app.expect("changed", Some(b"after")).await?;
    ground.app.expect("removed", None).await
}

async fn a_transaction_changes_the_etag_of_what_it_sets(ground: &Ground) -> Verdict {
    for key in ["a", "b"] {
        ground.app.put(key, "v").await?;
    }
    let (before, untouched) = (ground.app.etag("a").await?, ground.app.etag("b").await?);
    ground
        .app
        .run(vec![Operation::Set(set("a", "v")), Operation::Set(set("c", "v"))])
        .await?;
    holds("the etag stayed", ground.app.etag("a").await? != before)?;
    same("the etag of another item", ground.app.etag("b").await?, untouched)
}

async fn a_transaction_that_fails_names_the_key_as_the_app_does(ground: &Ground) -> Verdict {
    ground.app.put("there", "v").await?;
    let failing = Operation::Set(set_if("there", "v", Condition::Absent));
    match ground.app.run(vec![creates(), failing]).await {
        // Not every vendor says which key it was.
        Err(StateError::EtagMismatch { key: None }) => Ok(()),
        Err(StateError::EtagMismatch { key: Some(key) }) => same("the key in the error", key.as_str(), "there"),
        other => mismatched("the transaction", other),
    }
}

async fn a_transaction_sets_and_clears_ttl(ground: &Ground) -> Verdict {
    let ttl = Ttl::new(3600)?;
    ground.app.set(set_for("cleared", "v", ttl)).await?;
    ground
        .app
        .run(vec![
            Operation::Set(set_for("ends", "v", ttl)),
            Operation::Set(set("cleared", "v")),
        ])
        .await?;
    holds(
        "the item does not end",
        ground.app.entry("ends").await?.expires_at.is_some(),
    )?;
    same(
        "when the other ends",
        ground.app.entry("cleared").await?.expires_at,
        None,
    )
}
