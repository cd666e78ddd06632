;; Imports of every kind that this host does not satisfy, and one that a configuration can satisfy.
(component
  (import "dapr:pubsub/publish@0.1.0" (instance))
  (import "acme:cache/lru@0.1.0" (instance))
  (import "dapr:state/sotre@0.1.0" (instance))
  (import "dapr:state/store@9.0.0" (instance))
  (import "dapr:state/store@0.1.0" (instance))
  (import "wasi:io/poll@0.2.10" (instance))
  (import "log" (func))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
