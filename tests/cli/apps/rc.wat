(component
  (instance $transform)
  (export "wasi:http/handler@0.3.0-rc-2026-03-15" (instance $transform)))
