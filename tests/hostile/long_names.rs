//! Functions with names of 100 KB, which trap: alone, and in an app. No compiler would make them, so they are text.

/// An app that answers no request: it calls `$handle` of these functions, and comes back from it or not.
pub(crate) fn app(functions: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (import "wasi:http/types@0.2.10" (instance $types
            (export "incoming-request" (type (sub resource)))
            (export "response-outparam" (type (sub resource)))))
          (alias export $types "incoming-request" (type $request))
          (alias export $types "response-outparam" (type $out))
          (core module $main
            {functions}
            (func (export "handle") (param i32 i32) (call $handle)))
          (core instance $main (instantiate $main))
          (func $handle (param "request" (own $request)) (param "response-out" (own $out))
            (canon lift (core func $main "handle")))
          (instance $handler (export "handle" (func $handle)))
          (export "wasi:http/incoming-handler@0.2.10" (instance $handler)))"#
    );
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A function in text that calls itself some times and traps then, under a name of 100 KB, and how to call it.
pub(crate) fn function() -> (String, String) {
    let name = "x".repeat(100_000);
    let function = format!(
        "(func ${name} (param i32)
           (if (local.get 0)
             (then (call ${name} (i32.sub (local.get 0) (i32.const 1))))
             (else (unreachable))))"
    );
    (function, format!("(call ${name} (i32.const 30))"))
}
