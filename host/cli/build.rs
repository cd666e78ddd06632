//! How the released program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    // Functions whose code is the same are there once. Only where the linker is known to be able to: rust-lld, which Rust
    // uses for this target unless it is told otherwise.
    let is_rusts_own = of("TARGET") == "x86_64-unknown-linux-gnu" && of("RUSTC_LINKER").is_empty();
    if of("PROFILE") == "release" && is_rusts_own {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    }
}
