//! Components that no language's tools would make.

use crate::built;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A component of this world which does nothing: enough to be refused, and to say what it is.
pub fn empty(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(built::repository().join("wit"))
        .expect("the contract is valid");
    let package = resolve.push_str("world.wit", world).expect("the world is valid");
    let world = resolve.select_world(&[package], None).expect("there is one world");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it is a module");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder
        .and_then(|mut encoder| encoder.encode())
        .expect("the module fits its world")
}

/// A component as `dapr-wasm components build` would install it: with what it was made from and its settings behind it, both
/// in JSON.
pub fn installed(component: &[u8], made_from: &str, settings: &str) -> Vec<u8> {
    let mut bytes = component.to_vec();
    for (name, contents) in [("dapr:component", made_from), ("dapr:component-properties", settings)] {
        let body = [&leb(name.len())[..], name.as_bytes(), contents.as_bytes()].concat();
        bytes.push(0);
        bytes.extend(leb(body.len()));
        bytes.extend(body);
    }
    bytes
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
