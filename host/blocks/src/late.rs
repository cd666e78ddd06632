//! What is opened later: when it is first asked, or once its server is there.
//!
//! What does not open is tried again at the next call, but not before a rest: calls meanwhile are refused at once. It is tried
//! again by itself, too, each time after twice as long: where nobody calls because `/healthz` says that it fails, it would
//! fail for ever.

use crate::chain;
use crate::state::Health;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long what did not open is not tried again: apps that ask in a loop would otherwise try it in a loop.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// The longest that it is not tried again where nobody asks.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What apps are told of what is not open.
pub(crate) const DOES_NOT_OPEN: &str = "it does not open";

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Opening<S> = Pin<Box<dyn Future<Output = Result<Arc<S>, BoxError>> + Send>>;

/// A store, of whichever building block, that is opened later.
pub(crate) struct Late<S: ?Sized> {
    pub(crate) name: String,
    open: Box<dyn Fn() -> Opening<S> + Send + Sync>,
    store: OnceCell<Arc<S>>,
    /// When it last did not open.
    failed: Mutex<Option<Instant>>,
    /// Whether a task opens it again and again.
    is_persistent: AtomicBool,
    closing: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
}

/// That it is not open: why, where that was just found out.
pub(crate) struct NotOpen(pub(crate) Option<BoxError>);

impl<S: ?Sized + Send + Sync + 'static> Late<S> {
    /// What is opened at its first use. Logs call it `name`; its tasks run on this runtime.
    pub(crate) fn at_first_use<F, E>(name: &str, open: impl Fn() -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Result<Arc<S>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let open = move || {
            let opening = open();
            Box::pin(async move { opening.await.map_err(E::into) }) as Opening<S>
        };
        Arc::new(Self {
            name: name.to_owned(),
            open: Box::new(open),
            store: OnceCell::new(),
            failed: Mutex::default(),
            is_persistent: AtomicBool::default(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        })
    }

    /// What did not open just now, and is tried again from now on.
    pub(crate) fn after_failure<F, E>(name: &str, open: impl Fn() -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Result<Arc<S>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let late = Self::at_first_use(name, open);
        late.has_failed();
        late
    }

    /// The store, if it is open by now.
    pub(crate) fn get(&self) -> Option<&Arc<S>> {
        self.store.get()
    }

    /// How it is, and once it is open, how the store is.
    pub(crate) fn health(&self, of: impl FnOnce(&S) -> Health) -> Health {
        match (self.get(), self.failed()) {
            (Some(store), _) => of(store),
            (None, None) => Health::Well,
            (None, Some(_)) => Health::Failing(format!("{DOES_NOT_OPEN}; the log has the cause")),
        }
    }

    /// Opens it, if it is not. Opening goes on when who asked for it leaves.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Arc<S>, NotOpen> {
        if let Some(store) = self.store.get() {
            return Ok(Arc::clone(store));
        }
        if self.failed().is_some_and(|failed| failed.elapsed() < REST) {
            return Err(NotOpen(None));
        }
        let late = Arc::clone(self);
        let open = async move { late.store.get_or_try_init(|| (late.open)()).await.cloned() };
        let error = match self.tasks.spawn_on(open, &self.runtime).await {
            Ok(Ok(store)) => return Ok(store),
            Ok(Err(error)) => error,
            Err(panic) => panic.into(),
        };
        self.has_failed();
        Err(NotOpen(Some(error)))
    }

    /// Opens it no more.
    pub(crate) fn give_up(&self) {
        self.closing.cancel();
        self.tasks.close();
    }

    /// The same, and waits for what is under way.
    pub(crate) async fn close(&self) {
        self.give_up();
        self.tasks.wait().await;
    }

    fn failed(&self) -> Option<Instant> {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it did not open, and has it opened again and again.
    fn has_failed(self: &Arc<Self>) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if !self.is_persistent.swap(true, Ordering::Relaxed) {
            let late = Arc::clone(self);
            self.tasks.spawn_on(async move { late.persist().await }, &self.runtime);
        }
    }

    async fn persist(&self) {
        let mut rest = REST;
        while self.store.get().is_none() {
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
            }
            let opened = tokio::select! {
                () = self.closing.cancelled() => return,
                opened = self.store.get_or_try_init(|| (self.open)()) => opened,
            };
            if let Err(error) = opened {
                let cause = chain(&*error);
                tracing::warn!(
                    store = self.name,
                    cause,
                    "the store does not open, and is tried again later"
                );
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                rest = (2 * rest).min(LONGEST_REST);
            }
        }
        tracing::info!(store = self.name, "the store is open");
    }
}
