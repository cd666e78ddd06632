;; A component with a table of more elements than an instance may have.
(component
  (core module (table 200000 funcref))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
