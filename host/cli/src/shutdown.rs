//! SIGINT and SIGTERM: the first asks the host to finish, the second ends it.

use crate::failure::{Failure, Outcome};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As shells report a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Cancels the token at the first signal, after which requests have `drain` to finish, and ends the process at the second.
///
/// # Errors
///
/// If the system has no room for a signal handler.
pub(crate) fn listen(stop: CancellationToken, drain: Duration) -> Outcome<tokio::task::JoinHandle<()>> {
    let handler = |kind| signal(kind).map_err(|error| Failure::run("cannot listen for signals").because(&error));
    let (mut interrupt, mut terminate) = (handler(SignalKind::interrupt())?, handler(SignalKind::terminate())?);
    Ok(tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        crate::failure::say(format_args!(
            "stopping: requests under way have {drain:?} to finish; a second signal ends them"
        ));
        stop.cancel();
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(INTERRUPTED);
    }))
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
