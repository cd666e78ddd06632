//! What a component's file says of it, in two sections at its end: what it was made from, and which settings it has.
//!
//! The first is written when it is built, the second when it is installed, after the component was asked. Both are JSON.

use super::name::Name;
use dapr_blocks::config::{Property, PropertyKind};
use dapr_runtime::providers::sections::Sections;
use serde::{Deserialize, Serialize};

/// The section with what a component was made from.
const MADE_FROM: &str = "dapr:component";

/// The section with its settings.
pub(super) const PROPERTIES: &str = "dapr:component-properties";

/// What a component was made from.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Manifest {
    #[serde(rename = "type")]
    kind: String,
    version: String,
    /// The version of components-contrib.
    pub(super) contrib: String,
    /// The version of Go.
    pub(super) go: String,
    /// The modules that are linked.
    #[serde(default)]
    pub(super) modules: Vec<Module>,
}

/// A Go module that is linked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Module {
    pub(super) path: String,
    #[serde(default)]
    pub(super) version: String,
    /// By their SPDX names.
    #[serde(default)]
    pub(super) licences: Vec<String>,
}

/// Why a file does not say what it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    /// There is no such section.
    #[error("it does not say what it was made from")]
    Missing,
    /// It does not parse.
    #[error("what it says of itself does not parse")]
    Damaged(#[from] serde_json::Error),
    /// The version is none of Dapr's.
    #[error("what it says of itself has a version that is not `v` and a number")]
    Version,
}

/// What a file says of itself.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) name: Name,
    pub(super) manifest: Manifest,
    /// None if the component does not say.
    pub(super) properties: Option<Vec<Property>>,
}

impl Said {
    /// Reads both sections.
    pub(super) fn read(sections: &Sections) -> Result<Self, ManifestError> {
        let manifest = sections.get(MADE_FROM).ok_or(ManifestError::Missing)?;
        let manifest: Manifest = serde_json::from_slice(manifest)?;
        let properties: Vec<Described> = match sections.get(PROPERTIES) {
            Some(properties) => serde_json::from_slice(properties)?,
            None => Vec::new(),
        };
        let name = Name::new(&manifest.kind, &manifest.version).ok_or(ManifestError::Version)?;
        let properties: Vec<_> = properties.into_iter().map(Property::from).collect();
        Ok(Self {
            name,
            manifest,
            // A component of Go that does not know its settings says that it has none.
            properties: Some(properties).filter(|properties| !properties.is_empty()),
        })
    }
}

/// The section of a component's settings.
#[cfg(feature = "go-components")]
pub(super) fn properties(properties: Vec<Property>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&properties.into_iter().map(Described::from).collect::<Vec<_>>())
}

/// A setting, in JSON.
#[derive(Deserialize, Serialize)]
struct Described {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
}

impl From<Described> for Property {
    fn from(described: Described) -> Self {
        let Described {
            name,
            aliases,
            kind,
            default,
            deprecated,
        } = described;
        Self {
            name,
            aliases,
            kind: PropertyKind::of(&kind),
            default,
            deprecated,
        }
    }
}

impl From<Property> for Described {
    fn from(property: Property) -> Self {
        let Property {
            name,
            aliases,
            kind,
            default,
            deprecated,
        } = property;
        Self {
            name,
            aliases,
            kind: kind.to_string(),
            default,
            deprecated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        r#"{"type":"state.mongodb","version":"v1","contrib":"v1.18.4","go":"go1.26.8","modules":[]}"#;

    fn said(sections: &[(&str, &str)]) -> Result<Said, ManifestError> {
        let named = sections
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        Said::read(&Sections {
            begin: 0,
            named: named.collect(),
        })
    }

    #[test]
    fn a_file_says_its_name_what_it_was_made_from_and_its_settings() {
        let settings = r#"[{"name":"host","kind":"string"},{"name":"tls","kind":"bool","aliases":["ssl"],"default":"true","deprecated":true}]"#;
        let said = said(&[(MADE_FROM, MANIFEST), (PROPERTIES, settings)]).unwrap();
        assert_eq!(said.name, Name::new("state.mongodb", "v1").unwrap());
        assert_eq!(
            (said.manifest.contrib.as_str(), said.manifest.go.as_str()),
            ("v1.18.4", "go1.26.8")
        );
        let [host, tls] = &said.properties.unwrap()[..] else {
            panic!("two")
        };
        assert_eq!((host.name.as_str(), host.kind), ("host", PropertyKind::Text));
        assert_eq!(
            (tls.aliases.as_slice(), tls.deprecated),
            (&["ssl".to_owned()][..], true)
        );
    }

    #[cfg(feature = "go-components")]
    #[test]
    fn settings_are_read_as_they_were_written() {
        let property = Property {
            name: "timeout".into(),
            aliases: vec!["timeoutInSeconds".into()],
            kind: PropertyKind::Duration,
            default: Some("5s".into()),
            deprecated: false,
        };
        let text = String::from_utf8(properties(vec![property.clone()]).unwrap()).unwrap();
        let read = said(&[(MADE_FROM, MANIFEST), (PROPERTIES, &text)]).unwrap();
        assert_eq!(read.properties, Some(vec![property]));
    }

    #[test]
    fn a_component_that_names_no_settings_says_nothing_of_them() {
        assert!(said(&[(MADE_FROM, MANIFEST)]).unwrap().properties.is_none());
        assert!(
            said(&[(MADE_FROM, MANIFEST), (PROPERTIES, "[]")])
                .unwrap()
                .properties
                .is_none()
        );
    }

    #[test]
    fn what_does_not_say_what_it_is_is_told_apart_from_what_is_damaged() {
        assert!(matches!(said(&[]), Err(ManifestError::Missing)));
        assert!(matches!(said(&[(MADE_FROM, "{")]), Err(ManifestError::Damaged(_))));
        assert!(matches!(
            said(&[(MADE_FROM, MANIFEST), (PROPERTIES, "{}")]),
            Err(ManifestError::Damaged(_))
        ));
        let version = MANIFEST.replace("v1\",\"c", "one\",\"c");
        assert!(matches!(said(&[(MADE_FROM, &version)]), Err(ManifestError::Version)));
    }
}
