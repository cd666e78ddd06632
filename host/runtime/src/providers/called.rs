//! Instances that are called: a pool of them, and calls that go on when their callers have left.

use super::answer::{Answer, Heard, health, note};
use super::detached::Detached;
use super::linked::ProviderSpec;
use super::pool::{Broken, Pool, Refused};
use super::start::{Alike, Begin, OpenError, size};
use dapr_blocks::Pulse;
use dapr_blocks::state::Health;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// The instances of one store, whoever asks them.
pub(super) struct Called<P: Begin> {
    pool: Pool<Alike<P>>,
    /// The most instances at once.
    size: usize,
    declaration: P::Declaration,
    deadline: Duration,
    pulse: Pulse,
    tasks: TaskTracker,
    runtime: Handle,
}

/// Why a call has no answer.
pub(super) enum Uncalled {
    /// It was not begun.
    Refused(Refused),
    /// It was.
    Broken(Broken),
}

impl<P: Begin> Called<P> {
    /// Starts the first instance.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it does not start, or does not allow what is configured.
    pub(super) async fn open(provider: P, spec: &ProviderSpec) -> Result<Self, OpenError> {
        let (first, declaration) = provider.begin().await?;
        let size = size(spec.instances, &declaration)?;
        let tasks = TaskTracker::new();
        let start = Alike {
            provider,
            declaration: declaration.clone(),
        };
        Ok(Self {
            pool: Pool::new(&spec.name, (start, size), first, spec.deadline, tasks.clone()),
            size,
            declaration,
            deadline: spec.deadline,
            pulse: Pulse::default(),
            tasks,
            runtime: Handle::current(),
        })
    }

    /// What the instances say of themselves.
    pub(super) fn declaration(&self) -> &P::Declaration {
        &self.declaration
    }

    /// How many there are, as a phrase.
    pub(super) fn bounds(&self) -> String {
        match self.size {
            1 => "1 instance".to_owned(),
            size => format!("{size} instances at most"),
        }
    }

    /// How they are.
    pub(super) fn health(&self) -> Health {
        health(self.pool.fitness(), &self.pulse)
    }

    /// What its calls say of the server behind it.
    pub(super) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Where its tasks run.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Makes a call on an instance. It is begun or refused within half of the deadline, so that what is begun has the other
    /// half, and an app is not told that a write which nobody began may have been done.
    pub(super) async fn call<T, F>(&self, work: impl FnOnce(P::Instance) -> F + Send + 'static) -> Result<T, Uncalled>
    where
        T: Heard + Send + 'static,
        F: Future<Output = (P::Instance, Answer<T>)> + Send + 'static,
    {
        let Self {
            pool,
            pulse,
            deadline,
            tasks,
            runtime,
            ..
        } = self;
        let lease = pool.acquire(*deadline / 2).await.map_err(Uncalled::Refused)?;
        let begun = Instant::now();
        let call = lease.call(*deadline, work);
        let answer = Detached::new(call, tasks, runtime).await;
        match &answer {
            Ok(answer) => note(pulse, answer),
            Err(Broken::TooSlow(_)) => pulse.unanswered(begun),
            // That it broke was noted where it was found.
            Err(Broken::Trapped(_)) => {}
        }
        answer.map_err(Uncalled::Broken)
    }

    /// Refuses calls from now on, waits for those under way, and lets go of the instances.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// What an app hears of a call that broke.
pub(super) fn broken(broken: &Broken) -> String {
    match broken {
        Broken::Trapped(_) => "its component failed during the call".to_owned(),
        Broken::TooSlow(deadline) => format!("no answer within {deadline:?}"),
    }
}
