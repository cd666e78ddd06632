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
    /// Where inputs come from: a run with the same one makes the same inputs, as far as it gets.
    pub(super) seed: Option<NonZeroU32>,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            targets: Vec::new(),
            seconds: SECONDS,
            seed: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => options.seconds = number(word, words.next())?,
                "--seed" => options.seed = Some(number(word, words.next())?),
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

fn number(option: &str, word: Option<&&str>) -> Result<NonZeroU32> {
    let word = word.with_context(|| format!("`{option}` needs a number"))?;
    word.parse()
        .with_context(|| format!("`{option} {word}` is no number above zero"))
}

fn names() -> String {
    TARGETS.map(|target| target.name).join(", ")
}
