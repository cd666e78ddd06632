//! `dapr-wasm components build`: from a name or a folder to a component that is installed.
//!
//! A component is compiled and asked for its settings before it is installed, so that its first start finds its code, and
//! what does not run is not installed.

use super::args::BuildArgs;
use super::built::{Finished, Kept};
use super::folder::{self, FolderError};
use super::name::{self, Name};
use super::unbuilt::cannot_build;
use super::{example, manifest};
use crate::failure::{Failure, Outcome};
use crate::provider::Wanted;
use crate::report::print_text;
use crate::shared;
use crate::size::size;
use crate::tell::{say, say_lines};
use dapr_blocks::config::ProviderConfig;
use dapr_go_components::{Go, Recipe, Source, Step};
use dapr_runtime::app::Shared;
use dapr_runtime::needs::Block;
use dapr_runtime::providers::linked::AllowedIn;
use dapr_runtime::providers::{description, sections};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a component may take to say which settings it has: its language's runtime starts for it.
const DESCRIBED_WITHIN: Duration = Duration::from_secs(30);

/// Builds and installs, one after the other, and prints the tables to paste.
pub(super) async fn run(args: &BuildArgs) -> Outcome<ExitCode> {
    let contrib = args.contrib.as_deref();
    // Slips are told before anything is built.
    let recipes = args
        .what
        .iter()
        .map(|what| wanted(what, contrib))
        .collect::<Outcome<Vec<_>>>()?;
    let go = Go::find().map_err(|error| elsewhere(cannot_build(&named(&recipes), &error)))?;
    let places = Places::make(&recipes)?;
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let builder = Builder {
        go: Arc::new(go),
        places,
        shared,
    };
    let (mut failed, mut installed) = (Vec::new(), Vec::new());
    for recipe in &recipes {
        match builder.install(recipe).await {
            Ok(()) => installed.push(&recipe.name),
            Err(failure) => failed.push(failure.report()),
        }
    }
    shared::printed(&builder.shared).await;
    drop(ticker);
    if !installed.is_empty() {
        say_lines("\nadd to components.toml, with your own server:\n");
        print_text(&tables(&installed))?;
    }
    Ok(failed.first().copied().unwrap_or(ExitCode::SUCCESS))
}

