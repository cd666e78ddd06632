//! What became of a request: between its instance, which knows why it ended, and its client's side, which has the id and
//! perhaps somebody who waits.
//!
//! The two end in no order. A guest of WASI 0.3 that traps takes its request's channel with it before anybody is told why, so
//! the request waits a moment for the cause; a guest that traps after the head of its answer has a request that waits no more,
//! and one whose client has left has nobody at all, so then the instance tells the log.

use super::connections::Busy;
use super::request_id::RequestId;
use super::slot::Slot;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

/// How long a request without an answer waits for the cause: its instance is being torn down.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is known of a request.
pub(super) struct Witness {
    app: Arc<str>,
    id: RequestId,
    state: Mutex<State>,
    told: Notify,
}

#[derive(Default)]
struct State {
    /// The client has the head of the app's answer.
    answered: bool,
    /// The host has answered in the app's place, and said why in the log.
    reported: bool,
    /// The client's side is over: all was sent, or the client has left.
    over: bool,
    /// Why the instance ended, if it did before its work was done.
    cause: Option<String>,
    /// The instance has ended or has nothing to do any more, in whichever way.
    ended: bool,
    /// Kept while the client's side goes on and the instance works.
    slot: Option<Arc<Slot>>,
}

impl Witness {
    /// Takes note that the client is about to get the head of an answer, unless the guest is already gone: then the host can
    /// still say so in its place.
    pub(super) fn answer(&self) -> bool {
        let mut state = self.state();
        state.answered = state.cause.is_none();
        state.answered
    }

    /// Takes note that the log has why there is no answer.
    pub(super) fn reported(&self) {
        self.state().reported = true;
    }

    /// Keeps a slot for as long as the client's side goes on and the instance works.
    pub(super) fn keep(&self, slot: Arc<Slot>) {
        self.state().slot = Some(slot);
    }

    /// Why the instance ended, if it did before its work was done: else the guest returned without an answer.
    pub(super) async fn cause(&self) -> Option<String> {
        if !self.state().ended {
            // An instance that serves others too may stay.
            let _ = tokio::time::timeout(PATIENCE, self.told.notified()).await;
        }
        self.state().cause.clone()
    }

    /// The instance has nothing to do for this request any more; with a cause, it was not done.
    pub(super) fn tell(&self, cause: Option<&str>) {
        let (app, id) = (&*self.app, self.id);
        let mut state = self.state();
        if let Some(cause) = cause {
            match (state.answered, state.over) {
                (true, false) => {
                    tracing::error!(app, request = %id, cause, "the app failed after its answer had begun")
                }
                // Most often because its client left, at which some guests trap.
                (true, true) => tracing::debug!(app, request = %id, cause, "the app failed after its answer"),
                (false, true) if !state.reported => {
                    tracing::error!(app, request = %id, cause, "the app failed, and its client has gone");
                }
                // Whoever waits for the answer says it.
                (false, _) => {}
            }
            state.cause = Some(cause.to_owned());
        }
        state.ended = true;
        let slot = state.slot.take();
        drop(state);
        drop(slot);
        self.told.notify_one();
    }

    /// Whether the app failed after its answer had begun.
    fn broke_off(&self) -> bool {
        let state = self.state();
        state.answered && state.cause.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's side of a request. Over when dropped.
pub(super) struct Client {
    witness: Arc<Witness>,
    _busy: Busy,
}

impl Client {
    pub(super) fn new(app: Arc<str>, id: RequestId, busy: Busy) -> Self {
        Self {
            witness: Arc::new(Witness {
                app,
                id,
                state: Mutex::default(),
                told: Notify::new(),
            }),
            _busy: busy,
        }
    }

    pub(super) fn witness(&self) -> &Arc<Witness> {
        &self.witness
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut state = self.witness.state();
        state.over = true;
        let slot = state.slot.take();
        if let (false, false, Some(cause)) = (state.answered, state.reported, &state.cause) {
            let (app, id) = (&*self.witness.app, self.witness.id);
            tracing::error!(app, request = %id, cause, "the app failed, and its client has gone");
        }
        drop(state);
        drop(slot);
    }
}

/// An answer on its way to the client. One of the app's ends in an error if the guest did not come to its own end.
///
/// A guest's body just stops when the guest is gone, which a client would take for the whole of it.
pub(super) struct Answer {
    pub(super) body: WasiBody,
    pub(super) client: Client,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() && self.client.witness.broke_off() {
            return Poll::Ready(Some(Err(HttpError::HttpResponseIncomplete)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
