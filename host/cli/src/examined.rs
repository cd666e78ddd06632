//! An app as it is known without compiling it: how it is entered, what it needs, and what satisfies that.

use crate::args::AppArgs;
use crate::failure::{Failure, Outcome, counted};
use crate::setup::Setup;
use crate::target::Target;
use dapr_runtime::needs::{self, Block, Configured, Entry, Need, Standing};
use dapr_runtime::shape::{ExternName, InterfaceName, Shape};
use std::path::Path;

/// Where the interfaces of this host are to be had.
pub(crate) const BUILD_AGAINST_THIS_HOST: &str =
    "build the app against this host's WIT, which `dapr-wasm wit DIR` writes";

/// An app as it is known without compiling it.
pub(crate) struct Examined {
    pub(crate) target: Target,
    pub(crate) shape: Shape,
    pub(crate) needs: Vec<Need>,
    /// None: there is nothing in it that the host can call.
    pub(crate) entry: Option<Entry>,
}

impl Examined {
    pub(crate) fn read(args: &AppArgs, setup: &Setup) -> Outcome<Self> {
        Self::of(Target::read(&args.target)?, setup)
    }

    /// The same of a component's file.
    pub(crate) fn of_file(path: &Path, setup: &Setup) -> Outcome<Self> {
        Self::of(Target::read_file(path.to_owned())?, setup)
    }

    fn of(target: Target, setup: &Setup) -> Outcome<Self> {
        let shape = Shape::of(&target.component)
            .map_err(|error| Failure::usage(format!("`{}` does not parse", target.path.display())).because(&error))?;
        let needs = needs::needs(
            &shape,
            Configured {
                state: setup.stores_to_the_app(&setup.store_names()),
                secrets: setup.secrets_to_the_app(&setup.secret_names()),
                egress: setup.app_may_ask(),
            },
        );
        let entry = needs::entry(&shape);
        Ok(Self {
            target,
            shape,
            needs,
            entry,
        })
    }

    /// How the app is entered, unless it cannot run: then everything that is in the way, at once. What is imported and not
    /// configured is warned of, and with `--strict` in the way too.
    pub(crate) fn runnable(&self, args: &AppArgs, setup: &Setup) -> Outcome<Entry> {
        for block in [Block::State, Block::Secrets] {
            let of_block = |standing: &Standing| matches!(standing, Standing::NotConfigured(of) | Standing::NotInScope(of) if *of == block);
            let unconfigured = self.having(of_block);
            if !args.strict
                && let [first, ..] = unconfigured[..]
            {
                without_a_store(
                    &unconfigured,
                    block,
                    first.standing.unconfigured().unwrap_or_default(),
                    setup,
                )
                .warn();
            }
        }
        // It imports what only stores have, which is no reason to say that it is missing.
        if self.entry.is_none() && self.is_store() {
            return Err(self.nothing_to_run());
        }
        let missing = self.having(|standing| standing.is_fatal() || (args.strict && standing.unconfigured().is_some()));
        if !missing.is_empty() {
            return Err(self.lacking(&missing, setup));
        }
        self.entry.ok_or_else(|| self.nothing_to_run())
    }

    /// Whether the app imports what its stores of this building block satisfy.
    pub(crate) fn uses(&self, block: Block) -> bool {
        self.needs
            .iter()
            .any(|need| matches!(need.standing, Standing::Store(of, _) if of == block))
    }

    fn having(&self, wanted: impl Fn(&Standing) -> bool) -> Vec<&Need> {
        self.needs.iter().filter(|need| wanted(&need.standing)).collect()
    }

    fn lacking(&self, missing: &[&Need], setup: &Setup) -> Failure {
        let (shown, count) = (self.target.path.display(), counted(missing.len(), "capability"));
        let failure = Failure::usage(format!("`{shown}` needs {count} that this host does not have"));
        let mut all: Vec<String> = Vec::new();
        for advice in missing.iter().filter_map(|need| advice(need, setup)) {
            if !all.contains(&advice) {
                all.push(advice);
            }
        }
        all.iter().fold(failure.detail(table(missing)), Failure::help)
    }

    fn nothing_to_run(&self) -> Failure {
        let exports: String = self.shape.exports.iter().map(export).collect();
        let exports = if exports.is_empty() {
            "  nothing\n".to_owned()
        } else {
            exports
        };
        let entries: String = Entry::ALL.map(|entry| format!("  {}\n", entry.interface())).concat();
        let path = self.target.path.display();
        let failure = Failure::usage(format!("there is nothing to run in `{path}`")).detail(format!(
            "it exports\n{exports}and this host runs what exports one of\n{entries}"
        ));
        match self.is_store() {
            true => failure.help(format!(
                "it is a state store, which apps use by a table of components.toml:\n\
                 [state.statestore]\ntype = \"wasm\"\ncomponent = \"{path}\""
            )),
            false => failure.help("build the app for one of the worlds that `dapr-wasm wit DIR` writes"),
        }
    }

    /// Whether it is what apps use, and no app.
    fn is_store(&self) -> bool {
        let mut exports = self.shape.exports.iter().filter_map(ExternName::interface);
        exports.any(|name| ["dapr:state/provider", "dapr:state/provider-loop"].contains(&name.path().as_str()))
    }
}

fn without_a_store(needs: &[&Need], block: Block, answer: &str, setup: &Setup) -> Failure {
    let names: Vec<_> = needs.iter().map(|need| need.name.to_string()).collect();
    let (app, names) = (&setup.app_id, names.join(" and "));
    let what = match block {
        Block::State => "store".to_owned(),
        _ => block.to_string(),
    };
    let message = format!("`{app}` imports {names} and has no {what}: calls answer `{answer}`");
    Failure::usage(message).help(setup.store_to_paste(block))
}

fn export(name: &ExternName) -> String {
    let remark = if needs::is_entry_in_some_version(name) {
        " (another version)"
    } else {
        ""
    };
    format!("  {name}{remark}\n")
}

fn table(needs: &[&Need]) -> String {
    let names: Vec<_> = needs.iter().map(|need| need.name.to_string()).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let rows = names
        .iter()
        .zip(needs)
        .map(|(name, need)| format!("{name:width$}  {}\n", need.standing));
    rows.collect()
}

/// What to do about an import that is not satisfied.
fn advice(need: &Need, setup: &Setup) -> Option<String> {
    match &need.standing {
        Standing::NotConfigured(block) | Standing::NotInScope(block) => Some(setup.store_to_paste(*block)),
        Standing::OtherVersion { .. } | Standing::Unknown { nearest: Some(_) } => {
            Some(BUILD_AGAINST_THIS_HOST.to_owned())
        }
        Standing::Unknown { nearest: None } => {
            Some("what no host has can be composed into the app: wac plug APP --plug COMPONENT -o BOTH".to_owned())
        }
        Standing::WouldTrap(entry) => {
            let plain = need.name.interface().map(InterfaceName::path).unwrap_or_default();
            let waiting = if entry.is_http() { Entry::Http03 } else { Entry::Run03 };
            Some(format!(
                "import {}, or export {}, which can wait",
                plain.strip_suffix("-async").unwrap_or(&plain),
                waiting.interface()
            ))
        }
        _ => None,
    }
}
