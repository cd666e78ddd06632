//! What a building block is to the loop: what is asked and answered, and how an instance is entered.

use super::exchange::Exchange;
use crate::providers::answer::{Declared, Heard};
use crate::providers::guest::{ProviderGuest, Requests};
use crate::providers::linked::ProviderSpec;
use std::future::Future;
use std::sync::Arc;
use wasmtime::Store;

/// A building block whose providers may take their calls themselves.
pub(in crate::providers) trait BuildingBlock: Sized + Send + Sync + 'static {
    /// What makes instances.
    type Pre: Clone + Send + Sync + 'static;
    /// What an instance is told when it begins.
    type Configuration: Clone + Send + Sync + 'static;
    /// What it says of itself.
    type Declaration: Declared;
    /// What it is asked.
    type Call: Send + 'static;
    /// What it answers.
    type Reply: Heard + Send + 'static;

    /// What an instance is told.
    fn configuration(spec: &ProviderSpec) -> Self::Configuration;

    /// An exchange as its instance has it.
    fn requests(exchange: Arc<Exchange<Self>>) -> Requests;

    /// Makes the instance, and runs it for all its life.
    fn run(pre: &Self::Pre, guest: &mut Store<ProviderGuest>) -> impl Future<Output = wasmtime::Result<()>> + Send;
}
