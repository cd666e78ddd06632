//! State stores in WebAssembly.
//!
//! | module | holds |
//! |---|---|
//! | `provider` | [`Provider`], one that is linked, in whichever form |
//! | `contract` | what both forms of a component have in common: lowering, and lifting with its checks |
//! | `component`, `plugin` | one instance that is called, of either kind |
//! | `instance` | one instance that is called, whichever its kind |
//! | `requests` | the WIT of the serve-loop form, and what an instance may call of it |
//! | `answer` | what one says of itself, and what it must not say |
//! | `store`, `serving` | a provider as a `StateStore`, in each form |

mod answer;
mod component;
mod contract;
mod instance;
pub(super) mod plugin;
mod provider;
mod requests;
mod serving;
mod store;

pub use provider::Provider;
pub(super) use requests::State;
pub use store::{Opening, open, opener};
