;; An app with secrets.
(component
  (import "dapr:secrets/store@0.1.0" (instance))
  (import "wasi:http/types@0.2.10" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $app (func (export "handle") (param i32 i32)))
  (core instance $instance (instantiate $app))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out))
    (canon lift (core func $instance "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))
