//! What somebody types in one language, and what comes of it.

use super::served::Served;
use super::shown;
use crate::projects::{Begun, Outside};
use crate::tools::{output, root};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// What is timed.
pub(super) const STEPS: [&str; 5] = ["`new`", "build", "start", "first answer", "all"];

/// What the app is called.
const APP: &str = "visits";

/// The commands of one language, done.
pub(super) struct Session {
    /// The transcript, a line each.
    lines: Vec<String>,
    new: Duration,
    build: Duration,
    start: Duration,
    answer: Duration,
}

/// A folder with nothing in it, and what the host is started with there.
struct Ground {
    language: Begun,
    folder: PathBuf,
    caches: PathBuf,
    _place: Outside,
}

impl Session {
    pub(super) fn run(language: Begun) -> Result<Self> {
        let ground = Ground::new(language)?;
        let mut lines = Vec::new();

        let new = ["new", APP, "--lang", language.word];
        let mut host = ground.host()?;
        let begin = Instant::now();
        let made = host.args(new).output().context("the host does not start")?;
        let took = begin.elapsed();
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        lines.push(format!("$ dapr-wasm {}", new.join(" ")));
        lines.extend(String::from_utf8_lossy(&made.stderr).lines().map(str::to_owned));

        lines.push(format!("$ dapr-wasm run {APP}"));
        let served = Served::start(ground.host()?.args(["run", APP]))?;
        lines.extend(shown::of_a_start(&served.said(), &ground.folder));

        lines.push("# in another terminal".to_owned());
        let begin = Instant::now();
        lines.extend(ground.asked(&["-X", "POST"], "1")?);
        let answer = begin.elapsed();
        lines.extend(ground.asked(&[], "1")?);
        let session = Self {
            lines,
            new: took,
            build: served.built,
            start: served.serves.saturating_sub(served.built),
            answer,
        };
        served.stop()?;
        Ok(session)
    }

    /// As a block of Markdown.
    pub(super) fn block(&self) -> String {
        format!("```console\n{}\n```\n", self.lines.join("\n"))
    }

    /// In the order of [`STEPS`].
    pub(super) fn times(&self) -> impl Iterator<Item = Duration> + use<> {
        let steps = [self.new, self.build, self.start, self.answer];
        steps.into_iter().chain([steps.iter().sum()])
    }
}

impl Ground {
    fn new(language: Begun) -> Result<Self> {
        let place = Outside::new("transcripts")?;
        Ok(Self {
            language,
            folder: place.folder("work")?,
            caches: place.folder("caches")?,
            _place: place,
        })
    }

    /// The host, in the folder, with caches that are empty at first: its own, and those of the tools.
    fn host(&self) -> Result<Command> {
        let mut host = self.language.host(&root().join("target/release/dapr-wasm"))?;
        host.current_dir(&self.folder);
        for (name, place) in [
            ("CARGO_HOME", "cargo"),
            ("GOMODCACHE", "go"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_DATA_HOME", "data"),
            ("npm_config_cache", "npm"),
        ] {
            host.env(name, self.caches.join(place));
        }
        Ok(host)
    }

    /// What curl is told, and the answer, which has to be this.
    fn asked(&self, options: &[&str], answer: &str) -> Result<[String; 2]> {
        let target = format!("localhost:3000/{APP}");
        let answered = output(Command::new("curl").args(["-w", "\\n"]).args(options).arg(&target))?;
        ensure!(answered == answer, "curl was answered {answered:?}, and not {answer:?}");
        let words = [&["curl", "-w", "'\\n'"], options, &[target.as_str()]].concat();
        Ok([format!("$ {}", words.join(" ")), answered])
    }
}
