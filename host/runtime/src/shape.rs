//! What a component imports and exports, read without compiling it.
//!
//! Core modules are skipped by their length, so that the 18 MB of a Python app cost no more than those of a small one. Types
//! are not read: what reads them follows them as deep as they are nested, and the child process that compiles may do so.

use semver::Version;
use std::fmt;
use std::str::FromStr;
use wasmparser::{CanonicalFunction, CanonicalOption, Chunk, ComponentTypeRef, Parser, Payload, TypeBounds};

/// What a component imports and exports, and whether it needs an event loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// In the order of the file.
    pub imports: Vec<ExternName>,
    /// In the order of the file.
    pub exports: Vec<ExternName>,
    /// Whether a function of it, or of a component in it, is called in an event loop or calls one.
    pub concurrent: bool,
}

/// The name of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternName {
    /// An interface: `dapr:state/store@0.1.0`.
    Interface(InterfaceName),
    /// Anything else: a function of the world itself, or a name from before interfaces had versions.
    Plain(String),
}

impl fmt::Display for ExternName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => name.fmt(f),
            Self::Plain(name) => f.write_str(name),
        }
    }
}

impl ExternName {
    pub(crate) fn parse(name: &str) -> Self {
        name.parse()
            .map_or_else(|_| Self::Plain(name.to_owned()), Self::Interface)
    }

    /// The interface, if it is one.
    pub fn interface(&self) -> Option<&InterfaceName> {
        match self {
            Self::Interface(name) => Some(name),
            Self::Plain(_) => None,
        }
    }
}

/// The name of an interface: `namespace:package/interface@version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceName {
    /// `dapr:state`.
    pub package: String,
    /// `store`.
    pub interface: String,
    /// `0.1.0`; none in packages without versions.
    pub version: Option<Version>,
}

/// A name that is not that of an interface.
#[derive(Debug, thiserror::Error)]
#[error("not the name of an interface")]
pub struct NotAnInterface;

impl FromStr for InterfaceName {
    type Err = NotAnInterface;

    fn from_str(text: &str) -> Result<Self, NotAnInterface> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(Version::parse(version).map_err(|_| NotAnInterface)?)),
            None => (text, None),
        };
        let (package, interface) = path.split_once('/').ok_or(NotAnInterface)?;
        if !package.contains(':') {
            return Err(NotAnInterface);
        }
        Ok(Self {
            package: package.to_owned(),
            interface: interface.to_owned(),
            version,
        })
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.interface)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

impl InterfaceName {
    /// Whether this is `path` (`package/interface`) in a version that a host with `version` serves: the same minor version
    /// before 1.0, the same major version after.
    pub fn is(&self, path: &str, version: &Version) -> bool {
        self.path() == path && self.version.as_ref().is_some_and(|own| compatible(own, version))
    }

    /// `package/interface`, without the version.
    pub fn path(&self) -> String {
        format!("{}/{}", self.package, self.interface)
    }
}

/// Whether two versions name the same interface, as wasmtime's linker has it.
pub fn compatible(one: &Version, other: &Version) -> bool {
    if !one.pre.is_empty() || !other.pre.is_empty() {
        return one == other;
    }
    match (one.major, other.major) {
        (0, 0) if one.minor == 0 && other.minor == 0 => one.patch == other.patch,
        (0, 0) => one.minor == other.minor,
        (one, other) => one == other,
    }
}

impl Shape {
    /// Reads a component.
    ///
    /// # Errors
    ///
    /// If the component does not parse.
    pub fn of(component: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut shape = Self::default();
        let mut parser = Parser::new(0);
        // Those of the components that this one is in.
        let mut outer = Vec::new();
        let mut rest = component;
        loop {
            let (consumed, payload) = match parser.parse(rest, true)? {
                Chunk::Parsed { consumed, payload } => (consumed, payload),
                // Not given while all the input is there.
                Chunk::NeedMoreData(_) => return Ok(shape),
            };
            rest = rest.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ComponentImportSection(imports) if outer.is_empty() => {
                    for import in imports {
                        let import = import?;
                        // The name that a world gives to a type that it has already: nothing that anybody must have.
                        let ComponentTypeRef::Type(TypeBounds::Eq(_)) = import.ty else {
                            shape.imports.push(ExternName::parse(import.name.name));
                            continue;
                        };
                    }
                }
                Payload::ComponentExportSection(exports) if outer.is_empty() => {
                    for export in exports {
                        shape.exports.push(ExternName::parse(export?.name.name));
                    }
                }
                Payload::ComponentCanonicalSection(functions) => {
                    for function in functions {
                        shape.concurrent |= is_of_concurrency(&function?);
                    }
                }
                Payload::ModuleSection { unchecked_range, .. } => {
                    rest = rest.get(unchecked_range.len()..).unwrap_or_default();
                }
                Payload::ComponentSection { parser: inner, .. } => outer.push(std::mem::replace(&mut parser, inner)),
                Payload::End(_) => match outer.pop() {
                    Some(around) => parser = around,
                    None => return Ok(shape),
                },
                _ => {}
            }
        }
    }

    /// Whether an interface of this path is exported in a version that a host with `version` calls.
    pub fn exports(&self, path: &str, version: &Version) -> bool {
        self.exports
            .iter()
            .filter_map(ExternName::interface)
            .any(|name| name.is(path, version))
    }

    /// Whether an interface of this path is imported in a version that a host with `version` serves.
    pub fn imports(&self, path: &str, version: &Version) -> bool {
        self.imports
            .iter()
            .filter_map(ExternName::interface)
            .any(|name| name.is(path, version))
    }

    /// Whether anything is imported of such packages in a version that a host with `version` serves.
    pub fn imports_of(&self, package: impl Fn(&str) -> bool, version: &Version) -> bool {
        let served = |name: &InterfaceName| name.version.as_ref().is_some_and(|own| compatible(own, version));
        self.imports
            .iter()
            .filter_map(ExternName::interface)
            .any(|name| package(&name.package) && served(name))
    }
}

