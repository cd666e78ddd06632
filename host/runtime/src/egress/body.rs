//! The body of an answer: it holds its request's place until it ends, and may not stand still for longer than the app says.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error as HttpError;

/// The body of an answer.
pub(super) struct TimedBody {
    incoming: Incoming,
    /// None: the app says nothing, and its own deadline holds.
    between: Option<(Duration, Pin<Box<Sleep>>)>,
    _place: OwnedSemaphorePermit,
}

impl TimedBody {
    pub(super) fn new(incoming: Incoming, between: Option<Duration>, place: OwnedSemaphorePermit) -> Self {
        Self {
            incoming,
            between: between.map(|between| (between, Box::pin(tokio::time::sleep(between)))),
            _place: place,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some((between, sleep)) = &mut this.between {
                    sleep.as_mut().reset(Instant::now() + *between);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| super::of_hyper(&error))))
            }
            Poll::Pending => match &mut this.between {
                Some((_, sleep)) => sleep
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(HttpError::ConnectionReadTimeout))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
