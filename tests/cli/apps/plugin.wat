;; A component for another host.
(component
  (import "wasi:io/error@0.2.10" (instance))
  (instance $transform)
  (export "acme:plugin/transform@1.0.0" (instance $transform)))
