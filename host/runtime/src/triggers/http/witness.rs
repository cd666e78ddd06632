//! What became of a request whose instance ended: from the instance, which knows the cause, to the request, which has the
//! id and perhaps a client that waits.
//!
//! The two end in no order. A guest that traps takes its request's channel with it before anybody is told why, so the
//! request waits a moment for the cause; and a guest that traps after the head of its answer has a request that waits no
//! more, so then the instance tells the log.

use super::service::RequestId;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

/// How long a request without an answer waits for the cause: its instance is being torn down.
const PATIENCE: Duration = Duration::from_millis(100);

/// The request's end. Kept until its answer has been sent in full.
pub(super) struct Witness {
    id: RequestId,
    state: Mutex<State>,
    told: Notify,
}

#[derive(Default)]
struct State {
    /// The client has the head of an answer.
    answered: bool,
    /// Why the instance ended, if it did before its work was done.
    cause: Option<String>,
    /// The instance has ended, in whichever way.
    ended: bool,
}

impl Witness {
    pub(super) fn new(id: RequestId) -> Arc<Self> {
        Arc::new(Self {
            id,
            state: Mutex::default(),
            told: Notify::new(),
        })
    }

    /// Takes note that the client is about to get the head of an answer, unless the guest is already gone: then the host can
    /// still say so in its place.
    pub(super) fn answer(&self) -> bool {
        let mut state = self.state();
        state.answered = state.cause.is_none();
        state.answered
    }

    /// Why the instance ended, if it did before its work was done: else the guest returned without an answer.
    pub(super) async fn cause(&self) -> Option<String> {
        if !self.state().ended {
            // An instance that serves others too may stay.
            let _ = tokio::time::timeout(PATIENCE, self.told.notified()).await;
        }
        self.state().cause.clone()
    }

    fn has_failed(&self) -> bool {
        self.state().cause.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer's body that ends in an error if the guest did not come to its own end.
///
/// A guest's body just stops when the guest is gone, which a client would take for the whole of it.
pub(super) struct Attested {
    pub(super) body: WasiBody,
    pub(super) witness: Arc<Witness>,
}

impl Body for Attested {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() && self.witness.has_failed() {
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

/// The instance's end: the requests that it is working on.
#[derive(Default)]
pub(super) struct Testimony {
    requests: Mutex<Vec<Weak<Witness>>>,
}

impl Testimony {
    /// The instance begins to work on a request.
    pub(super) fn add(&self, witness: Weak<Witness>) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|request| request.strong_count() > 0);
        requests.push(witness);
    }

    /// The instance has ended, with its work undone if there is an error.
    pub(super) fn tell(&self, app: &str, result: wasmtime::Result<()>) {
        let cause = result.err().map(|error| format!("{error:#}"));
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for witness in requests.iter().filter_map(Weak::upgrade) {
            let mut state = witness.state();
            if let (true, Some(cause)) = (state.answered, &cause) {
                tracing::error!(app, request = %witness.id, cause, "the app failed after its answer had begun");
            }
            state.cause.clone_from(&cause);
            state.ended = true;
            drop(state);
            witness.told.notify_one();
        }
    }
}
