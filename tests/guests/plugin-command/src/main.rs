//! A state store as TinyGo's plugins are: started by `_start`, whose `main` returns, and called afterwards all the same.
//! Build for `wasm32-wasip1`.

#[path = "../../shared/plugin.rs"]
mod plugin;
#[path = "../../shared/protobuf.rs"]
mod protobuf;

const DIALECT: plugin::Dialect = plugin::Dialect::Older;

fn main() {
    plugin::start();
}
