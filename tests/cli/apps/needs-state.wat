(component
  (import "dapr:state/store@0.1.0" (instance))
  (import "wasi:http/outgoing-handler@0.2.10" (instance))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
