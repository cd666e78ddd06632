;; An HTTP app of a draft of WASI 0.3.
(component
  (instance $handler)
  (export "wasi:http/handler@0.3.0-rc-2026-03-15" (instance $handler)))
