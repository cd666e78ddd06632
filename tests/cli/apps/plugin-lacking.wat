;; A plugin that is not finished: no `free`, a `store_get` of another type, and nothing that begins it.
(module
  (memory (export "memory") 1)
  (func (export "malloc") (param i32) (result i32) i32.const 0)
  (func (export "store_api_version") (result i64) i64.const 1)
  (func (export "store_init") (param i32 i32) (result i64) i64.const 0)
  (func (export "store_features") (param i32 i32) (result i64) i64.const 0)
  (func (export "store_get") (param i32) (result i64) i64.const 0)
  (func (export "store_set") (param i32 i32) (result i64) i64.const 0)
  (func (export "store_delete") (param i32 i32) (result i64) i64.const 0)
)
