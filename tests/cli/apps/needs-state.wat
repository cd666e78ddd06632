;; An app with state that also asks for what every app is denied.
(component
  (import "dapr:state/store@0.1.0" (instance))
  (import "wasi:http/outgoing-handler@0.2.10" (instance))
  (import "wasi:filesystem/preopens@0.2.10" (instance))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
