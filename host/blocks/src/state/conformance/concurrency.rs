//! Claims about several writers and readers.

use super::check::{Failure, Verdict, holds, same};
use super::ground::{App, Ground, meet, set, set_if, set_typed};
use super::run::claims;
use crate::state::{Condition, ContentType, Etag, Operation, StateError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

claims! {
    of_several_writers_with_one_etag_one_wins [Etags];
    of_several_creators_one_wins [Etags];
    of_several_deleters_with_one_etag_one_wins [Etags];
    increments_by_an_etag_loop_lose_none [Etags];
    writes_to_different_keys_are_all_kept;
    a_value_and_its_content_type_are_of_one_write [ContentTypes];
    a_reader_never_sees_half_a_transaction [Transactions];
    transfers_between_items_lose_nothing [Transactions, Etags];
    of_several_transactions_with_one_etag_one_wins [Transactions, Etags];
}

/// Enough that they meet, few enough for a store far away.
const WRITERS: usize = 16;

/// How often a write that loses to others is tried again: far more than it can lose, so that a store which refuses all of
/// them ends the claim instead of holding it up.
const TRIES: usize = 1_000;

/// Rounds of writing that a reader is sure to meet: many on a slow store, and on a fast one for a while.
struct Enough {
    rounds: u64,
    at_least: u64,
    began: Instant,
}

impl Enough {
    const WHILE: Duration = Duration::from_millis(100);

    fn of(at_least: u64) -> Self {
        Self {
            rounds: 0,
            at_least,
            began: Instant::now(),
        }
    }

    fn wants_more(&mut self) -> bool {
        self.rounds += 1;
        self.rounds <= self.at_least || self.began.elapsed() < Self::WHILE
    }
}

/// Runs the tasks to their ends, and answers how many of them were not refused by their condition.
async fn winners(mut tasks: JoinSet<Result<(), StateError>>) -> Result<usize, Failure> {
    let mut winners = 0;
    while let Some(task) = tasks.join_next().await {
        match task? {
            Ok(()) => winners += 1,
            Err(StateError::EtagMismatch { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(winners)
}

async fn all_end(mut tasks: JoinSet<Verdict>) -> Verdict {
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

async fn of_several_writers_with_one_etag_one_wins(ground: &Ground) -> Verdict {
    for _ in 0..5 {
        ground.app.put("k", "v").await?;
        let etag = ground.app.etag("k").await?;
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let (app, condition) = (ground.app.clone(), Condition::Matches(etag.clone()));
            tasks.spawn(async move { app.put_if("k", writer.to_string(), condition).await });
        }
        same("winners", winners(tasks).await?, 1)?;
    }
    Ok(())
}

async fn of_several_creators_one_wins(ground: &Ground) -> Verdict {
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let (app, key) = (ground.app.clone(), format!("k{round}"));
            tasks.spawn(async move { app.put_if(&key, writer.to_string(), Condition::Absent).await });
        }
        same("winners", winners(tasks).await?, 1)?;
    }
    Ok(())
}

async fn of_several_deleters_with_one_etag_one_wins(ground: &Ground) -> Verdict {
    for _ in 0..5 {
        ground.app.put("k", "v").await?;
        let etag = ground.app.etag("k").await?;
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            let (app, etag) = (ground.app.clone(), etag.clone());
            tasks.spawn(async move { app.remove_if("k", &etag).await });
        }
        same("winners", winners(tasks).await?, 1)?;
    }
    Ok(())
}

fn number(value: &[u8]) -> Result<u64, Failure> {
    let text = std::str::from_utf8(value).map_err(|error| Failure::new(format!("no number: {error}")))?;
    text.parse()
        .map_err(|error| Failure::new(format!("no number in `{text}`: {error}")))
}

/// A number and what must be true of its item for it to be replaced; 0 when there is none.
async fn numbered(app: &App, key: &str) -> Result<(u64, Condition), Failure> {
    let Some(entry) = app.read(key).await? else {
        return Ok((0, Condition::Absent));
    };
    let etag = entry.etag.ok_or_else(|| Failure::new("the item has no etag"))?;
    Ok((number(&entry.value)?, Condition::Matches(etag)))
}

async fn increment(app: &App, key: &str) -> Verdict {
    for _ in 0..TRIES {
        let (number, condition) = numbered(app, key).await?;
        meet().await;
        match app.put_if(key, (number + 1).to_string(), condition).await {
            Err(StateError::EtagMismatch { .. }) => {}
            other => return Ok(other?),
        }
    }
    Err(Failure::new("a write with the etag that was just read never succeeds"))
}

async fn increments_by_an_etag_loop_lose_none(ground: &Ground) -> Verdict {
    const EACH: usize = 8;
    let mut tasks = JoinSet::new();
    for _ in 0..WRITERS {
        let app = ground.app.clone();
        tasks.spawn(async move {
            for _ in 0..EACH {
                increment(&app, "k").await?;
            }
            Ok(())
        });
    }
    all_end(tasks).await?;
    ground
        .app
        .expect("k", Some((WRITERS * EACH).to_string().as_bytes()))
        .await
}

async fn writes_to_different_keys_are_all_kept(ground: &Ground) -> Verdict {
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let app = ground.app.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                app.put(&format!("{writer}-{round}"), format!("{writer} {round}"))
                    .await?;
            }
            Ok(())
        });
    }
    all_end(tasks).await?;
    for writer in 0..WRITERS {
        for round in 0..10 {
            let value = format!("{writer} {round}");
            ground
                .app
                .expect(&format!("{writer}-{round}"), Some(value.as_bytes()))
                .await?;
        }
    }
    Ok(())
}

