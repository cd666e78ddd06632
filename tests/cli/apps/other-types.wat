;; Built against a dapr:state of the right name and version, and with another `get`.
(component
  (import "dapr:state/store@0.1.0" (instance
    (export "get" (func (param "key" string) (result u32)))))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
