//! What all guests of this process share, and what ends with the last of them.

use crate::failure::{Failure, Outcome};
use crate::masked;
use dapr_runtime::app::Shared;
use dapr_runtime::egress::Trust;
use dapr_runtime::engine::{Allocator, Engines, EpochTicker};
use dapr_runtime::limits::{Limits, MemoryBudget, SocketBudget};
use dapr_runtime::output::GuestOutput;
use dapr_runtime::roots::Roots;
use std::sync::Arc;
use std::time::Duration;

/// Makes what all apps share.
pub(crate) fn start() -> Outcome<Shared> {
    let (limits, allocator) = (Limits::default(), Allocator::probe());
    let output =
        GuestOutput::start(masked::print).map_err(|error| Failure::run("cannot start a thread").because(&error))?;
    let budget = MemoryBudget::of_this_machine();
    Ok(Shared {
        engines: Engines::new(allocator, &limits),
        allocator,
        limits,
        budget,
        sockets: SocketBudget::of_this_process(),
        output: Arc::new(output),
        roots: Roots::default(),
        trust: Trust::default(),
    })
}

/// What interrupts guests that compute.
pub(crate) fn ticker(shared: &Shared) -> Outcome<EpochTicker> {
    EpochTicker::start(&shared.engines).map_err(|error| Failure::run("cannot start a thread").because(&error))
}

/// How long what guests printed last may take to be printed: nobody may be reading.
pub(crate) const PRINTED_WITHIN: Duration = Duration::from_secs(1);

/// Waits until what guests printed is printed.
pub(crate) async fn printed(shared: &Shared) {
    let printed = tokio::time::timeout(PRINTED_WITHIN, shared.output.flush()).await;
    if printed.is_err() {
        tracing::warn!("nobody reads what guests printed: the end of it is lost");
    }
}
