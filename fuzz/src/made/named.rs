//! A component that is nothing but names.

use crate::text::Text;
use crate::way_in::Arrived;
use arbitrary::{Arbitrary, Result, Unstructured};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentSection, ComponentTypeRef,
    CustomSection, ModuleSection, NestedComponentSection, TypeBounds,
};

/// A component with imports and exports of these names, in the order of its sections.
#[derive(Debug)]
pub struct Named {
    sections: Vec<Section>,
}

#[derive(Arbitrary, Debug)]
enum Section {
    Imports(Vec<(Name, Import)>),
    Exports(Vec<Name>),
    /// A module or component inside, with a name that is none of the outer one's.
    Inner(Inner, Name),
    Custom(Text, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Import {
    Instance,
    Function,
    /// A type that the component has: nothing that a host must provide.
    SameType,
}

#[derive(Arbitrary, Debug)]
enum Inner {
    Module,
    Component,
}

impl<'a> Arbitrary<'a> for Named {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let sections = u.arbitrary_iter()?.collect::<Result<_>>()?;
        Ok(Self { sections })
    }
}

impl Named {
    /// The component. Its names refer to nothing, which nobody looks at before wasmtime does.
    pub fn binary(&self) -> Vec<u8> {
        let mut component = Component::new();
        for section in &self.sections {
            section.write(&mut component);
        }
        component.finish()
    }

    /// What arrived has exactly these names, and is entered by one of them.
    pub fn check(&self, arrived: &Arrived) {
        let shape = &arrived.shape;
        let imports = self.sections.iter().flat_map(Section::imports);
        assert!(
            imports.eq(shape.imports.iter().map(ToString::to_string)),
            "{:?}",
            shape.imports
        );
        let exports = self.sections.iter().flat_map(Section::exports);
        assert!(
            exports.eq(shape.exports.iter().map(ToString::to_string)),
            "{:?}",
            shape.exports
        );
        if let Some(entry) = arrived.entry {
            let (path, _) = entry.interface().split_once('@').expect("it has a version");
            let mut exports = self.sections.iter().flat_map(Section::exports);
            assert!(
                exports.any(|name| name.starts_with(path)),
                "entered by what it does not export"
            );
        }
    }
}

impl Section {
    fn imports(&self) -> impl Iterator<Item = String> {
        let imports = match self {
            Self::Imports(imports) => imports.as_slice(),
            _ => &[],
        };
        let wanted = imports.iter().filter(|(_, import)| !matches!(import, Import::SameType));
        wanted.map(|(name, _)| name.0.clone())
    }

    fn exports(&self) -> impl Iterator<Item = String> {
        let exports = match self {
            Self::Exports(exports) => exports.as_slice(),
            _ => &[],
        };
        exports.iter().map(|name| name.0.clone())
    }

    fn write(&self, component: &mut Component) {
        match self {
            Self::Imports(imports) => {
                let mut section = ComponentImportSection::new();
                for (name, import) in imports {
                    section.import(name.0.as_str(), import.encoded());
                }
                component.section(&section);
            }
            Self::Exports(names) => {
                component.section(&exports(names));
            }
            Self::Inner(Inner::Module, name) => {
                let mut module = wasm_encoder::Module::new();
                let mut imports = wasm_encoder::ImportSection::new();
                imports.import("wasi_snapshot_preview1", &name.0, wasm_encoder::EntityType::Function(0));
                module.section(&imports);
                component.section(&ModuleSection(&module));
            }
            Self::Inner(Inner::Component, name) => {
                let mut inner = Component::new();
                inner.section(&exports(std::slice::from_ref(name)));
                component.section(&NestedComponentSection(&inner));
            }
            Self::Custom(name, data) => {
                component.section(&CustomSection {
                    name: (&**name).into(),
                    data: data.into(),
                });
            }
        }
    }
}

fn exports(names: &[Name]) -> impl ComponentSection {
    let mut section = ComponentExportSection::new();
    for name in names {
        section.export(name.0.as_str(), ComponentExportKind::Instance, 0, None);
    }
    section
}

impl Import {
    fn encoded(&self) -> ComponentTypeRef {
        match self {
            Self::Instance => ComponentTypeRef::Instance(0),
            Self::Function => ComponentTypeRef::Func(0),
            Self::SameType => ComponentTypeRef::Type(TypeBounds::Eq(0)),
        }
    }
}

/// A name that is likely to be one that the host looks for, or nearly.
#[derive(Clone, Debug)]
struct Name(String);

const PACKAGES: [&str; 8] = [
    "dapr:state",
    "wasi:http",
    "wasi:cli",
    "wasi:io",
    "wasi:sockets",
    "dapr:pubsub",
    "wasi:keyvalue",
    "acme:cache",
];
const INTERFACES: [&str; 8] = [
    "store",
    "store-async",
    "types",
    "handler",
    "incoming-handler",
    "run",
    "streams",
    "sotre",
];
const VERSIONS: [&str; 8] = [
    "0.1.0",
    "0.2.0",
    "0.2.12",
    "0.3.0",
    "0.3.0-rc-2026-03-15",
    "1.0.0",
    "0.2.0+build.7",
    "01.0.0",
];

impl<'a> Arbitrary<'a> for Name {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        fn part<'a>(u: &mut Unstructured<'a>, known: &[&str]) -> Result<String> {
            match u.ratio(1, 8)? {
                true => Ok(u.arbitrary::<Text>()?.to_string()),
                false => u.choose(known).map(|known| (*known).to_owned()),
            }
        }
        if u.ratio(1, 8)? {
            return Ok(Self(u.arbitrary::<Text>()?.to_string()));
        }
        let (package, interface) = (part(u, &PACKAGES)?, part(u, &INTERFACES)?);
        Ok(Self(match u.ratio(1, 8)? {
            true => format!("{package}/{interface}"),
            false => format!("{package}/{interface}@{}", part(u, &VERSIONS)?),
        }))
    }
}
