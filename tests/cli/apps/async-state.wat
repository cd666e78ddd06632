;; An async import behind a handler that cannot wait.
(component
  (import "dapr:state/store-async@0.1.0" (instance))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
