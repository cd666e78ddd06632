;; A component whose contract of stores is another one.
(component
  (instance $empty)
  (export "dapr:state/provider@0.1.0" (instance $empty))
)
