//! Whether what a store asks is there: its server, or the component that asks one.
//!
//! | a call | the store is |
//! |---|---|
//! | was answered, if only with a no | well |
//! | could not be asked, or was cut off | failing, until one is answered |
//! | had no answer in its time | the same, unless another was answered since it began: it is that call which is slow |
//! | was given up by its caller | as before |
//!
//! Where nobody calls because `/healthz` says that a store fails, it would fail for ever. So it is asked then by itself, at once
//! and every second, until it answers, and no more often where it fails again and again.

use crate::state::Health;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often what fails is asked: little for a server that is back, and soon enough for who watches `/healthz`.
const EVERY: Duration = Duration::from_secs(1);

/// What calls of one store have come to.
#[derive(Debug, Default)]
pub struct Pulse {
    seen: Mutex<Seen>,
    /// Whether it fails, for whoever waits for that. Written while `seen` is held.
    fails: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Why it fails, if it does.
    failing: Option<&'static str>,
    /// When a call was answered last.
    answered: Option<Instant>,
    /// When it was last asked since it failed.
    asked: Option<Instant>,
}

impl Pulse {
    // Nothing panics while it is held.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered.
    pub fn answered(&self) {
        let mut seen = self.seen();
        seen.answered = Some(Instant::now());
        if seen.failing.take().is_some() {
            self.fails.send_replace(false);
        }
    }

    /// A call could not be made, or was cut off, for this reason.
    pub fn silent(&self, reason: &'static str) {
        let mut seen = self.seen();
        if seen.failing.replace(reason).is_none() {
            self.fails.send_replace(true);
        }
    }

    /// A call that began then has had no answer in its time.
    pub fn unanswered(&self, since: Instant) {
        if self.seen().answered.is_none_or(|answered| answered < since) {
            self.silent("it did not answer in time");
        }
    }

    /// How it is.
    pub fn health(&self) -> Health {
        match self.seen().failing {
            None => Health::Well,
            Some(reason) => Health::Failing(reason.to_owned()),
        }
    }

    /// Resolves when it fails, at once if it does already.
    pub async fn lost(&self) {
        // There is a sender as long as this is there.
        let _ = self.fails.subscribe().wait_for(|fails| *fails).await;
    }

    /// Asks until it answers, which whoever asks has to note here.
    pub async fn find<F: Future<Output = ()>>(&self, ask: impl Fn() -> F) {
        while self.is_failing() {
            let asked = self.seen().asked;
            if let Some(asked) = asked.filter(|asked| asked.elapsed() < EVERY) {
                tokio::time::sleep_until(asked + EVERY).await;
                continue;
            }
            ask().await;
            self.seen().asked = Some(Instant::now());
        }
    }

    /// Does so whenever it fails, without end.
    pub async fn keep_finding<F: Future<Output = ()>>(&self, ask: impl Fn() -> F) {
        loop {
            self.lost().await;
            self.find(&ask).await;
        }
    }

    fn is_failing(&self) -> bool {
        self.seen().failing.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const SECOND: Duration = Duration::from_secs(1);

    fn is_well(pulse: &Pulse) -> bool {
        pulse.health() == Health::Well
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_call_says_how_it_is() {
        let pulse = Pulse::default();
        assert!(is_well(&pulse));
        pulse.silent("it cannot be reached");
        assert_eq!(pulse.health(), Health::Failing("it cannot be reached".to_owned()));
        pulse.answered();
        assert!(is_well(&pulse));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_says_nothing_where_another_had_one_meanwhile() {
        let pulse = Pulse::default();
        pulse.answered();
        tokio::time::advance(SECOND).await;
        let begun = Instant::now();
        tokio::time::advance(SECOND).await;
        pulse.answered();
        pulse.unanswered(begun);
        assert!(is_well(&pulse));
        tokio::time::advance(SECOND).await;
        pulse.unanswered(Instant::now());
        assert!(!is_well(&pulse));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_asked_at_once_and_every_second_until_it_answers() {
        let pulse = Pulse::default();
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            if asked.get() == 3 {
                pulse.answered();
            }
        };
        let keep = pulse.keep_finding(ask);
        tokio::pin!(keep);
        assert!(tokio::time::timeout(60 * SECOND, &mut keep).await.is_err());
        assert_eq!(asked.get(), 0);
        pulse.silent("it cannot be reached");
        assert!(tokio::time::timeout(60 * SECOND, &mut keep).await.is_err());
        assert_eq!((asked.get(), is_well(&pulse)), (3, true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_again_and_again_is_asked_no_more_often() {
        let pulse = Pulse::default();
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            pulse.answered();
        };
        let fail = async {
            for _ in 0..100 {
                pulse.silent("it takes no writes");
                tokio::time::sleep(SECOND / 10).await;
            }
        };
        tokio::select! {
            () = pulse.keep_finding(ask) => {}
            () = fail => {}
        }
        assert!((9..=11).contains(&asked.get()), "{} times in ten seconds", asked.get());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_hears_of_it_although_another_who_waited_is_gone() {
        let pulse = Pulse::default();
        let gone = pulse.lost();
        let waits = pulse.lost();
        tokio::pin!(waits);
        {
            tokio::pin!(gone);
            assert!(tokio::time::timeout(SECOND, &mut gone).await.is_err());
            assert!(tokio::time::timeout(SECOND, &mut waits).await.is_err());
            pulse.silent("it cannot be reached");
        }
        tokio::time::timeout(SECOND, waits).await.unwrap();
    }
}
