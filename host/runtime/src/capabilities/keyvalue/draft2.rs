//! `wasi:keyvalue@0.2.0-draft2`.

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/wasi-keyvalue-0.2.0-draft2",
        inline: "
            package dapr-wasm:runtime;
            world keyvalue {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
            }
        ",
        world: "dapr-wasm:runtime/keyvalue",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::capabilities::keyvalue::Open,
            "wasi:keyvalue/atomics.cas": dapr_blocks::state::Snapshot,
        },
        require_store_data_send: true,
    });
}
use dapr_blocks::state::Snapshot;
super::serve!(bindings, cursor: String);

impl atomics::Host for KeyValue<'_> {
    async fn increment(&mut self, bucket: Resource<Open>, key: String, delta: i64) -> Answer<i64> {
        let range = i64::MIN.into()..=i64::MAX.into();
        let sum = self.bucket(&bucket)?.increment(&key, delta.into(), range).await;
        // It is in that range.
        answer(sum.map(|sum| sum as i64))
    }

    async fn swap(
        &mut self,
        cas: Resource<Snapshot>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let before = self.table.delete(cas)?;
        let failed = match before.swap(value).await {
            Err(StateError::EtagMismatch { .. }) => before.renewed().await,
            done => return Ok(done.map_err(|error| atomics::CasError::StoreError(error.into()))),
        };
        Ok(Err(match failed {
            Ok(now) => atomics::CasError::CasFailed(self.table.push(now)?),
            Err(error) => atomics::CasError::StoreError(error.into()),
        }))
    }
}

impl atomics::HostCas for KeyValue<'_> {
    async fn new(&mut self, bucket: Resource<Open>, key: String) -> Answer<Resource<Snapshot>> {
        match self.bucket(&bucket)?.snapshot(&key).await {
            Ok(snapshot) => Ok(Ok(self.table.push(snapshot)?)),
            Err(error) => answer(Err(error)),
        }
    }

    async fn current(&mut self, cas: Resource<Snapshot>) -> Answer<Option<Vec<u8>>> {
        let value = self.table.get(&cas)?.value();
        Ok(Ok(value.map(<[u8]>::to_vec)))
    }

    async fn drop(&mut self, cas: Resource<Snapshot>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
