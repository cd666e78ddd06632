;; An async import of a program that cannot wait.
(component
  (import "dapr:state/store-async@0.1.0" (instance))
  (instance $program)
  (export "wasi:cli/run@0.2.10" (instance $program)))
