//! A core module that a component can be made of: valid, with the imports and exports of one that a compiler made.

use arbitrary::{Arbitrary, Result, Unstructured};
use std::borrow::Cow;
use std::fmt;
use wasm_encoder::{CustomSection, Encode, Section};
use wasm_smith::Config;
use wasmparser::{Parser, Payload};

/// A program for preview 1: a part of what it has for functions, and `_start`.
const COMMAND: &[u8] = include_bytes!("../../seeds/module/command.wasm");

/// A library with the world of an HTTP app that has state, in a custom section.
const REACTOR: &[u8] = include_bytes!("../../seeds/module/reactor.wasm");

/// A module of `wasm-smith`, for preview 1 or a world.
pub struct Module {
    /// The module.
    pub binary: Vec<u8>,
}

/// Its bytes would say nothing to anybody.
impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a module of {} bytes", self.binary.len())
    }
}

impl<'a> Arbitrary<'a> for Module {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let shape = *u.choose(&[COMMAND, REACTOR])?;
        let config = Config {
            module_shape: Some(shape.to_owned()),
            ..Config::default()
        };
        let mut binary = wasm_smith::Module::new(config, u)?.to_bytes();
        for (name, data) in worlds(shape) {
            let section = CustomSection {
                name: Cow::Borrowed(name),
                data: Cow::Borrowed(data),
            };
            binary.push(section.id());
            section.encode(&mut binary);
        }
        Ok(Self { binary })
    }
}

/// The sections that say which world a module is of.
fn worlds(module: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let payloads = Parser::new(0).parse_all(module).filter_map(|payload| payload.ok());
    payloads.filter_map(|payload| match payload {
        Payload::CustomSection(section) if section.name().starts_with("component-type") => {
            Some((section.name(), section.data()))
        }
        _ => None,
    })
}
