//! Secret stores in WebAssembly.
//!
//! | module | holds |
//! |---|---|
//! | `provider` | [`Provider`], one that is linked, in either form, and an instance that is called |
//! | `contract` | what both forms have in common: what an instance is told, and lifting with its checks |
//! | `requests` | the WIT of the serve-loop form, and what an instance may call of it |
//! | `store` | a provider as a `SecretStore`, in either form |

mod contract;
mod provider;
mod requests;
mod store;

pub use provider::Provider;
pub(super) use requests::Secrets;
pub use store::open;
