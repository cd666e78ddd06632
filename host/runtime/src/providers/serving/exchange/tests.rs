use super::super::testing::{DEADLINE as TIMEOUT, spec};
use super::*;
use crate::providers::answer::{Declared, Heard, Instances};
use crate::providers::guest::{ProviderGuest, Requests};
use wasmtime::Store;

/// A building block whose calls are names, and whose replies are numbers.
#[derive(Debug)]
struct Names;

impl Declared for () {
    fn instances(&self) -> Instances {
        Instances::One
    }
}

impl Heard for u32 {
    fn is_away(&self) -> bool {
        false
    }
}

impl BuildingBlock for Names {
    type Pre = ();
    type Configuration = ();
    type Declaration = ();
    type Call = String;
    type Reply = u32;

    fn configuration(_spec: &ProviderSpec) {}

    fn requests(_exchange: Arc<Exchange<Self>>) -> Requests {
        Requests::None
    }

    async fn run(_pre: &(), _guest: &mut Store<ProviderGuest>) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn exchange() -> Arc<Exchange<Names>> {
    Exchange::new(&spec(1)).0
}

fn ask(exchange: &Arc<Exchange<Names>>) -> Asked<Names> {
    let asked = exchange.ask("k".to_owned(), TIMEOUT);
    asked.unwrap_or_else(|_| unreachable!("the instance lives"))
}

/// Takes a request, and answers its id.
fn take(exchange: &Exchange<Names>) -> u64 {
    match exchange.next() {
        Some(Happening::Request { id, .. }) => id,
        _ => unreachable!("there is a request"),
    }
}

fn is_hopeless(exchange: &Exchange<Names>) -> bool {
    exchange.hopeless.is_cancelled()
}

// ---- answers ----

#[tokio::test(start_paused = true)]
async fn an_answer_reaches_who_asked_in_whatever_order() {
    let exchange = exchange();
    let (one, other) = (ask(&exchange), ask(&exchange));
    let (first, second) = (take(&exchange), take(&exchange));
    assert_eq!(exchange.load(), 2);
    exchange.reply(second, 2);
    exchange.reply(first, 1);
    assert!(matches!(one.answer().await, Ok(1)));
    assert!(matches!(other.answer().await, Ok(2)));
    assert_eq!(exchange.load(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_waits_for_is_dropped() {
    let exchange = exchange();
    exchange.reply(7, 1);
    let asked = ask(&exchange);
    let id = take(&exchange);
    exchange.reply(id, 1);
    exchange.reply(id, 2);
    assert!(matches!(asked.answer().await, Ok(1)), "the first counts");
}

#[tokio::test(start_paused = true)]
async fn a_request_says_how_long_it_has() {
    let exchange = exchange();
    let _asked = ask(&exchange);
    tokio::time::advance(Duration::from_secs(2)).await;
    match exchange.next() {
        Some(Happening::Request { timeout, .. }) => assert_eq!(timeout, 3_000_000_000),
        _ => unreachable!("there is a request"),
    }
}

// ---- no answer ----

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_in_its_time_was_not_begun_and_says_that_the_instance_is_lost() {
    let exchange = exchange();
    let silent = ask(&exchange).answer().await;
    assert!(matches!(silent, Err(Silent::NotBegun(Why::TooSlow(TIMEOUT)))));
    assert!(is_hopeless(&exchange));
    assert!(exchange.next().is_none(), "it is not done later");
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_no_fault_of_the_instance() {
    let exchange = exchange();
    for _ in 0..20 {
        let slow = ask(&exchange);
        take(&exchange);
        assert!(matches!(slow.answer().await, Err(Silent::Begun(Why::TooSlow(TIMEOUT)))));
        assert!(matches!(exchange.next(), Some(Happening::Cancel(_))));
        let quick = ask(&exchange);
        exchange.reply(take(&exchange), 1);
        assert!(quick.answer().await.is_ok());
    }
    assert!(!is_hopeless(&exchange));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_answers_nothing_for_long_is_lost() {
    let exchange = exchange();
    let begin = Instant::now();
    while !is_hopeless(&exchange) {
        let asked = ask(&exchange);
        while exchange.next().is_some() {}
        assert!(asked.answer().await.is_err());
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
    assert!(begin.elapsed() > SILENCE, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_a_request_is_taken_takes_it_along() {
    let exchange = exchange();
    drop(ask(&exchange));
    assert!(exchange.next().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_later_has_it_cancelled() {
    let exchange = exchange();
    let asked = ask(&exchange);
    let id = take(&exchange);
    drop(asked);
    assert!(matches!(exchange.next(), Some(Happening::Cancel(cancelled)) if cancelled == id));
    assert_eq!(exchange.load(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_an_instance_ends_its_callers_hear_what_was_begun() {
    let exchange = exchange();
    let taken = ask(&exchange);
    take(&exchange);
    let waiting = ask(&exchange);
    exchange.close();
    assert!(matches!(taken.answer().await, Err(Silent::Begun(Why::Ended))));
    assert!(matches!(waiting.answer().await, Err(Silent::NotBegun(Why::Ended))));
    let late = exchange.ask("k".to_owned(), TIMEOUT);
    assert!(late.is_err(), "nobody asks what has ended");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_does_not_pile_up() {
    let exchange = exchange();
    for _ in 0..100_000 {
        drop(ask(&exchange));
    }
    assert!(exchange.state().queue.len() <= STALE + 1);
}

// ---- the end ----

#[tokio::test(start_paused = true)]
async fn what_is_asked_after_stop_comes_back_and_what_was_asked_before_is_answered() {
    let exchange = exchange();
    let before = ask(&exchange);
    exchange.stop();
    exchange.stop();
    assert!(exchange.ask("k".to_owned(), TIMEOUT).is_err());
    exchange.reply(take(&exchange), 1);
    assert!(matches!(exchange.next(), Some(Happening::Stop)));
    assert!(exchange.next().is_none(), "it is told once");
    assert!(before.answer().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_a_request_or_that_had_one_lately_is_not_idle() {
    let exchange = exchange();
    let asked = ask(&exchange);
    tokio::time::advance(TIMEOUT * 2).await;
    assert!(!exchange.stop_if_idle(TIMEOUT), "one is waiting");
    exchange.reply(take(&exchange), 1);
    assert!(asked.answer().await.is_ok());
    drop(ask(&exchange));
    tokio::time::advance(TIMEOUT - Duration::from_millis(1)).await;
    assert!(!exchange.stop_if_idle(TIMEOUT));
    drop(ask(&exchange));
    tokio::time::advance(TIMEOUT).await;
    assert!(exchange.stop_if_idle(TIMEOUT));
    assert!(exchange.ask("k".to_owned(), TIMEOUT).is_err());
    assert!(matches!(exchange.next(), Some(Happening::Stop)));
}

// ---- the order of things ----

#[test]
fn an_instance_begins_and_starts_once_and_in_this_order() {
    let exchange = exchange();
    let refused = || Err::<(), _>(std::fmt::Error);
    assert!(exchange.started(refused()).is_err(), "it has not begun");
    assert!(exchange.begin().is_ok());
    assert!(exchange.begin().is_err());
    assert!(exchange.started(refused()).is_ok());
    assert!(exchange.started(refused()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pollable_is_ready_while_there_is_an_event() {
    let exchange = exchange();
    let waits = tokio::time::timeout(TIMEOUT, exchange.arrived());
    assert!(waits.await.is_err());
    let _asked = ask(&exchange);
    for _ in 0..2 {
        tokio::time::timeout(TIMEOUT, exchange.arrived())
            .await
            .expect("it stays ready");
    }
    exchange.stop();
    take(&exchange);
    assert!(matches!(exchange.next(), Some(Happening::Stop)));
    assert!(exchange.next().is_none());
}
