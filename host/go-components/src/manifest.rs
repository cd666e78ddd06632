//! What a built component says of how it was made: the custom section `dapr:component`, JSON, at its end.

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

const SECTION: &str = "dapr:component";

/// What a component was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Dapr's type: `state.redis`.
    #[serde(rename = "type")]
    pub name: String,
    /// Dapr's version: `v1`.
    pub version: String,
    /// The version of components-contrib.
    pub contrib: String,
    /// The version of Go.
    pub go: String,
    /// The modules that are linked.
    pub modules: Vec<Module>,
}

/// A Go module that is linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version; empty for the user's own.
    pub version: String,
    /// The licences that its files are, by their SPDX names; `other` for one that is not recognised.
    pub licences: Vec<String>,
}

impl Manifest {
    /// The manifest of a component; none if it has none, or is no WebAssembly.
    #[must_use]
    pub fn read(component: &[u8]) -> Option<Self> {
        let mut found = None;
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.ok()? {
                // Of the component itself, and not of what is in it.
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                    found = serde_json::from_slice(section.data()).ok();
                }
                _ => {}
            }
        }
        found
    }

    /// Puts the manifest at the end of a component.
    pub(crate) fn append(&self, component: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let data = serde_json::to_vec(self)?;
        let mut body = Vec::new();
        number(&mut body, SECTION.len());
        body.extend(SECTION.as_bytes());
        body.extend(data);
        component.push(0);
        number(component, body.len());
        component.extend(body);
        Ok(())
    }
}

/// An unsigned LEB128.
fn number(to: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: [u8; 8] = *b"\0asm\x0d\0\x01\0";

    fn manifest(modules: usize) -> Manifest {
        Manifest {
            name: "state.redis".into(),
            version: "v1".into(),
            contrib: "v1.18.4".into(),
            go: "go1.26.8".into(),
            modules: (0..modules)
                .map(|n| Module {
                    path: format!("example.org/{n}"),
                    version: "v1.0.0".into(),
                    licences: vec!["MIT".into()],
                })
                .collect(),
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_put_into_a_component() {
        for modules in [0, 1, 500] {
            let mut component = EMPTY.to_vec();
            manifest(modules).append(&mut component).unwrap();
            wasmparser::validate(&component).unwrap();
            assert_eq!(Manifest::read(&component), Some(manifest(modules)));
        }
    }

    #[test]
    fn what_has_no_manifest_has_none() {
        assert_eq!(Manifest::read(&EMPTY), None);
        assert_eq!(Manifest::read(b"\0asm"), None);
        assert_eq!(Manifest::read(b""), None);
    }

    #[test]
    fn the_manifest_of_what_is_inside_is_not_the_components() {
        let mut inner = EMPTY.to_vec();
        manifest(0).append(&mut inner).unwrap();
        let mut outer = EMPTY.to_vec();
        outer.push(4);
        number(&mut outer, inner.len());
        outer.extend(inner);
        wasmparser::validate(&outer).unwrap();
        assert_eq!(Manifest::read(&outer), None);
    }
}
