//! A core module becomes a component.

use crate::BuildError;
use crate::bindings::Contract;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding};

/// The component of a module that Go has compiled: with the contract in it, and with the adapter for the little that Go's
/// runtime still asks of WASI preview 1 (arguments, environment, files, random numbers).
pub(crate) fn encode(mut module: Vec<u8>, contract: &Contract) -> Result<Vec<u8>, BuildError> {
    let (resolve, world) = contract.component();
    fn wrong(error: impl std::fmt::Display) -> BuildError {
        BuildError::Component(format!("{error:#}"))
    }
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).map_err(wrong)?;
    ComponentEncoder::default()
        .module(&module)
        .map_err(wrong)?
        .validate(true)
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )
        .map_err(wrong)?
        .encode()
        .map_err(wrong)
}