async fn a_value_and_its_content_type_are_of_one_write(ground: &Ground) -> Verdict {
    // Each writer has a length, a byte and a type; a reader must find the three of one writer.
    let variants = (1..=4_u8)
        .map(|variant| {
            Ok((
                vec![variant; 20_000 * usize::from(variant)],
                ContentType::new(format!("x/{variant}"))?,
            ))
        })
        .collect::<Result<Vec<_>, StateError>>()?;
    let mut tasks: JoinSet<Verdict> = JoinSet::new();
    for (value, content_type) in variants.clone() {
        let app = ground.app.clone();
        tasks.spawn(async move {
            let mut enough = Enough::of(10);
            while enough.wants_more() {
                app.set(set_typed("k", value.clone(), &content_type)).await?;
                meet().await;
            }
            Ok(())
        });
    }
    let mut found = 0;
    while !tasks.is_empty() {
        meet().await;
        if let Some(entry) = ground.app.read("k").await? {
            found += 1;
            let is_whole = variants.iter().any(|(value, content_type)| {
                entry.value == *value && entry.content_type.as_ref() == Some(content_type)
            });
            holds("a value or its content type is of several writes", is_whole)?;
        }
        while let Some(ended) = tasks.try_join_next() {
            ended??;
        }
    }
    holds("the item was never there", found > 0)
}

// ---- transactions ----

async fn a_reader_never_sees_half_a_transaction(ground: &Ground) -> Verdict {
    let app = ground.app.clone();
    app.run(vec![Operation::Set(set("a", "0")), Operation::Set(set("b", "0"))])
        .await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut enough = Enough::of(60);
        while enough.wants_more() {
            let operations = ["a", "b"].map(|key| Operation::Set(set(key, enough.rounds.to_string())));
            app.run(operations.into()).await?;
            meet().await;
        }
        Ok(())
    });
    // Both items count up together. Whichever is read second, from the same or a later state, is not behind.
    loop {
        if let Some(ended) = tasks.try_join_next() {
            return ended?;
        }
        for (first, second) in [("a", "b"), ("b", "a")] {
            meet().await;
            let earlier = number(&ground.app.entry(first).await?.value)?;
            let later = number(&ground.app.entry(second).await?.value)?;
            holds(
                &format!("`{first}` was {earlier}, and then `{second}` was {later}"),
                later >= earlier,
            )?;
        }
    }
}

async fn transfer(app: &App, from: &str, to: &str) -> Verdict {
    for _ in 0..TRIES {
        let ((giver, from_condition), (taker, to_condition)) = (numbered(app, from).await?, numbered(app, to).await?);
        if giver == 0 {
            return Ok(());
        }
        meet().await;
        let operations = vec![
            Operation::Set(set_if(from, (giver - 1).to_string(), from_condition)),
            Operation::Set(set_if(to, (taker + 1).to_string(), to_condition)),
        ];
        match app.run(operations).await {
            Err(StateError::EtagMismatch { .. }) => {}
            other => return Ok(other?),
        }
    }
    Err(Failure::new(
        "a transaction with the etags that were just read never succeeds",
    ))
}

async fn transfers_between_items_lose_nothing(ground: &Ground) -> Verdict {
    let accounts = ["a", "b", "c"];
    for account in accounts {
        ground.app.put(account, "10").await?;
    }
    let mut tasks = JoinSet::new();
    for task in 0..6 {
        let app = ground.app.clone();
        tasks.spawn(async move {
            for round in 0..5 {
                transfer(&app, accounts[(task + round) % 3], accounts[(task + round + 1) % 3]).await?;
            }
            Ok(())
        });
    }
    all_end(tasks).await?;
    let mut sum = 0;
    for account in accounts {
        sum += number(&ground.app.entry(account).await?.value)?;
    }
    same("the sum", sum, 30)
}

async fn of_several_transactions_with_one_etag_one_wins(ground: &Ground) -> Verdict {
    let guarded = |etag: &Etag, writer: usize| {
        vec![
            Operation::Set(set(&format!("mark-{writer}"), "v")),
            Operation::Set(set_if("k", writer.to_string(), Condition::Matches(etag.clone()))),
        ]
    };
    ground.app.put("k", "v").await?;
    let etag = ground.app.etag("k").await?;
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (app, operations) = (ground.app.clone(), guarded(&etag, writer));
        tasks.spawn(async move { app.run(operations).await });
    }
    same("winners", winners(tasks).await?, 1)?;
    let winner = number(&ground.app.entry("k").await?.value)?;
    for writer in 0..WRITERS {
        let mark = ground.app.read(&format!("mark-{writer}")).await?.is_some();
        same(
            &format!("what transaction {writer} marked"),
            mark,
            writer as u64 == winner,
        )?;
    }
    Ok(())
}
