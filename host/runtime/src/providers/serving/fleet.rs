//! The instances of one store: as many as its load needs, and others in the place of those that ended.
//!
//! A request goes to the instance that has the fewest under way. When each has more than [`BUSY`], another one is started
//! beside them, up to the configured number; one that had nothing to do for [`IDLE`] is stopped, down to one.
//!
//! What ends is replaced as the pool's instances are (`pool`): at once the first time, and after a rest that doubles when it
//! ends again soon. While no instance lives and none is starting, requests are refused at once.

use super::block::BuildingBlock;
use super::exchange::{Exchange, Silent, Why};
use super::instance::{self, Ended, LoopProvider, Serving};
use crate::providers::answer::{health, note};
use crate::providers::pool::{FIRST_REST, Failures, Refused};
use crate::providers::start::{OpenError, StartError, size};
use dapr_blocks::state::Health;
use dapr_blocks::{Pulse, chain};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Requests under way in one instance above which another one is worth its memory: one instance uses one processor, and with
/// this many it is seldom idle.
const BUSY: usize = 8;

/// Requests under way in one instance at most, as many as wait for a store of the other form at most.
const MOST: usize = 256;

/// How long an instance has nothing to do before it is stopped, if it is not the last.
const IDLE: Duration = Duration::from_secs(60);

/// Why a call has no answer.
pub(in crate::providers) enum Unanswered {
    /// It was not given to an instance.
    Refused(Refused),
    /// It was, and there is no answer.
    Silent(Silent),
}

/// The instances of one store.
pub(in crate::providers) struct Fleet<B: BuildingBlock>(Arc<Inner<B>>);

struct Inner<B: BuildingBlock> {
    provider: LoopProvider<B>,
    declaration: B::Declaration,
    size: usize,
    state: Mutex<State<B>>,
    /// An instance began to serve, or one that was starting did not.
    changed: Notify,
    pulse: Pulse,
    tasks: TaskTracker,
    closing: CancellationToken,
    runtime: Handle,
}

struct State<B: BuildingBlock> {
    live: Vec<Arc<Exchange<B>>>,
    starting: usize,
    resting: usize,
    failures: Failures,
}

impl<B: BuildingBlock> State<B> {
    fn places(&self) -> usize {
        self.live.len() + self.starting + self.resting
    }

    /// The live instance with the fewest requests, and how many these are.
    fn least_busy(&self) -> Option<(usize, &Arc<Exchange<B>>)> {
        self.live
            .iter()
            .map(|exchange| (exchange.load(), exchange))
            .min_by_key(|(load, _)| *load)
    }
}

/// What is to be done with a request.
enum Choice<B: BuildingBlock> {
    Ask(Arc<Exchange<B>>),
    Wait,
    Refuse(Refused),
}

impl<B: BuildingBlock> Fleet<B> {
    /// Starts the first instance.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it does not start, or does not allow what is configured.
    pub(in crate::providers) async fn open(provider: LoopProvider<B>) -> Result<Self, OpenError> {
        let (tasks, runtime) = (TaskTracker::new(), Handle::current());
        let (first, declaration) = provider.start((&tasks, &runtime)).await?;
        let size = match size(provider.spec().instances, &declaration) {
            Ok(size) => size,
            Err(error) => {
                instance::stop(first, provider.spec().deadline).await;
                return Err(error);
            }
        };
        let inner = Arc::new(Inner {
            provider,
            declaration,
            size,
            state: Mutex::new(State {
                live: Vec::new(),
                starting: 1,
                resting: 0,
                failures: Failures::default(),
            }),
            changed: Notify::new(),
            pulse: Pulse::default(),
            tasks,
            closing: CancellationToken::new(),
            runtime,
        });
        inner.attend(first);
        Ok(Self(inner))
    }

    /// What the instances say of themselves.
    pub(in crate::providers) fn declaration(&self) -> &B::Declaration {
        &self.0.declaration
    }

    /// Has a call answered, within the deadline of the store.
    pub(in crate::providers) async fn call(&self, call: B::Call) -> Result<B::Reply, Unanswered> {
        let deadline = self.0.provider.spec().deadline;
        // The host's own deadline begins before and is not to be the first to pass: it does not know what was begun.
        let timeout = deadline - (deadline / 20).min(Duration::from_millis(100));
        let begin = Instant::now();
        let mut call = call;
        let asked = loop {
            let exchange = self.instance(deadline / 2).await.map_err(Unanswered::Refused)?;
            let left = timeout.saturating_sub(begin.elapsed());
            match exchange.ask(call, left) {
                Ok(asked) => break asked,
                // It ended in this moment, or was told to. Whoever replaces it may have to run here.
                Err(back) => call = *back,
            }
            tokio::task::yield_now().await;
        };
        let answer = asked.answer().await;
        match &answer {
            Ok(reply) => {
                self.0.answered();
                note(&self.0.pulse, reply);
            }
            Err(Silent::NotBegun(Why::TooSlow(_)) | Silent::Begun(Why::TooSlow(_))) => self.0.pulse.unanswered(begin),
            // That it broke was noted where it was found.
            Err(Silent::NotBegun(Why::Ended) | Silent::Begun(Why::Ended)) => {}
        }
        answer.map_err(Unanswered::Silent)
    }

    /// An instance for a request, waited for no longer than `patience` if none lives.
    async fn instance(&self, patience: Duration) -> Result<Arc<Exchange<B>>, Refused> {
        let choose = async {
            loop {
                let changed = self.0.changed.notified();
                match self.0.choose() {
                    Choice::Ask(exchange) => return Ok(exchange),
                    Choice::Refuse(refused) => return Err(refused),
                    Choice::Wait => changed.await,
                }
            }
        };
        tokio::time::timeout(patience, choose)
            .await
            .unwrap_or(Err(Refused::Full))
    }

