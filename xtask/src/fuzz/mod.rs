//! `cargo xtask fuzz`: builds the fuzz targets with instrumentation and runs them, one after the other.
//!
//! | file | holds |
//! |---|---|
//! | `targets` | the targets and their bounds |
//! | `options` | what was asked for |
//! | `build` | the instrumented build, with the stable compiler |
//! | `run` | one target: the inputs that once showed something, then new ones |

mod build;
mod options;
mod run;
mod targets;

pub(crate) use options::Options;

use crate::tools::require_cxx_compiler;
use anyhow::{Result, bail};

/// Builds and runs what was asked for. A finding does not keep the other targets from running.
pub(crate) fn run(options: &Options) -> Result<()> {
    require_cxx_compiler()?;
    let programs = build::build()?;
    let mut found = Vec::new();
    for target in &options.targets {
        if let Some(finding) = run::run(target, &programs.join(target.name), options)? {
            eprintln!("{finding}");
            found.push(target.name);
        }
    }
    if !found.is_empty() {
        bail!("something was found by fuzzing {}", found.join(", "));
    }
    Ok(())
}
