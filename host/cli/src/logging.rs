//! The host's log, on standard error: text on a terminal, JSON elsewhere.

use crate::args::LogFormat;
use crate::masked::MaskedStderr;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, IsTerminal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging at this level. Of the libraries below only warnings are shown, unless `trace` is asked for.
pub(crate) fn start(level: LevelFilter, format: Option<LogFormat>) {
    let libraries = if level == LevelFilter::TRACE {
        level
    } else {
        level.min(LevelFilter::WARN)
    };
    let ours = [
        "dapr_blocks",
        "dapr_code_cache",
        "dapr_components",
        "dapr_runtime",
        "dapr_wasm",
    ];
    let filter = Targets::new()
        .with_default(libraries)
        .with_targets(ours.map(|target| (target, level)));
    let on_terminal = io::stderr().is_terminal();
    let format = format.unwrap_or(if on_terminal { LogFormat::Text } else { LogFormat::Json });
    let coloured = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(|| MaskedStderr)
        .with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(coloured).with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(layer).init();
}
