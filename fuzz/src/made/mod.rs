//! Apps as tools make them, without a compiler.

mod module;
mod named;

pub use module::Module;
pub use named::Named;