/// A store's table for each.
fn tables(installed: &[&Name]) -> String {
    let built_in = name::built_in();
    let table = |name: &&Name| match (installed.len(), name.block()) {
        (1, Block::Secrets) => example::table(name, "vault", &built_in),
        (1, _) => example::table(name, "statestore", &built_in),
        _ => example::table(name, &example::store_name(name), &built_in),
    };
    installed.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// What is to be built, under the name that it will have.
struct Wish {
    name: Name,
    recipe: Recipe,
}

fn named(wishes: &[Wish]) -> String {
    let names: Vec<_> = wishes.iter().map(|wish| wish.name.argument()).collect();
    names.join("`, `")
}

fn wanted(what: &str, contrib: Option<&str>) -> Outcome<Wish> {
    let recipe = match name::block_of(what).is_some() {
        true => Recipe::known(what, contrib),
        false if Path::new(what).is_dir() => Recipe::package(Path::new(what), contrib),
        false if what.contains('/') => {
            return Err(Failure::usage(format!("there is no folder `{what}`"))
                .help("name a folder with a Go package, or a type: `dapr-wasm components list` has all types"));
        }
        false => Recipe::known(what, contrib),
    };
    let recipe = recipe.map_err(|error| cannot_build(what, &error))?;
    let name = Name::new(recipe.name(), recipe.version())
        .ok_or_else(|| Failure::usage(format!("cannot build `{what}`: its version is none of Dapr's")))?;
    if let Source::Package { .. } = recipe.source() {
        check_own_name(what, &name)?;
    }
    Ok(Wish { name, recipe })
}

/// A folder's name becomes a type: it must be a new one, and one that a file can have.
fn check_own_name(folder: &str, name: &Name) -> Outcome<()> {
    let short = name.short();
    let problem = |problem: &str| {
        let message = format!("cannot build `{folder}`: as `type = \"{short}\"` it would {problem}");
        Err(Failure::usage(message).help("rename the folder: the component has its name"))
    };
    let is_clean = short
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if short.is_empty() || !is_clean {
        return problem("have other characters than a to z, 0 to 9 and `-`");
    }
    let is_known = name::known().iter().any(|known| known.kind == name.kind);
    let is_built_in = name::built_in().iter().any(|built_in| built_in.kind == name.kind);
    match is_known || is_built_in || short == "wasm" {
        true => problem("take the place of one that is there"),
        false => Ok(()),
    }
}

/// Where components are kept and installed.
struct Places {
    built: PathBuf,
    installed: PathBuf,
}

impl Places {
    fn make(wishes: &[Wish]) -> Outcome<Self> {
        let cannot = || format!("cannot build `{}`", named(wishes));
        let nowhere = |what, variable| {
            let message = format!("{}: there is no place for {what}", cannot());
            Failure::usage(message).help(format!("set {variable} or HOME"))
        };
        let places = Self {
            built: folder::built().ok_or_else(|| nowhere("what is built", "XDG_CACHE_HOME"))?,
            installed: folder::installed().ok_or_else(|| nowhere("components", "XDG_DATA_HOME"))?,
        };
        for (place, variable) in [(&places.built, folder::CACHE), (&places.installed, folder::DATA)] {
            folder::make(place).map_err(|error| Failure::usage(cannot()).because(&error).help(error.help(variable)))?;
        }
        Ok(places)
    }
}

/// With how to do without a Go that can build.
fn elsewhere(failure: Failure) -> Failure {
    match folder::installed() {
        Some(folder) => failure.help(format!(
            "or build on another machine, and copy the files to {}",
            folder.display()
        )),
        None => failure,
    }
}

struct Builder {
    go: Arc<Go>,
    places: Places,
    shared: Shared,
}

impl Builder {
    /// Builds a component, or finds what was built, and installs it.
    async fn install(&self, wish: &Wish) -> Outcome<()> {
        let name = wish.name.argument();
        let cannot = |error: &FolderError| Failure::run(format!("cannot install `{name}`")).because(error);
        let fingerprint =
            dapr_go_components::fingerprint(&self.go, &wish.recipe).map_err(|error| cannot_build(&name, &error))?;
        let kept = Kept::new(&self.places.built, &fingerprint);
        let file = self.places.installed.join(wish.name.file());
        let finished = match kept.find() {
            Some(finished) => {
                say(format_args!("{name}: was built before"));
                finished
            }
            None => {
                let finished = self.described(wish, &file, self.build(wish).await?).await?;
                // What was saved meanwhile may be in it or not: then it is kept under no name.
                let after = dapr_go_components::fingerprint(&self.go, &wish.recipe);
                if after.is_ok_and(|after| after == fingerprint) {
                    kept.keep(&finished).map_err(|error| cannot(&error))?;
                }
                finished
            }
        };
        let licences = self.places.installed.join(wish.name.licences());
        folder::write(&licences, &finished.licences)
            .and_then(|()| folder::write(&file, &finished.component))
            .map_err(|error| cannot(&error))?;
        say(format_args!("{name}: installed as {}", file.display()));
        Ok(())
    }

    /// Has Go build it.
    async fn build(&self, wish: &Wish) -> Outcome<Finished> {
        let (name, begin) = (wish.name.argument(), Instant::now());
        let build = {
            let (go, recipe, folder) = (Arc::clone(&self.go), wish.recipe.clone(), self.places.built.clone());
            let name = name.clone();
            move || {
                let progress = |step: Step| say(format_args!("{name}: {step} …"));
                dapr_go_components::build(&go, &recipe, &folder, &progress)
            }
        };
        let built = tokio::task::spawn_blocking(build).await;
        let built = built.map_err(|error| Failure::run(format!("cannot build `{name}`")).because(&error))?;
        let built = built.map_err(|error| cannot_build(&name, &error))?;
        say(format_args!(
            "{name}: built in {:.1} s, {}",
            begin.elapsed().as_secs_f64(),
            size(built.component.len() as u64)
        ));
        Ok(Finished {
            component: built.component,
            licences: built.licences.into_bytes(),
        })
    }

    /// The same with what the component says of its settings. Its code is compiled for this, and kept for its first start.
    async fn described(&self, wish: &Wish, file: &Path, mut finished: Finished) -> Outcome<Finished> {
        let name = wish.name.argument();
        let config = ProviderConfig {
            memory: ProviderConfig::INSTALLED_MEMORY,
            ..ProviderConfig::at(file)
        };
        let asked = Wanted {
            allowed_in: AllowedIn::Table(wish.name.block()),
            name: &name,
            block: wish.name.block(),
            whose: format!("the component `{name}`"),
            memory: "this host",
            again: "please report this".to_owned(),
            config: &config,
            deadline: DESCRIBED_WITHIN,
        };
        let properties = description::properties(&asked.linked(&finished.component, &self.shared).await?)
            .await
            .map_err(|error| Failure::run(format!("cannot install `{name}`")).because(&error))?;
        if let Some(properties) = properties {
            let section = manifest::properties(properties)
                .map_err(|error| Failure::run(format!("cannot install `{name}`")).because(&error))?;
            sections::append(&mut finished.component, manifest::PROPERTIES, &section);
        }
        Ok(finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(what: &str) -> String {
        wanted(what, None).err().unwrap().to_string()
    }

    #[test]
    fn a_type_is_built_in_its_newest_version_or_the_one_named() {
        let name = |what| wanted(what, None).unwrap().name.to_string();
        assert_eq!(name("state.postgresql"), "state.postgresql v2");
        assert_eq!(name("state.postgresql/v1"), "state.postgresql v1");
    }

    #[test]
    fn a_slip_is_told_with_the_nearest_name() {
        for what in ["state.mongdb", "mongodb"] {
            assert!(
                refusal(what).contains("did you mean `state.mongodb`?"),
                "{}",
                refusal(what)
            );
        }
        assert!(refusal("./none").starts_with("there is no folder `./none`"));
    }

    #[test]
    fn a_folder_has_a_name_that_is_new_and_can_be_a_type() {
        let own = |kind: &str| check_own_name("./folder", &Name::new(kind, "v1").unwrap());
        assert!(own("state.mystore-2").is_ok());
        for kind in [
            "state.redis",
            "state.sqlite",
            "state.wasm",
            "state.my store",
            "state.a.b",
            "state.",
        ] {
            assert!(own(kind).is_err(), "{kind}");
        }
    }
}
