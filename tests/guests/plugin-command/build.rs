//! Exports the functions of the ABI: of a program, a linker exports `_start` alone.

/// What the host calls. `malloc` and `free` are the C library's.
const EXPORTS: [&str; 8] = [
    "malloc",
    "free",
    "store_api_version",
    "store_init",
    "store_features",
    "store_get",
    "store_set",
    "store_delete",
];

fn main() {
    for name in EXPORTS {
        println!("cargo::rustc-link-arg-bins=--export={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
