//! The arguments of `cargo xtask components`.

use super::host::Component;
use anyhow::{Context, Result, bail};

/// Which components to build; all if none is named.
pub(crate) struct Options {
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments after `components`.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut only = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--only" => {
                    let name = arguments.next().context("--only needs the type of a component")?;
                    only.push((*name).to_owned());
                }
                other => bail!("unknown argument of components: {other}"),
            }
        }
        Ok(Self { only })
    }

    pub(super) fn builds_all(&self) -> bool {
        self.only.is_empty()
    }

    /// Those that are asked for, in the order of all. A type without a version is all of its versions.
    pub(super) fn wanted(&self, all: &[Component]) -> Result<Vec<Component>> {
        let names = |component: &Component, name: &str| component.kind == name || component.argument() == name;
        if let Some(unknown) = self.only.iter().find(|name| !all.iter().any(|one| names(one, name))) {
            let all: Vec<_> = all.iter().map(Component::argument).collect();
            bail!("there is no component `{unknown}`: {}", all.join(", "));
        }
        let wanted = |component: &&Component| self.builds_all() || self.only.iter().any(|name| names(component, name));
        Ok(all.iter().filter(wanted).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(arguments: &[&str]) -> Result<Vec<String>> {
        let all = [("state.etcd", "v1"), ("state.etcd", "v2"), ("state.redis", "v1")];
        let all = all.map(|(kind, version)| Component {
            kind: kind.to_owned(),
            version: version.to_owned(),
        });
        let wanted = Options::parse(arguments)?.wanted(&all)?;
        Ok(wanted.iter().map(Component::argument).collect())
    }

    #[test]
    fn a_type_is_all_of_its_versions_and_no_type_is_all() {
        assert_eq!(wanted(&[]).unwrap().len(), 3);
        assert_eq!(
            wanted(&["--only", "state.etcd"]).unwrap(),
            ["state.etcd/v1", "state.etcd/v2"]
        );
        assert_eq!(
            wanted(&["--only", "state.redis", "--only", "state.etcd/v2"]).unwrap(),
            ["state.etcd/v2", "state.redis/v1"]
        );
    }

    #[test]
    fn an_unknown_argument_or_type_is_refused() {
        assert!(wanted(&["--fast"]).is_err());
        assert!(wanted(&["--only"]).is_err());
        let error = wanted(&["--only", "state.mongo"]).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no component `state.mongo`: state.etcd/v1, "),
            "{error}"
        );
    }
}