/// Whether a function is called in an event loop, or serves one.
fn is_of_concurrency(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => options
            .iter()
            .any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_))),
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InterfaceName {
        text.parse().unwrap()
    }

    #[test]
    fn the_name_of_an_interface_reads_back_as_it_was_written() {
        for text in [
            "dapr:state/store@0.1.0",
            "acme:cache/lru",
            "wasi:http/types@0.3.0-rc-2026-03-15",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
    }

    #[test]
    fn names_of_functions_are_no_interfaces() {
        for text in ["run", "a/b", "wasi:io/streams@x"] {
            assert!(text.parse::<InterfaceName>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_imported_of_a_package_is_of_one_generation() {
        let shape = Shape {
            imports: ["wasi:http/types@0.2.10", "log"].map(ExternName::parse).into(),
            ..Shape::default()
        };
        let http = |version| shape.imports_of(|package| package == "wasi:http", &version);
        assert!(http(Version::new(0, 2, 12)));
        assert!(!http(Version::new(0, 3, 0)));
        assert!(!shape.imports_of(|package| package == "wasi:cli", &Version::new(0, 2, 12)));
    }

    #[test]
    fn a_patch_version_is_the_same_interface_and_a_minor_before_1_is_not() {
        let host = Version::new(0, 2, 12);
        assert!(name("wasi:io/poll@0.2.6").is("wasi:io/poll", &host));
        assert!(!name("wasi:io/poll@0.3.0").is("wasi:io/poll", &host));
        assert!(!name("wasi:io/poll@0.2.0-rc").is("wasi:io/poll", &host));
        assert!(name("a:b/c@1.4.0").is("a:b/c", &Version::new(1, 2, 0)));
        assert!(!name("a:b/c@0.0.2").is("a:b/c", &Version::new(0, 0, 1)));
    }

    #[test]
    fn what_is_async_anywhere_in_a_component_is_found() {
        const LIFTED: &str = r#"
            (core module $m
                (func (export "f") (result i32) i32.const 0)
                (func (export "c") (param i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f") async (callback (core func $i "c"))))"#;
        let is_concurrent = |inside: &str| {
            let component = wat::parse_str(format!("(component {inside})")).unwrap();
            Shape::of(&component).unwrap().concurrent
        };
        for (inside, expected) in [
            (r#"(import "a:b/c" (instance (export "f" (func))))"#, false),
            (
                r#"(type (resource (rep i32))) (core func (canon resource.drop 0))"#,
                false,
            ),
            ("(core func (canon task.cancel))", true),
            (
                "(component (component (core func (canon task.cancel)))) (type (func))",
                true,
            ),
            (LIFTED, true),
            (&LIFTED.replace(r#"async (callback (core func $i "c"))"#, ""), false),
        ] {
            assert_eq!(is_concurrent(inside), expected, "{inside}");
        }
    }

    #[test]
    fn types_are_nested_as_deep_as_they_like() {
        // Each is a component type with one declaration, of a type.
        let mut types = vec![1];
        types.extend([0x41, 1, 1].repeat(100_000));
        let mut component = b"\0asm\x0d\0\x01\0\x07".to_vec();
        component.extend(leb(types.len()));
        component.extend(types);
        assert_eq!(Shape::of(&component).unwrap(), Shape::default());
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(number & 0x7f).unwrap();
            number >>= 7;
            bytes.push(if number == 0 { low } else { low | 0x80 });
            if number == 0 {
                return bytes;
            }
        }
    }

    #[test]
    fn names_within_a_nested_component_are_not_the_components() {
        let component = r#"(component (component (import "a" (func)) (export "b" (func 0))) (import "c" (func)))"#;
        let shape = Shape::of(&wat::parse_str(component).unwrap()).unwrap();
        assert_eq!((shape.imports, shape.exports), (vec![ExternName::parse("c")], vec![]));
    }
}
