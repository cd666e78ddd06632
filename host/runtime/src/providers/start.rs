//! How instances start, and why some do not.

use super::answer::{Answer, Declared, Instances};
use super::linked::ProviderSpec;
use super::pool::Start;
use std::error::Error;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Why an instance does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It trapped, or exceeded a limit, before or in `init`.
    #[error("it trapped")]
    Trapped(#[source] Box<dyn Error + Send + Sync>),
    /// It took longer than a call may.
    #[error("it had no answer within {0:?}")]
    TooSlow(Duration),
    /// It said why it cannot.
    #[error("it refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// It returned before it served.
    #[error("it returned before it served")]
    Returned,
    /// It says something else of itself than the instance before it.
    #[error("it declares other features, limits or instances than the instance before it")]
    Changed,
}

/// Why a provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its first instance does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// More instances are asked for than it allows.
    #[error("it keeps what is stored in its one instance, and {0} are asked for")]
    OneInstance(NonZeroUsize),
}

/// How many instances there may be, of those that are asked for.
pub(super) fn size(asked: Option<NonZeroUsize>, declared: &impl Declared) -> Result<usize, OpenError> {
    match (declared.instances(), asked) {
        (Instances::One, Some(asked)) if asked.get() > 1 => Err(OpenError::OneInstance(asked)),
        (Instances::One, _) => Ok(1),
        (Instances::Several, Some(asked)) => Ok(asked.get()),
        (Instances::Several, None) => Ok(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
    }
}

/// Waits for an instance that is being initialised, for as long as a call may take.
pub(super) async fn begun<I, D, E: Error + Send + Sync + 'static>(
    spec: &ProviderSpec,
    begin: impl Future<Output = Answer<(I, Result<D, E>)>>,
) -> Result<(I, D), StartError> {
    match tokio::time::timeout(spec.deadline, begin).await {
        Ok(Ok((instance, Ok(declaration)))) => Ok((instance, declaration)),
        Ok(Ok((_, Err(error)))) => Err(StartError::Refused(error.into())),
        Ok(Err(trap)) => Err(StartError::Trapped(trap.into())),
        Err(_) => Err(StartError::TooSlow(spec.deadline)),
    }
}

/// A provider whose instances are called.
pub(super) trait Begin: Clone + Send + Sync + 'static {
    type Instance: Send + 'static;
    type Declaration: Declared;

    /// Makes an instance and initialises it, within the deadline of a call.
    fn begin(&self) -> impl Future<Output = Result<(Self::Instance, Self::Declaration), StartError>> + Send;
}

/// Starts the instances of a pool, all of which must say the same of themselves.
pub(super) struct Alike<P: Begin> {
    pub(super) provider: P,
    pub(super) declaration: P::Declaration,
}

impl<P: Begin> Start for Alike<P> {
    type Instance = P::Instance;
    type Error = StartError;

    async fn start(&self) -> Result<P::Instance, StartError> {
        match self.provider.begin().await? {
            (instance, declaration) if declaration == self.declaration => Ok(instance),
            _ => Err(StartError::Changed),
        }
    }
}
