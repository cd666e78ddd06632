//! What an instance waits for while there is nothing to do.

use super::block::BuildingBlock;
use super::exchange::Exchange;
use crate::providers::guest::ProviderGuest;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// Ready while there are events.
pub(in crate::providers) struct Events<B: BuildingBlock>(Arc<Exchange<B>>);

impl<B: BuildingBlock> Events<B> {
    /// A pollable for the instance.
    pub(in crate::providers) fn subscribe(
        guest: &mut ProviderGuest,
        exchange: Arc<Exchange<B>>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let events = guest.table.push(Self(exchange))?;
        subscribe(&mut guest.table, events)
    }
}

#[wasmtime_wasi::async_trait]
impl<B: BuildingBlock> Pollable for Events<B> {
    async fn ready(&mut self) {
        self.0.arrived().await;
    }
}
