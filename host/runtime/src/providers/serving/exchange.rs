//! Requests on their way into one instance, and answers on their way out.
//!
//! A request is *waiting* until the instance takes it, then *taken* until it is answered. The difference is what a caller is
//! told when there is no answer: what was never taken was not begun.
//!
//! Nothing here runs by itself. Who waits too long for an answer finds out what that says of the instance, and has it ended:
//!
//! | a request | and | means |
//! |---|---|---|
//! | was not taken in its time | | the instance computes for ever, or waits for something else |
//! | was taken and not answered in its time | others are answered | a slow server, and no fault of the instance |
//! | the same | nothing at all is answered for [`SILENCE`] | the instance has lost its requests |

use super::block::BuildingBlock;
use crate::providers::linked::ProviderSpec;
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long an instance may answer nothing at all while callers wait in vain: longer than what vendors' own libraries take to
/// notice that a server does not answer (10 s in Go's Redis client), so that it is they who say so.
const SILENCE: Duration = Duration::from_secs(30);

/// Events that may lie here with nobody waiting for them, before they are looked for.
const STALE: usize = 256;

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(in crate::providers) enum Silent {
    /// The instance did not even take the request.
    NotBegun(Why),
    /// It took the request.
    Begun(Why),
}

/// What became of a request without an answer.
#[derive(Clone, Debug)]
pub(in crate::providers) enum Why {
    /// It had no answer in its time.
    TooSlow(Duration),
    /// The instance ended.
    Ended,
}

/// What the host has for the instance.
pub(in crate::providers) enum Happening<Call> {
    Request {
        id: u64,
        /// Nanoseconds.
        timeout: u64,
        call: Call,
    },
    Cancel(u64),
    Stop,
}

/// What an instance says when it begins.
pub(super) type Says<B> = Result<<B as BuildingBlock>::Declaration, Box<dyn Error + Send + Sync>>;

/// Between one instance and those that call it.
pub(in crate::providers) struct Exchange<B: BuildingBlock> {
    configuration: B::Configuration,
    state: Mutex<State<B>>,
    arrived: Notify,
    /// Cancelled when the instance must end.
    hopeless: CancellationToken,
}

struct State<B: BuildingBlock> {
    has_begun: bool,
    started: Option<oneshot::Sender<Says<B>>>,
    queue: VecDeque<Queued<B::Call>>,
    under_way: HashMap<u64, UnderWay<B::Reply>>,
    last_id: u64,
    /// When a caller first waited in vain, after the last answer.
    silent_since: Option<Instant>,
    /// When there was a request last.
    last_asked: Option<Instant>,
    /// Whether the instance has ended, or was told to stop: it takes nothing more.
    is_over: bool,
}

enum Queued<Call> {
    Request { id: u64, due: Instant, call: Call },
    Cancel(u64),
    Stop,
}

struct UnderWay<Reply> {
    answer: oneshot::Sender<Result<Reply, Silent>>,
    is_taken: bool,
}

impl<B: BuildingBlock> Exchange<B> {
    /// For an instance that is about to start, and what it says then.
    pub(super) fn new(spec: &ProviderSpec) -> (Arc<Self>, oneshot::Receiver<Says<B>>) {
        let (started, says) = oneshot::channel();
        let exchange = Self {
            configuration: B::configuration(spec),
            state: Mutex::new(State {
                has_begun: false,
                started: Some(started),
                queue: VecDeque::new(),
                under_way: HashMap::new(),
                last_id: 0,
                silent_since: None,
                last_asked: None,
                is_over: false,
            }),
            arrived: Notify::new(),
            hopeless: CancellationToken::new(),
        };
        (Arc::new(exchange), says)
    }

    // Nothing that can panic happens while it is held.
    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- what callers do ----

    /// Leaves a request.
    ///
    /// # Errors
    ///
    /// The request, if the instance has ended or was told to stop.
    pub(super) fn ask(self: &Arc<Self>, call: B::Call, timeout: Duration) -> Result<Asked<B>, Box<B::Call>> {
        let (answer, answered) = oneshot::channel();
        let now = Instant::now();
        let id = {
            let mut state = self.state();
            if state.is_over {
                return Err(Box::new(call));
            }
            state.last_id += 1;
            let id = state.last_id;
            if state.queue.len() >= state.under_way.len() + STALE {
                state.forget_stale();
            }
            state.under_way.insert(
                id,
                UnderWay {
                    answer,
                    is_taken: false,
                },
            );
            state.queue.push_back(Queued::Request {
                id,
                due: now + timeout,
                call,
            });
            state.last_asked = Some(now);
            id
        };
        self.arrived.notify_one();
        Ok(Asked {
            exchange: Arc::clone(self),
            id,
            timeout,
            answered,
        })
    }

    /// Requests that are waiting or taken.
    pub(super) fn load(&self) -> usize {
        self.state().under_way.len()
    }

    /// Tells the instance that nothing more comes.
    pub(super) fn stop(&self) {
        self.state().stop();
        self.arrived.notify_one();
    }

    /// The same, if there has been no request for this long. Answers whether that is so. In one step: what comes in between
    /// would be lost with the instance.
    pub(super) fn stop_if_idle(&self, time: Duration) -> bool {
        let is_idle = self.state().stop_if_idle(time);
        if is_idle {
            self.arrived.notify_one();
        }
        is_idle
    }

    /// Has the instance ended, whatever it does.
    pub(super) fn end(&self) {
        self.hopeless.cancel();
    }

    /// Resolves when the instance must be ended.
    pub(super) async fn hopeless(&self) {
        self.hopeless.cancelled().await;
    }

