//! The counter in each language, as `dapr-wasm new` makes it: its size, and the time that building, starting and answering take.

use super::budget::Missed;
use super::report::Section;
use super::rounds::{interleaved, median};
use super::start::{Cache, Start};
use super::subject::{Bench, Host, Instances, Store, released};
use super::turn::{self, Turn};
use crate::document::Table;
use crate::figure::{kilobytes, millis, whole};
use crate::projects::{self, Begun, Outside};
use crate::tools::output;
use anyhow::Result;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The load of the section `counter`.
const SCRIPT: &str = include_str!("spread.lua");

/// Builds take seconds and differ little.
const MOST_BUILDS: usize = 3;

const HEAD: [&str; 10] = [
    // From C to Python it is a factor of 600.
    "kB",
    "build, s",
    "first start, s",
    "start, ms",
    "fresh: req/s",
    "p50, ms",
    "p99, ms",
    "reused: req/s",
    "p50, ms",
    "p99, ms",
];

const MODES: [Instances; 2] = [Instances::Fresh, Instances::Reused];

/// A project that was built once.
struct Project {
    language: Begun,
    folder: PathBuf,
    /// Where its tools keep what they make.
    cache: PathBuf,
    component: PathBuf,
    changes: Cell<usize>,
}

/// What was measured of a project, in seconds but for the load.
struct Measured {
    builds: Vec<f64>,
    cold: Vec<f64>,
    warm: Vec<f64>,
    /// One for each mode.
    loads: [Vec<Turn>; MODES.len()],
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("the counter in each language");
    let script = bench.file("spread.lua", SCRIPT)?;
    let place = Outside::new("bench")?;
    let projects = projects::languages().into_iter();
    let projects = projects
        .map(|language| Project::make(&place, language))
        .collect::<Result<Vec<_>>>()?;
    let builds = interleaved(bench.effort.rounds().min(MOST_BUILDS), &projects, Project::build)?;

    let mut starts = Vec::new();
    let mut servers = Vec::new();
    for project in &projects {
        for cache in [Cache::Cold, Cache::Warm] {
            starts.push(Start::of(project.host(bench, Instances::Fresh)?, cache));
        }
        for instances in MODES {
            // It also fills the cache of the starts.
            servers.push(project.host(bench, instances)?.start()?);
        }
    }
    let times = interleaved(bench.effort.rounds(), &starts, |start| Ok(start.time()? / 1e3))?;
    let turns = turn::turns(bench, &servers, Some(&script))?;

    let mut table = Table::new(["language"], HEAD, []);
    let (mut times, mut turns) = (times.into_iter(), turns.into_iter());
    for (project, builds) in projects.iter().zip(builds) {
        let mut time = || times.next().unwrap_or_default();
        let measured = Measured {
            builds,
            cold: time(),
            warm: time(),
            loads: MODES.map(|_| turns.next().unwrap_or_default()),
        };
        let bytes = std::fs::metadata(&project.component)?.len();
        table.row([project.language.name.to_owned()], measured.cells(bytes), []);
    }
    Ok(Section {
        name: "languages",
        table,
        missed: Missed::default(),
        headlines: Vec::new(),
    })
}

impl Project {
    fn make(place: &Outside, language: Begun) -> Result<Self> {
        let name = format!("counter-{}", language.word);
        let scratch = place.folder("projects")?;
        let mut project = Self {
            folder: scratch.join(&name),
            cache: place.folder("tools")?,
            component: PathBuf::new(),
            language,
            changes: Cell::default(),
        };
        output(project.host_in(&scratch)?.args(["new", &name, "--lang", language.word]))?;
        project.component = project.built()?;
        Ok(project)
    }

    /// The seconds that a build takes after a change, where all else was built before.
    fn build(&self) -> Result<f64> {
        self.changes.set(self.changes.get() + 1);
        self.language.change(&self.folder, self.changes.get())?;
        let begin = Instant::now();
        self.built()?;
        Ok(begin.elapsed().as_secs_f64())
    }

    fn built(&self) -> Result<PathBuf> {
        projects::built(self.host_in(&self.folder)?.args(["build", "."]), &self.folder)
    }

    fn host_in(&self, folder: &Path) -> Result<Command> {
        let mut host = self.language.host(&released("dapr-wasm"))?;
        host.current_dir(folder).env("XDG_CACHE_HOME", &self.cache);
        Ok(host)
    }

    fn host(&self, bench: &Bench, instances: Instances) -> Result<Host> {
        let name = format!("dapr-wasm, the counter in {}, {}", self.language.name, instances.name());
        let configuration = format!("{}{}", instances.table(), Store::Memory.table());
        bench.host_with(self.component.clone(), &name, &configuration)
    }
}

impl Measured {
    fn cells(&self, bytes: u64) -> Vec<String> {
        let seconds = |times: &[f64]| format!("{:.1}", median(times.iter().copied()));
        let warm = Duration::from_secs_f64(median(self.warm.iter().copied()));
        let mut cells = vec![
            kilobytes(bytes),
            seconds(&self.builds),
            seconds(&self.cold),
            millis(warm),
        ];
        for turns in &self.loads {
            let of = |duration: fn(&Turn) -> Duration| {
                let seconds = median(turns.iter().map(|turn| duration(turn).as_secs_f64()));
                millis(Duration::from_secs_f64(seconds))
            };
            cells.extend([
                whole(turn::rate(turns)),
                of(|turn| turn.throughput.p50),
                of(|turn| turn.throughput.p99),
            ]);
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let measured = Measured {
            builds: vec![0.7, 9.0, 0.1],
            cold: vec![5.04],
            warm: vec![0.0123],
            loads: [1234.0, 5678.0].map(|rate| vec![Turn::at(rate)]),
        };
        let cells = measured.cells(15_100_000);
        assert_eq!(cells.len(), HEAD.len());
        assert_eq!(cells[..5], ["15 100", "0.7", "5.0", "12.3", "1 234"]);
        assert_eq!(cells[7], "5 678");
    }
}
