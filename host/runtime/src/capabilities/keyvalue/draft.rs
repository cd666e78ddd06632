//! `wasi:keyvalue@0.2.0-draft`.

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/wasi-keyvalue-0.2.0-draft",
        inline: "
            package dapr-wasm:runtime;
            world keyvalue {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:keyvalue/batch@0.2.0-draft;
            }
        ",
        world: "dapr-wasm:runtime/keyvalue",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::capabilities::keyvalue::Open,
        },
        require_store_data_send: true,
    });
}

super::serve!(bindings, cursor: u64);

impl atomics::Host for KeyValue<'_> {
    async fn increment(&mut self, bucket: Resource<Open>, key: String, delta: u64) -> Answer<u64> {
        let sum = self
            .bucket(&bucket)?
            .increment(&key, delta.into(), 0..=u64::MAX.into())
            .await;
        // It is in that range.
        answer(sum.map(|sum| sum as u64))
    }
}