    /// How it is.
    pub(in crate::providers) fn health(&self) -> Health {
        let state = self.0.state();
        let deadline = self.0.provider.spec().deadline;
        health(state.failures.fitness(Instant::now(), deadline), &self.0.pulse)
    }

    /// What its calls say of the server behind it.
    pub(in crate::providers) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    /// Where its tasks run.
    pub(in crate::providers) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Refuses calls from now on, and lets the instances answer what they have and end.
    pub(in crate::providers) async fn close(&self) {
        self.0.closing.cancel();
        self.0.changed.notify_waiters();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl<B: BuildingBlock> Inner<B> {
    // Nothing that can panic happens while it is held.
    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(self: &Arc<Self>) -> Choice<B> {
        if self.closing.is_cancelled() {
            return Choice::Refuse(Refused::Closed);
        }
        let mut state = self.state();
        let Some((load, exchange)) = state.least_busy() else {
            return match state.starting {
                0 => Choice::Refuse(Refused::Down),
                _ => Choice::Wait,
            };
        };
        if load >= MOST {
            return Choice::Refuse(Refused::Full);
        }
        let exchange = Arc::clone(exchange);
        if load >= BUSY && state.places() < self.size {
            state.starting += 1;
            self.fill(Duration::ZERO);
        }
        Choice::Ask(exchange)
    }

    fn answered(&self) {
        self.state().failures.answered(Instant::now);
    }

    /// Starts an instance for a place that is starting, or resting if there is a rest, and again until that succeeds.
    fn fill(self: &Arc<Self>, mut rest: Duration) {
        let fleet = Arc::clone(self);
        let fill = async move {
            loop {
                if !rest.is_zero() {
                    tokio::select! {
                        () = fleet.closing.cancelled() => return,
                        () = tokio::time::sleep(rest) => {}
                    }
                    let mut state = fleet.state();
                    state.resting -= 1;
                    state.starting += 1;
                }
                let began = Instant::now();
                let started = tokio::select! {
                    () = fleet.closing.cancelled() => return,
                    started = fleet.provider.start((&fleet.tasks, &fleet.runtime)) => started,
                };
                let error = match started {
                    Ok((serving, declaration)) if declaration == fleet.declaration => {
                        tracing::info!(store = fleet.provider.spec().name, "an instance of the store started");
                        return fleet.attend(serving);
                    }
                    Ok((serving, _)) => {
                        instance::stop(serving, fleet.provider.spec().deadline).await;
                        StartError::Changed
                    }
                    Err(error) => error,
                };
                fleet.state().starting -= 1;
                // Without a rest, what cannot start would be started without end.
                rest = fleet.rest(&chain(&error), began, FIRST_REST);
            }
        };
        self.tasks.spawn_on(fill, &self.runtime);
    }

    /// Lets an instance serve until it ends. Its place is starting.
    fn attend(self: &Arc<Self>, mut serving: Serving<B>) {
        {
            let mut state = self.state();
            state.starting -= 1;
            state.live.push(Arc::clone(&serving.exchange));
            state.failures.started(Instant::now());
        }
        self.changed.notify_waiters();
        let fleet = Arc::clone(self);
        let attend = async move {
            loop {
                tokio::select! {
                    ended = &mut serving.ended => return fleet.lost(&serving, &ended.unwrap_or(Ended::Hopeless)),
                    () = fleet.closing.cancelled() => {}
                    () = tokio::time::sleep(IDLE) => {
                        if !fleet.dismiss(&serving) {
                            continue;
                        }
                    }
                }
                fleet.forget(&serving);
                return instance::stop(serving, fleet.provider.spec().deadline).await;
            }
        };
        self.tasks.spawn_on(attend, &self.runtime);
    }

    /// Takes an instance that had nothing to do for long out of service, unless it is the last.
    fn dismiss(&self, serving: &Serving<B>) -> bool {
        let mut state = self.state();
        let may_go = state.live.len() > 1 && serving.exchange.stop_if_idle(IDLE);
        if may_go {
            state.live.retain(|exchange| !Arc::ptr_eq(exchange, &serving.exchange));
        }
        may_go
    }

    fn forget(&self, serving: &Serving<B>) {
        self.state()
            .live
            .retain(|exchange| !Arc::ptr_eq(exchange, &serving.exchange));
    }

    /// An instance that served has ended. The first failure costs no rest.
    fn lost(self: &Arc<Self>, serving: &Serving<B>, why: &Ended) {
        self.forget(serving);
        if !self.closing.is_cancelled() {
            let rest = self.rest(&chain(why), serving.began, Duration::ZERO);
            self.fill(rest);
        }
    }

    /// Notes a failure, and how long the place, which counts nowhere at the moment, is to rest after it.
    fn rest(&self, cause: &str, began: Instant, at_least: Duration) -> Duration {
        let rest = {
            let mut state = self.state();
            let rest = state.failures.note(began, Instant::now()).max(at_least);
            match rest.is_zero() {
                true => state.starting += 1,
                false => state.resting += 1,
            }
            if state.live.is_empty() && state.starting == 0 {
                state.failures.none_left();
            }
            rest
        };
        // Those who wait may have nothing to wait for.
        self.changed.notify_waiters();
        let when = match rest.is_zero() {
            true => "at once".to_owned(),
            false => format!("in {rest:?}"),
        };
        tracing::warn!(
            store = self.provider.spec().name,
            cause,
            "an instance of the store broke; the next one starts {when}"
        );
        rest
    }
}

#[cfg(test)]
mod tests;
