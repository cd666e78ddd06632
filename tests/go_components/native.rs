//! Dapr's own code for the store of a component.

use crate::vendors::Vendor;
use dapr_wasm_tests::Native;
use dapr_wasm_tests::servers::{Kind, Server};

/// Opens the store that a component has on a server, with more settings.
pub(crate) fn open(vendor: Vendor, server: &Server, more: &[(&str, &str)]) -> Native {
    let mut metadata = vendor.settings(server, &server.address());
    if vendor.kind == Kind::ZooKeeper {
        // The glue's default.
        metadata.push(("keyPrefixPath", "/".to_owned()));
    }
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let metadata: Vec<_> = metadata.into_iter().chain(more).collect();
    Native::open(vendor.component, &metadata)
}