    /// The instance has ended: whoever waits is told so, and nobody may ask any more.
    pub(super) fn close(&self) {
        let (under_way, started) = {
            let mut state = self.state();
            state.is_over = true;
            state.queue.clear();
            (std::mem::take(&mut state.under_way), state.started.take())
        };
        drop(started);
        for UnderWay { answer, is_taken } in under_way.into_values() {
            let silent = match is_taken {
                true => Silent::Begun(Why::Ended),
                false => Silent::NotBegun(Why::Ended),
            };
            // Who left does not mind.
            let _ = answer.send(Err(silent));
        }
    }

    /// A caller leaves without an answer.
    fn leave(&self, id: u64) {
        let mut state = self.state();
        // What was not taken is passed over when it would be.
        if state.under_way.remove(&id).is_some_and(|request| request.is_taken) {
            state.queue.push_back(Queued::Cancel(id));
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// A caller waited in vain. Answers whether the instance took its request.
    fn in_vain(&self, id: u64, timeout: Duration) -> bool {
        let now = Instant::now();
        let mut state = self.state();
        let is_taken = state.under_way.get(&id).is_some_and(|request| request.is_taken);
        let silent_since = *state.silent_since.get_or_insert(now);
        drop(state);
        // What had less than the usual time says nothing.
        if !is_taken || now.saturating_duration_since(silent_since) > SILENCE.max(timeout * 2) {
            self.hopeless.cancel();
        }
        is_taken
    }

    // ---- what the instance does ----

    /// Resolves when there is an event.
    pub(in crate::providers) async fn arrived(&self) {
        loop {
            if !self.state().queue.is_empty() {
                return;
            }
            self.arrived.notified().await;
        }
    }

    pub(in crate::providers) fn begin(&self) -> wasmtime::Result<B::Configuration> {
        match std::mem::replace(&mut self.state().has_begun, true) {
            false => Ok(self.configuration.clone()),
            true => Err(wasmtime::format_err!("it called `begin` twice")),
        }
    }

    pub(in crate::providers) fn started<E: Error + Send + Sync + 'static>(
        &self,
        declared: Result<B::Declaration, E>,
    ) -> wasmtime::Result<()> {
        let started = {
            let mut state = self.state();
            if !state.has_begun {
                return Err(wasmtime::format_err!("it called `started` before `begin`"));
            }
            state.started.take()
        };
        match started {
            Some(started) => {
                // Who started it may have waited for too long.
                let _ = started.send(declared.map_err(Into::into));
                Ok(())
            }
            None => Err(wasmtime::format_err!("it called `started` twice")),
        }
    }

    pub(in crate::providers) fn next(&self) -> Option<Happening<B::Call>> {
        let mut state = self.state();
        loop {
            match state.queue.pop_front()? {
                Queued::Request { id, due, call } => {
                    let Some(request) = state.under_way.get_mut(&id) else {
                        continue;
                    };
                    request.is_taken = true;
                    let left = due.saturating_duration_since(Instant::now());
                    return Some(Happening::Request {
                        id,
                        timeout: u64::try_from(left.as_nanos()).unwrap_or(u64::MAX),
                        call,
                    });
                }
                Queued::Cancel(id) => return Some(Happening::Cancel(id)),
                Queued::Stop => return Some(Happening::Stop),
            }
        }
    }

    /// Answers a request. The caller that is woken comes next on this thread, and no other may take it over: an instance that
    /// has more to do would keep it waiting for as long. One that has not is about to wait by itself.
    pub(in crate::providers) async fn respond(&self, id: u64, reply: B::Reply) {
        self.reply(id, reply);
        if self.load() > 0 {
            tokio::task::yield_now().await;
        }
    }

    fn reply(&self, id: u64, reply: B::Reply) {
        let request = {
            let mut state = self.state();
            state.silent_since = None;
            state.under_way.remove(&id)
        };
        if let Some(UnderWay { answer, .. }) = request {
            // Who leaves in this moment does not mind.
            let _ = answer.send(Ok(reply));
        }
    }
}

impl<B: BuildingBlock> State<B> {
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.queue.push_back(Queued::Stop);
        }
    }

    fn stop_if_idle(&mut self, time: Duration) -> bool {
        let is_idle = self.under_way.is_empty() && self.last_asked.is_none_or(|asked| asked.elapsed() >= time);
        if is_idle {
            self.stop();
        }
        is_idle
    }

    /// Drops requests that nobody waits for.
    fn forget_stale(&mut self) {
        let Self { queue, under_way, .. } = self;
        queue.retain(|queued| match queued {
            Queued::Request { id, .. } => under_way.contains_key(id),
            Queued::Cancel(_) | Queued::Stop => true,
        });
    }
}

/// A request that was left with an instance. Dropping it tells the instance that nobody waits any more.
#[must_use = "the request is cancelled when it is dropped"]
pub(super) struct Asked<B: BuildingBlock> {
    exchange: Arc<Exchange<B>>,
    id: u64,
    timeout: Duration,
    answered: oneshot::Receiver<Result<B::Reply, Silent>>,
}

impl<B: BuildingBlock> Asked<B> {
    /// Waits for the answer.
    pub(super) async fn answer(mut self) -> Result<B::Reply, Silent> {
        let timeout = self.timeout;
        match tokio::time::timeout(timeout, &mut self.answered).await {
            Ok(Ok(answer)) => answer,
            // The exchange is gone, and with it the instance.
            Ok(Err(_)) => Err(Silent::Begun(Why::Ended)),
            Err(_) => Err(match self.exchange.in_vain(self.id, timeout) {
                true => Silent::Begun(Why::TooSlow(timeout)),
                false => Silent::NotBegun(Why::TooSlow(timeout)),
            }),
        }
    }
}

impl<B: BuildingBlock> Drop for Asked<B> {
    fn drop(&mut self) {
        self.exchange.leave(self.id);
    }
}

#[cfg(test)]
mod tests;
