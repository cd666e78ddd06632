//! `wasi:logging`: records of a provider in the host's log.
//!
//! They have the provider's levels and the store's name, and are quoted as everything that others say. A provider that logs
//! without end does not fill the log: beyond [`A_SECOND`] records a second they are dropped, and how many were is told.

use super::answer::shown;
use super::guest::ProviderGuest;
use crate::shape::InterfaceName;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::{HasSelf, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package dapr-wasm:providers; world logs { import wasi:logging/logging@0.1.0-draft; }",
        world: "dapr-wasm:providers/logs",
    });
}
use bindings::wasi::logging::logging::{self as generated, Level};

/// Records that an instance may write a second: more than anybody reads, and fewer than fill a disk in a day.
const A_SECOND: u32 = 100;

/// Whether an import is this interface. Its version is a draft, and no other is compatible.
pub(super) fn is(interface: &InterfaceName) -> bool {
    interface.to_string() == "wasi:logging/logging@0.1.0-draft"
}

/// Lets instances log.
pub(super) fn add_to_linker(linker: &mut Linker<ProviderGuest>) -> wasmtime::Result<()> {
    generated::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}

/// The log of one instance.
pub(super) struct Logger {
    store: Arc<str>,
    begin: Instant,
    written: u32,
    dropped: u32,
}

impl Logger {
    pub(super) fn new(store: &Arc<str>) -> Self {
        Self {
            store: Arc::clone(store),
            begin: Instant::now(),
            written: 0,
            dropped: 0,
        }
    }

    /// Whether one more record may be written. Tells of those that might not, when they may again.
    fn may_write(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.begin) >= Duration::from_secs(1) {
            if self.dropped > 0 {
                let Self { store, dropped, .. } = self;
                tracing::warn!(
                    store = &**store,
                    dropped,
                    "the store logged too much: records were dropped"
                );
            }
            (self.begin, self.written, self.dropped) = (now, 0, 0);
        }
        let may = self.written < A_SECOND;
        match may {
            true => self.written += 1,
            false => self.dropped += 1,
        }
        may
    }
}

/// Writes a record at a level that is known when this is compiled, as `tracing` needs it.
macro_rules! write_at {
    ($level:ident, $logger:expr, $context:expr, $record:expr) => {
        if tracing::enabled!(tracing::Level::$level) && $logger.may_write(Instant::now()) {
            let (store, context, record) = (&*$logger.store, shown($context), shown($record));
            tracing::event!(tracing::Level::$level, store, context, record, "the store says");
        }
    };
}

impl generated::Host for ProviderGuest {
    fn log(&mut self, level: Level, context: String, message: String) {
        let logger = &mut self.logger;
        match level {
            Level::Trace => write_at!(TRACE, logger, &context, &message),
            Level::Debug => write_at!(DEBUG, logger, &context, &message),
            Level::Info => write_at!(INFO, logger, &context, &message),
            Level::Warn => write_at!(WARN, logger, &context, &message),
            Level::Error | Level::Critical => write_at!(ERROR, logger, &context, &message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_logs_without_end_is_cut_off_until_the_next_second() {
        let mut logger = Logger::new(&"store".into());
        let allowed = (0..1000).filter(|_| logger.may_write(Instant::now())).count();
        assert_eq!(allowed, A_SECOND as usize);
        assert_eq!(logger.dropped, 900);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(logger.may_write(Instant::now()));
        assert_eq!((logger.written, logger.dropped), (1, 0));
    }
}
