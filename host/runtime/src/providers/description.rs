//! What a component says of the settings that it has: `dapr:component/description`.
//!
//! It is asked once, when it is installed, in an instance of its own that is made for nothing else. What it answers is held
//! to rules before anybody believes it: names that a table of TOML can have, no two settings of one name, and sizes that fit
//! into a help text.

use super::guest::Requests;
use super::linked::Linked;
use dapr_blocks::config::{Property, PropertyKind};
use std::collections::HashSet;
use std::time::Duration;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package dapr-wasm:providers; world described { export dapr:component/description@0.1.0; }",
        world: "dapr-wasm:providers/described",
        exports: { default: async },
        require_store_data_send: true,
    });
}
use bindings::DescribedPre;
use bindings::exports::dapr::component::description as generated;

/// Settings that a component may have: Dapr's Redis has forty.
const MAX_PROPERTIES: usize = 512;

/// Other names that a setting may have.
const MAX_ALIASES: usize = 16;

/// Bytes of a name.
const MAX_NAME: usize = 128;

/// Bytes of a default.
const MAX_DEFAULT: usize = 4 << 10;

/// Why the settings of a component are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// What it exports has another type than this host's.
    #[error("what it exports to describe its settings does not fit this host")]
    Types(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It trapped, or exceeded a limit.
    #[error("it trapped when it was asked for its settings")]
    Trapped(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than a call may.
    #[error("it did not say within {0:?} which settings it has")]
    TooSlow(Duration),
    /// What it says cannot be.
    #[error("it says of its settings what cannot be: {0}")]
    Untrue(String),
}

/// The settings that a component says it has, by their names; none if it does not say.
///
/// # Errors
///
/// [`DescriptionError`], if it does not answer within its deadline, or not as it must.
pub async fn properties(provider: &Linked) -> Result<Option<Vec<Property>>, DescriptionError> {
    let Some(pre) = provider.describes_itself() else {
        return Ok(None);
    };
    let pre = DescribedPre::new(pre.clone()).map_err(|error| DescriptionError::Types(error.into()))?;
    let ask = async {
        let mut store = provider.guest(Requests::None);
        let described = pre.instantiate_async(&mut store).await?;
        described.dapr_component_description().call_properties(&mut store).await
    };
    let deadline = provider.spec().deadline;
    match tokio::time::timeout(deadline, ask).await {
        Ok(Ok(properties)) => checked(properties).map(Some),
        Ok(Err(trap)) => Err(DescriptionError::Trapped(trap.into())),
        Err(_) => Err(DescriptionError::TooSlow(deadline)),
    }
}

/// What a component says, if it can be.
fn checked(properties: Vec<generated::Property>) -> Result<Vec<Property>, DescriptionError> {
    if properties.len() > MAX_PROPERTIES {
        let problem = format!("{} of them, and {MAX_PROPERTIES} are the most", properties.len());
        return Err(DescriptionError::Untrue(problem));
    }
    let mut names = HashSet::new();
    let mut checked: Vec<Property> = Vec::new();
    for property in properties {
        let property = one(property)?;
        for name in property.names() {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(DescriptionError::Untrue(format!("`{name}` is the name of two")));
            }
        }
        checked.push(property);
    }
    checked.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(checked)
}

fn one(property: generated::Property) -> Result<Property, DescriptionError> {
    let generated::Property {
        name,
        aliases,
        kind,
        default,
        deprecated,
    } = property;
    if aliases.len() > MAX_ALIASES {
        return Err(DescriptionError::Untrue(format!(
            "one has {} other names",
            aliases.len()
        )));
    }
    for name in aliases.iter().chain([&name]) {
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(|c| c.is_ascii_graphic()) {
            let name: String = name.chars().take(MAX_NAME).collect();
            return Err(DescriptionError::Untrue(format!(
                "\"{}\" is no name",
                name.escape_debug()
            )));
        }
    }
    if default.as_ref().is_some_and(|default| default.len() > MAX_DEFAULT) {
        return Err(DescriptionError::Untrue(format!(
            "the default of `{name}` is longer than a setting"
        )));
    }
    Ok(Property {
        name,
        aliases,
        kind: PropertyKind::of(&kind),
        default,
        deprecated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, aliases: &[&str]) -> generated::Property {
        generated::Property {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            kind: "int".to_owned(),
            default: None,
            deprecated: false,
        }
    }

    fn problem(properties: Vec<generated::Property>) -> String {
        checked(properties).unwrap_err().to_string()
    }

    #[test]
    fn settings_are_in_the_order_of_their_names() {
        let properties = checked(vec![said("poolSize", &["pool"]), said("host", &[])]).unwrap();
        let names: Vec<_> = properties.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(names, ["host", "poolSize"]);
        assert_eq!(properties[1].aliases, ["pool"]);
        assert_eq!(properties[1].kind, PropertyKind::Integer);
    }

    #[test]
    fn a_name_is_that_of_one_setting_whatever_its_case() {
        for two in [
            vec![said("host", &[]), said("Host", &[])],
            vec![said("host", &[]), said("server", &["HOST"])],
            vec![said("host", &["host"])],
        ] {
            assert!(problem(two).ends_with("is the name of two"));
        }
    }

    #[test]
    fn what_could_not_stand_in_a_table_is_no_name() {
        for name in ["", " ", "a b", "a\n", "\u{1b}[31m", "größe", &"a".repeat(MAX_NAME + 1)] {
            assert!(problem(vec![said(name, &[])]).ends_with("is no name"), "{name:?}");
            assert!(problem(vec![said("a", &[name])]).ends_with("is no name"), "{name:?}");
        }
    }

    #[test]
    fn there_are_not_too_many_nor_too_much_of_each() {
        let many = |count: usize| {
            (0..count)
                .map(|number| said(&format!("s{number}"), &[]))
                .collect::<Vec<_>>()
        };
        assert_eq!(checked(many(MAX_PROPERTIES)).unwrap().len(), MAX_PROPERTIES);
        assert!(problem(many(MAX_PROPERTIES + 1)).contains("are the most"));
        let aliases: Vec<_> = (0..=MAX_ALIASES).map(|number| format!("a{number}")).collect();
        let aliases: Vec<_> = aliases.iter().map(String::as_str).collect();
        assert!(problem(vec![said("a", &aliases)]).contains("other names"));
        let default = generated::Property {
            default: Some("x".repeat(MAX_DEFAULT + 1)),
            ..said("a", &[])
        };
        assert!(problem(vec![default]).contains("the default of `a`"));
    }
}
