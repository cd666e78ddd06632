//! Listing databases of any size.

use crate::ground::Ground;
use dapr_blocks::state::{Cursor, PageLimit};
use std::collections::BTreeSet;

/// Makes keys in the server, as fast as it can.
fn fill(ground: &Ground, prefix: &str, keys: usize) {
    let script = "for i = 1, ARGV[2] do redis.call('HSET', ARGV[1] .. i, 'data', 'v', 'version', 1) end";
    ground.server.client(&["EVAL", script, "0", prefix, &keys.to_string()]);
}

fn drain(ground: &Ground, prefix: &str, keys: usize) {
    let script = "for i = 1, ARGV[2] do redis.call('DEL', ARGV[1] .. i) end";
    ground.server.client(&["EVAL", script, "0", prefix, &keys.to_string()]);
}

/// The pages of a listing; something happens after each.
async fn pages(ground: &Ground, prefix: &str, limit: u32, mut after: impl FnMut(usize)) -> Vec<Vec<String>> {
    let (limit, mut cursor): (_, Option<Cursor>) = (PageLimit::new(limit).unwrap(), None);
    let mut pages = Vec::new();
    loop {
        let page = ground.app.list_keys(prefix, limit, cursor.as_ref()).await.unwrap();
        assert!(page.keys.len() <= limit.get());
        pages.push(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return pages;
        }
        after(pages.len());
    }
}

fn numbered(prefix: &str, keys: usize) -> BTreeSet<String> {
    (1..=keys).map(|key| format!("{prefix}{key}")).collect()
}

#[tokio::test]
async fn in_a_small_database_keys_are_listed_in_order_and_each_once() {
    let ground = Ground::new().await;
    fill(&ground, "other||", 5_000);
    fill(&ground, "app||k", 3_000);
    let found = pages(&ground, "k", 1_000, |_| {}).await;
    assert_eq!(found.len(), 3);
    let found = found.concat();
    assert!(found.is_sorted());
    assert_eq!(found.len(), 3_000);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), numbered("k", 3_000));
}

#[tokio::test]
async fn in_a_large_database_a_page_takes_a_few_steps_and_all_are_listed() {
    let ground = Ground::new().await;
    fill(&ground, "other||", 300_000);
    fill(&ground, "app||k", 2_000);
    ground.server.client(&["CONFIG", "RESETSTAT"]);
    let found = pages(&ground, "k", 1_000, |_| {}).await;
    let keys = found.concat();
    assert_eq!(keys.len(), 2_000, "nothing is resized, and so each comes once");
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), numbered("k", 2_000));
    // One round, the hundred steps by which it was found to be large, and those that were done twice.
    let stats = ground.server.client(&["INFO", "commandstats"]);
    let scans = stats.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls="));
    let scans: usize = scans.and_then(|line| line.split(',').next()).unwrap().parse().unwrap();
    assert!(
        scans < 302 + 100 + 2 * found.len(),
        "{scans} steps for {} pages",
        found.len()
    );
    // A hundred thousand keys of others end a page.
    assert!(found.len() >= 4, "{} pages", found.len());
}

#[tokio::test]
async fn keys_that_stay_are_listed_while_redis_makes_its_table_larger_and_smaller() {
    let ground = Ground::new().await;
    fill(&ground, "other||", 150_000);
    fill(&ground, "app||k", 1_000);
    for limit in [1_000, 7] {
        let found = pages(&ground, "k", limit, |page| match page % 40 {
            1 => fill(&ground, "more||", 400_000),
            20 => {
                drain(&ground, "more||", 400_000);
                drain(&ground, "other||", 150_000);
            }
            39 => fill(&ground, "other||", 150_000),
            _ => {}
        });
        let found: BTreeSet<_> = found.await.concat().into_iter().collect();
        assert_eq!(found, numbered("k", 1_000), "{limit}");
        fill(&ground, "other||", 150_000);
    }
}

#[tokio::test]
async fn a_page_of_one_key_in_a_large_database_goes_on_within_a_step() {
    let ground = Ground::new().await;
    fill(&ground, "other||", 120_000);
    fill(&ground, "app||k", 50);
    let found = pages(&ground, "k", 1, |_| {}).await.concat();
    assert_eq!(found.len(), 50);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), numbered("k", 50));
}
