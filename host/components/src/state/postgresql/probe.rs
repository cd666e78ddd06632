//! Asks a server that was found away until it answers, if need be on new connections.

use super::fault::{Fault, Stage};
use super::session::Session;
use super::store::{Request, Shared};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long it waits for an answer. A new connection is no later then, where an old one leads nowhere any more.
const ANSWERED_IN: Duration = Duration::from_secs(3);

/// Every so many times it waits as long as a call may: a server may need longer than that to let anybody in.
const PATIENT_EVERY: u32 = 4;

/// Asks until the store is well.
pub(super) async fn until_well(shared: &Shared) {
    let asked = AtomicU32::new(0);
    let ask = || async {
        let most = shared.settings.timeout;
        let timeout = match (asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(PATIENT_EVERY) {
            true => most,
            false => ANSWERED_IN.min(most),
        };
        // What came of it, the store remembers.
        let _ = shared.ask(&Probe, timeout).await;
    };
    shared.pulse.find(ask).await;
}

struct Probe;

impl Request for Probe {
    type Answer = ();
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<(), Fault> {
        let asked = session.client().batch_execute("SELECT 1").await;
        asked.map_err(|error| Fault::new(error, Self::STAGE))
    }
}
