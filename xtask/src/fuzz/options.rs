//! What `cargo xtask fuzz` is asked for.

use super::targets::{TARGETS, Target};
use anyhow::{Context, Result, bail};
use std::num::NonZeroU32;

/// Enough to find what a change broke in code that a target covers already; more is for a night.
const SECONDS: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");

/// Which targets to run, and for how long each.
pub(crate) struct Options {
    pub(super) targets: Vec<&'static Target>,
    pub(super) seconds: NonZeroU32,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            targets: Vec::new(),
            seconds: SECONDS,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => {
                    let number = words.next().context("`--seconds` needs a number")?;
                    options.seconds = number
                        .parse()
                        .with_context(|| format!("`{number}` is no number of seconds"))?;
                }
                name => match TARGETS.iter().find(|target| target.name == name) {
                    Some(target) => options.targets.push(target),
                    None => bail!("there is no fuzz target `{name}`; there are {}", names()),
                },
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.iter().collect();
        }
        Ok(options)
    }
}

fn names() -> String {
    TARGETS.map(|target| target.name).join(", ")
}
