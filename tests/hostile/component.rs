//! A component that no language's tools would make.

use dapr_wasm_tests::built;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A component of this world which does nothing: enough to be refused.
pub(crate) fn empty(world: &str) -> Vec<u8> {
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
