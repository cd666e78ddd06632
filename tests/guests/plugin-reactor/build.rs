//! Exports the C library's `malloc` and `free`, which the host writes its requests with.

fn main() {
    for name in ["malloc", "free"] {
        println!("cargo::rustc-link-arg-cdylib=--export={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
