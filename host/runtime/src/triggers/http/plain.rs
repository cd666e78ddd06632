//! Requests of a WASI 0.2 app: an instance answers one at a time, in the task of whoever asks.
//!
//! The guest is polled where its answer is waited for, so that a request costs no task and wakes nobody. Once there is the
//! head of an answer, or nobody any more who waits for it, what is left of the guest's work becomes a task: a guest is not
//! ended because its client has left.

use super::idle::Idle;
use super::instance::Template;
use super::own_answer::Failure;
use super::slot::Ticket;
use crate::guest::Guest;
use dapr_blocks::chain;
use http::{Request, Response};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use wasmtime::Store;
use wasmtime_wasi_http::handler::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

/// What the log says of a guest that returns and has not answered, in the words of wasmtime's own handler.
const NO_ANSWER: &str = "guest never invoked `response-outparam::set` method";

/// The instances of one app.
pub(super) struct Instances {
    pub(super) template: Template,
    idle: Idle<Instance>,
}

/// An instance, and how many requests it has had.
struct Instance {
    store: Store<Guest>,
    proxy: Proxy,
    requests: usize,
}

/// Takes the head of an answer, or the error code that the guest answers with.
type Head = oneshot::Sender<Result<Response<WasiBody>, ErrorCode>>;

impl Instances {
    pub(super) fn new(template: Template) -> Self {
        let idle = Idle::new(template.app.shared.limits.idle);
        Self { template, idle }
    }

    /// Answers a request, whose app has so much `time` for it in all.
    pub(super) async fn handle(
        self: Arc<Self>,
        ticket: Ticket,
        request: Request<WasiBody>,
        time: Duration,
    ) -> Result<Response<WasiBody>, Failure> {
        let (head, mut answer) = oneshot::channel();
        let witness = Arc::clone(&ticket.witness);
        let mut work = Work(Some(Box::pin(self.work(ticket, request, head, time))));
        // The guest answers while it is polled, so that there is nothing else to be woken by.
        let answered = poll_fn(|context| match (work.poll(context), answer.try_recv()) {
            (_, Ok(head)) => Poll::Ready(Ok(head)),
            (Poll::Ready(end), Err(_)) => Poll::Ready(Err(end)),
            (Poll::Pending, Err(_)) => Poll::Pending,
        })
        .await;
        match answered {
            Ok(Ok(head)) if witness.answer() => Ok(head),
            Ok(Ok(_)) => Err(Failure::App(wasmtime::format_err!("the guest ended with its answer"))),
            Ok(Err(code)) => Err(Failure::Answered(code.into())),
            Err(Ok(())) => Err(Failure::App(wasmtime::format_err!(NO_ANSWER))),
            Err(Err(failure)) => Err(failure),
        }
    }

    /// Has an instance work on a request to its end.
    async fn work(
        self: Arc<Self>,
        ticket: Ticket,
        request: Request<WasiBody>,
        head: Head,
        time: Duration,
    ) -> Result<(), Failure> {
        let Ticket { witness, slot } = ticket;
        let mut taken = None;
        let called = async {
            let instance = match self.idle.take() {
                Some(instance) => instance,
                None => self
                    .make()
                    .await
                    .map_err(|error| (None, Failure::of_no_instance(error)))?,
            };
            let instance = taken.insert(instance);
            let called = instance.call(request, head).await;
            called.map_err(|trap| (Some(chain(trap.as_ref())), Failure::App(trap)))
        };
        let outcome = match timeout_at(slot.deadline, unless_it_panics(called)).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => {
                let panic = "the host panicked";
                Err((Some(panic.to_owned()), Failure::App(wasmtime::format_err!(panic))))
            }
            Err(_) => Err((Some("guest timed out".to_owned()), Failure::Deadline(time))),
        };
        // Before the store goes, and with it what the guest's answer is written to: that must not seem to be complete.
        witness.tell(outcome.as_ref().err().and_then(|(cause, _)| cause.as_deref()));
        match taken {
            Some(instance) if outcome.is_ok() && instance.requests < self.template.app.reuse().total => {
                self.idle.put(instance);
            }
            taken => drop(taken),
        }
        // After it: whoever gets the slot needs the instance's place.
        drop(slot);
        outcome.map_err(|(_, failure)| failure)
    }

    async fn make(&self) -> wasmtime::Result<Instance> {
        let (store, proxy) = self.template.make().await?;
        Ok(Instance {
            store,
            proxy,
            requests: 0,
        })
    }
}

impl Instance {
    async fn call(&mut self, request: Request<WasiBody>, head: Head) -> wasmtime::Result<()> {
        let Proxy::P2(proxy) = &self.proxy else {
            return Err(wasmtime::format_err!("the app is not of WASI 0.2"));
        };
        self.requests += 1;
        let mut http = self.store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let out = http.new_response_outparam_from_callback(move |answer| {
            // Nobody may be waiting for it any more.
            let _ = head.send(answer);
        })?;
        let handler = proxy.wasi_http_incoming_handler();
        handler.call_handle(&mut self.store, request, out).await
    }
}

/// A guest's work. Dropped before its end, it goes on in a task.
struct Work<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> Work<F> {
    /// Not to be polled after its end.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out, so that one that panics is not polled again.
        let Some(mut work) = self.0.take() else {
            return Poll::Pending;
        };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Work<F> {
    fn drop(&mut self) {
        // Without a runtime the host is ending.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

/// What the work gives. None if it panics, which has been printed.
async fn unless_it_panics<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use tokio::sync::oneshot::channel;

    #[tokio::test]
    async fn work_that_is_dropped_goes_on_and_what_has_ended_does_not_begin_anew() {
        let ((go, goes), (done, is_done)) = (channel(), channel());
        let mut work = Work(Some(Box::pin(async move {
            goes.await.expect("it is told to go");
            done.send(()).expect("somebody listens");
        })));
        let polled = poll_fn(|context| Poll::Ready(work.poll(context))).await;
        assert!(polled.is_pending());
        drop(work);
        go.send(()).unwrap();
        is_done.await.unwrap();

        let mut ended = Work(Some(Box::pin(ready(7))));
        for expected in [Poll::Ready(7), Poll::Pending] {
            assert_eq!(poll_fn(|context| Poll::Ready(ended.poll(context))).await, expected);
        }
        drop(ended);
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_and_nobody_else() {
        assert_eq!(unless_it_panics(async { 1 }).await, Some(1));
        let panics = async {
            tokio::task::yield_now().await;
            assert!(std::env::args().count() == 0, "this is expected to be printed");
        };
        assert_eq!(unless_it_panics(panics).await, None);
    }
}
