;; Exports a handler of the right name and version, with no function in it.
(component
  (instance $handler)
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
