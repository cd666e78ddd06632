//! `wasi:logging`: records of an app, as lines on its standard error.
//!
//! Not in the host's log, whose level is the operator's choice: what an app says is the app's output, however it says it.

use crate::output::{GuestOutput, Stream};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package dapr-wasm:runtime; world logs { import wasi:logging/logging@0.1.0-draft; }",
        world: "dapr-wasm:runtime/logs",
        imports: { default: async },
        require_store_data_send: true,
    });
}
use bindings::wasi::logging::logging::{self as generated, Level};

/// Where the app of an instance prints, and under which name.
pub(crate) struct Log<'a> {
    pub(crate) output: &'a GuestOutput,
    pub(crate) prefix: &'a Arc<str>,
}

struct HasLog;

impl HasData for HasLog {
    type Data<'a> = Log<'a>;
}

/// Lets an app import `wasi:logging/logging`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Log<'_>,
) -> wasmtime::Result<()> {
    generated::add_to_linker::<T, HasLog>(linker, view)
}

impl generated::Host for Log<'_> {
    async fn log(&mut self, level: Level, context: String, message: String) {
        let stream = self.output.stream(Stream::Err, self.prefix);
        stream.print(&line(level, &context, &message)).await;
    }
}

/// `WARN orders: the queue is full`.
fn line(level: Level, context: &str, message: &str) -> String {
    let level = match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
    };
    match context {
        "" => format!("{level} {message}\n"),
        context => format!("{level} {context}: {message}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_with_its_level() {
        assert_eq!(line(Level::Warn, "orders", "it is full"), "WARN orders: it is full\n");
        assert_eq!(line(Level::Critical, "", "it ends"), "CRITICAL it ends\n");
    }
}
