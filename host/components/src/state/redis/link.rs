//! The connection that a store has: one, made again when it is gone.
//!
//! ```text
//!   up ──► lost ──► up          a call waits for the new one
//!           │       ▲
//!           └► down ┘           a call is refused at once; the keeper tries again, every half second at most
//! ```
//!
//! A call on a connection that ends is not sent again, whatever it is: nobody knows whether it was done.
//!
//! Where no call comes, the keeper asks now and then, so that a server that is gone without a word is found before one does.

use super::dial::{DialError, Target};
use super::wire::Wire;
use dapr_blocks::state::Health;
use redis::Pipeline;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The pause after the first attempt that failed, doubled after each further one, up to the longest: one small packet is
/// little for a server that is back, and half a second is short for whoever waits for it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a connection must last to count as one that works.
const LASTING: Duration = Duration::from_secs(1);

/// How long calls may wait for a connection or an answer before the store counts as failing.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the keeper asks, and how long it waits for the answer: little for a server, and soon enough for who watches
/// `/healthz`.
const ASKED_EVERY: Duration = Duration::from_secs(10);
const ANSWERED_IN: Duration = Duration::from_secs(3);

/// The connection. Dropping it ends it.
pub(super) struct Link {
    phase: watch::Receiver<Phase>,
    keeper: JoinHandle<()>,
}

/// How it is.
#[derive(Clone)]
enum Phase {
    Up(Arc<Wire>),
    /// It has ended, and nobody knows yet whether there can be another.
    Lost(Instant),
    Down(Arc<DialError>),
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(super) enum NoLink {
    /// This came of the last attempt.
    Down(Arc<DialError>),
    /// The store is closed.
    Closed,
}

impl Link {
    /// Keeps a connection that was made.
    pub(super) fn new(target: Arc<Target>, wire: Wire) -> Self {
        let wire = Arc::new(wire);
        let (sender, phase) = watch::channel(Phase::Up(Arc::clone(&wire)));
        let keeper = tokio::spawn(keep(target, wire, sender));
        Self { phase, keeper }
    }

    /// The connection. If the last one has ended, it waits until there is another or an attempt has failed.
    pub(super) async fn wire(&self) -> Result<Arc<Wire>, NoLink> {
        let mut phase = self.phase.clone();
        loop {
            match &*phase.borrow_and_update() {
                Phase::Up(wire) if !wire.has_ended() => return Ok(Arc::clone(wire)),
                Phase::Down(error) => return Err(NoLink::Down(Arc::clone(error))),
                // The keeper is about to know, or to try.
                Phase::Up(_) | Phase::Lost(_) => {}
            }
            phase.changed().await.map_err(|_| NoLink::Closed)?;
        }
    }

    /// How it is, as far as is known without asking.
    pub(super) fn health(&self) -> Health {
        let waits = match &*self.phase.borrow() {
            Phase::Up(wire) => wire.silence(),
            Phase::Lost(since) => since.elapsed(),
            Phase::Down(error) => return Health::Failing(format!("there is no connection to Redis: {error}")),
        };
        match waits < PATIENCE {
            true => Health::Well,
            false => Health::Failing("Redis does not answer".to_owned()),
        }
    }

    /// Ends it for good.
    pub(super) fn close(&self) {
        self.keeper.abort();
        if let Phase::Up(wire) = &*self.phase.borrow() {
            wire.give_up();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Makes a connection again whenever one has ended, as long as anybody is there to use it.
async fn keep(target: Arc<Target>, mut wire: Arc<Wire>, phase: watch::Sender<Phase>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        watch_over(&wire).await;
        phase.send_replace(Phase::Lost(Instant::now()));
        if begun.elapsed() < LASTING {
            // A server that lets everybody in and then drops them is not to be asked without a pause.
            rest(&mut pause).await;
        } else {
            pause = FIRST_PAUSE;
        }
        wire = loop {
            match target.dial().await {
                Ok(wire) => break Arc::new(wire),
                Err(error) => {
                    phase.send_replace(Phase::Down(Arc::new(error)));
                    rest(&mut pause).await;
                }
            }
        };
        phase.send_replace(Phase::Up(Arc::clone(&wire)));
    }
}

/// Waits until a connection has ended.
async fn watch_over(wire: &Wire) {
    let mut ping = Pipeline::new();
    ping.cmd("PING");
    loop {
        tokio::select! {
            () = wire.ended() => return,
            () = tokio::time::sleep(ASKED_EVERY) => {
                // Without an answer it is given up, unless others have theirs. An error is an answer as well.
                let _ = tokio::time::timeout(ANSWERED_IN, wire.ask(&ping)).await;
            }
        }
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
