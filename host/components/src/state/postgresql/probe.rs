//! Asks a server that was found away until it answers: where nobody calls because `/healthz` says that the store fails, it
//! would fail for ever.

use super::fault::{Fault, Stage};
use super::session::Session;
use super::store::{Request, Shared};
use std::time::Duration;

/// How often: little for a server that is back, and soon enough for who watches `/healthz`.
const EVERY: Duration = Duration::from_secs(1);

/// Asks until the store is well, if need be on new connections.
pub(super) async fn until_well(shared: &Shared) {
    while shared.is_failing() {
        tokio::time::sleep(EVERY).await;
        // What came of it, the store remembers.
        let _ = shared.ask(&Probe, shared.settings.timeout).await;
    }
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
