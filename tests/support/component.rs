//! Components that no language's tools would make.

use crate::built;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// A component of this world which does nothing: enough to be refused, and to say what it is.
pub fn empty(world: &str) -> Vec<u8> {
    made(world, |resolve, world| {
        dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync))
    })
}

/// A core module as a component of this world.
pub fn of(world: &str, module: &[u8]) -> Vec<u8> {
    made(world, |_, _| module.to_vec())
}

fn made(world: &str, module: impl FnOnce(&Resolve, WorldId) -> Vec<u8>) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(built::repository().join("wit"))
        .expect("the contract is valid");
    let package = resolve.push_str("world.wit", world).expect("the world is valid");
    let world = resolve.select_world(&[package], None).expect("there is one world");
    let mut module = module(&resolve, world);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it is a module");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder
        .and_then(|mut encoder| encoder.encode())
        .expect("the module fits its world")
}

/// The guest `hello`, which says another word of five letters.
///
/// # Panics
///
/// If it has another length.
pub fn saying(word: &str) -> Vec<u8> {
    const HELLO: &[u8] = b"hello";
    assert_eq!(word.len(), HELLO.len());
    let mut bytes = std::fs::read(built::guest("hello")).expect("it was built");
    let places: Vec<_> = (0..bytes.len() - HELLO.len())
        .filter(|place| bytes[*place..].starts_with(HELLO))
        .collect();
    for place in places {
        bytes[place..place + HELLO.len()].copy_from_slice(word.as_bytes());
    }
    bytes
}

/// A component with a note in it: the same, and other bytes.
pub fn noted(component: &[u8], note: &str) -> Vec<u8> {
    let mut bytes = component.to_vec();
    append(&mut bytes, "note", note);
    bytes
}

/// A component as `dapr-wasm components build` would install it: with what it was made from and its settings behind it, both
/// in JSON.
pub fn installed(component: &[u8], made_from: &str, settings: &str) -> Vec<u8> {
    let mut bytes = component.to_vec();
    for (name, contents) in [("dapr:component", made_from), ("dapr:component-properties", settings)] {
        append(&mut bytes, name, contents);
    }
    bytes
}

/// Adds a section that means nothing to who runs it.
fn append(bytes: &mut Vec<u8>, name: &str, contents: &str) {
    let body = [&leb(name.len())[..], name.as_bytes(), contents.as_bytes()].concat();
    bytes.push(0);
    bytes.extend(leb(body.len()));
    bytes.extend(body);
}

/// A number of seven bits in each byte, the lowest first.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("it has seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
