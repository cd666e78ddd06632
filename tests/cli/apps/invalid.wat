;; A component with a function that leaves out its result.
(component
  (core module (func (export "f") (result i32)))
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
