//! What stands behind a type of a configuration: a store that is built in, or a component that is installed.

use super::folder;
use super::installed::{self, Installed, ReadError};
use super::name::{self, Name};
use dapr_blocks::config::{ComponentType, ConfigErrors, InstalledComponent, KnownType, Table, Vendors};
use dapr_components::{BuiltIn, SecretSettings, StateSettings};

static BUILT_IN: BuiltIn = BuiltIn;

/// What this host knows: what is built in, what is installed, and what can be built.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known;

impl Vendors for Known {
    type State = StateSettings;
    type Secrets = SecretSettings;

    fn state_types(&self) -> Vec<KnownType<'_>> {
        BUILT_IN.state_types()
    }

    fn state(&self, kind: &ComponentType, table: &mut Table) -> Result<StateSettings, ConfigErrors> {
        BUILT_IN.state(kind, table)
    }

    fn secret_types(&self) -> Vec<KnownType<'_>> {
        BUILT_IN.secret_types()
    }

    fn secrets(&self, kind: &ComponentType, table: &mut Table) -> Result<SecretSettings, ConfigErrors> {
        BUILT_IN.secrets(kind, table)
    }

    fn installed(&self, kind: &ComponentType) -> Result<InstalledComponent, ConfigErrors> {
        let name = name_of(kind);
        match installed::find(&name) {
            Ok(Some(found)) => Ok(described(found)),
            Ok(None) => Err(absent(kind, &name)),
            Err(error) => Err(unusable(kind, &error)),
        }
    }
}

/// How to get another file for a type that is installed.
pub(crate) fn build_again(kind: &ComponentType) -> String {
    match kind.is_foreign() {
        true => "build it again, with `dapr-wasm components build`".to_owned(),
        false => format!(
            "build it again: dapr-wasm components build {}",
            name_of(kind).argument()
        ),
    }
}

fn name_of(kind: &ComponentType) -> Name {
    Name {
        kind: kind.full_name(),
        version: kind.version(),
    }
}

/// What a configuration needs to know of it.
fn described(found: Installed) -> InstalledComponent {
    let Installed { file, said, .. } = found;
    let contrib = &said.manifest.contrib;
    let title = match name::known().contains(&said.name) {
        true => format!(
            "{} (Dapr's own: {} of components-contrib {contrib})",
            said.name.short(),
            said.name
        ),
        false => format!(
            "{} (installed: {}, with components-contrib {contrib})",
            said.name.short(),
            said.name
        ),
    };
    InstalledComponent {
        file,
        title,
        settings_listed: format!("its settings: dapr-wasm components show {}", said.name.argument()),
        properties: said.properties,
    }
}

/// That a type is not here, and how to get it.
fn absent(kind: &ComponentType, name: &Name) -> ConfigErrors {
    let known = name::known();
    if known.contains(name) {
        let (noun, shown) = (kind.noun(), kind.shown());
        let error = kind.location().error(format!("Dapr's {noun} {shown} is not installed"));
        let help = match kind.is_foreign() {
            true => "`dapr-wasm components list` has those that can be built".to_owned(),
            false => format!("build it: dapr-wasm components build {}", name.argument()),
        };
        return error.with_help(help).into();
    }
    let installed = installed::all().map(|(found, _)| found).unwrap_or_default();
    let others = installed.iter().map(|installed| &installed.said.name).chain(&known);
    let others = others.filter(|other| other.block() == name.block());
    let others: Vec<KnownType<'_>> = others.map(|name| (name.short(), name.version)).collect();
    let built_in = BUILT_IN.types(kind);
    // What is here in another version is not missing.
    let is_here = others.iter().chain(&built_in).any(|(other, _)| *other == name.short());
    match BUILT_IN.lacks(kind).filter(|_| !is_here) {
        Some(errors) => errors,
        None if others.is_empty() => kind.unknown(&built_in),
        None => kind.unknown_beside(&built_in, &others, "; others: dapr-wasm components list"),
    }
}

/// That the file of a type, or the folder of all, cannot be used.
fn unusable(kind: &ComponentType, error: &ReadError) -> ConfigErrors {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    let (noun, shown) = (kind.noun(), kind.shown());
    let message = format!("cannot look for Dapr's {noun} {shown}: {error}{cause}");
    let help = match error {
        ReadError::Folder(error) => error.help(folder::DATA),
        ReadError::Manifest { .. } => build_again(kind),
    };
    kind.location().error(message).with_help(help).into()
}
