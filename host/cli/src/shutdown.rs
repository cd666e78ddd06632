//! SIGINT and SIGTERM: the first asks the host to finish, the second ends it.

use crate::failure::{Failure, Outcome};
use crate::tell::say;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As shells report a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// How long the first signal may take to be told of: nobody may be reading.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// Cancels the token at the first signal, after which requests have `drain` to finish, and ends the process at the second,
/// whatever the host is at by then: what listens lives as long as the process.
///
/// # Errors
///
/// If the system has no room for a signal handler.
pub(crate) fn listen(stop: CancellationToken, drain: Duration) -> Outcome<()> {
    let handler = |kind| signal(kind).map_err(|error| Failure::run("cannot listen for signals").because(&error));
    let (mut interrupt, mut terminate) = (handler(SignalKind::interrupt())?, handler(SignalKind::terminate())?);
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        let said = tokio::task::spawn_blocking(move || {
            say(format_args!(
                "stopping: requests under way have {drain:?} to finish; a second signal ends them"
            ));
        });
        let _ = tokio::time::timeout(SAID_WITHIN, said).await;
        stop.cancel();
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
