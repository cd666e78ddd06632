;; A plugin whose author had a host with functions of its own.
(module
  (import "env" "log" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "store_api_version") (result i64) i64.const 1)
)
