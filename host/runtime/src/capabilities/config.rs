//! `wasi:config/store`: what `[app.config]` says, in the two versions that components are built for.

use std::collections::BTreeMap;
use wasmtime::component::{HasData, Linker};

/// The values of the app that an instance belongs to.
pub(crate) struct Config<'a>(pub(crate) &'a BTreeMap<String, String>);

struct HasConfig;

impl HasData for HasConfig {
    type Data<'a> = Config<'a>;
}

/// The same in each version.
macro_rules! serve {
    ($bindings:ident, $add_to_linker:ident) => {
        /// Lets an app import this version.
        pub(crate) fn $add_to_linker<T: Send + 'static>(
            linker: &mut Linker<T>,
            view: fn(&mut T) -> Config<'_>,
        ) -> wasmtime::Result<()> {
            $bindings::wasi::config::store::add_to_linker::<T, HasConfig>(linker, view)
        }

        impl $bindings::wasi::config::store::Host for Config<'_> {
            fn get(&mut self, key: String) -> Result<Option<String>, $bindings::wasi::config::store::Error> {
                Ok(self.0.get(&key).cloned())
            }

            fn get_all(&mut self) -> Result<Vec<(String, String)>, $bindings::wasi::config::store::Error> {
                Ok(self.0.clone().into_iter().collect())
            }
        }
    };
}

mod rc1 {
    wasmtime::component::bindgen!({
        path: "wit/wasi-config-0.2.0-rc.1",
        inline: "package dapr-wasm:runtime; world values { import wasi:config/store@0.2.0-rc.1; }",
        world: "dapr-wasm:runtime/values",
        require_store_data_send: true,
    });
}
serve!(rc1, add_rc1_to_linker);

mod draft {
    wasmtime::component::bindgen!({
        path: "wit/wasi-config-0.2.0-draft",
        inline: "package dapr-wasm:runtime; world values { import wasi:config/store@0.2.0-draft; }",
        world: "dapr-wasm:runtime/values",
        require_store_data_send: true,
    });
}
serve!(draft, add_draft_to_linker);
