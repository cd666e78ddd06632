;; A component that exports the contract of stores, and imports what apps do, what another WASI has, and what nobody does.
(component
  (import "dapr:state/store@0.1.0" (instance (export "f" (func))))
  (import "wasi:clocks/system-clock@0.3.0" (instance (export "f" (func))))
  (import "acme:cache/lru@1.0.0" (instance (export "f" (func))))
  (instance $empty)
  (export "dapr:state/provider@0.1.0" (instance $empty))
)
