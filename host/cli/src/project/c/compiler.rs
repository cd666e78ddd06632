//! A C compiler for WebAssembly: which one is there.
//!
//! | where it is looked for, in this order | what it is |
//! |---|---|
//! | `$WASI_SDK_PATH/bin/clang` | wasi-sdk, where its user says it is |
//! | `$CC` | whatever it is, if it can link for WASI |
//! | `zig`, `python3 -m ziglang` | Zig, which brings a C library; the second is the one of PyPI |
//! | `/opt/wasi-sdk/bin/clang` | wasi-sdk, where its own instructions put it |
//! | `clang` | that of the system, if the system has a C library for WASI |
//!
//! A clang without a C library for WASI compiles and does not link, so each is asked where it finds the library's first file.

use crate::project::said;
use std::fmt;
use std::path::Path;

/// How to get one.
pub(crate) const GET: &str = "install Zig: pip install ziglang, or https://ziglang.org/download; or wasi-sdk: \
                              https://github.com/WebAssembly/wasi-sdk/releases, and name its folder in WASI_SDK_PATH";

/// What clang calls its targets, of which this host takes any. The first is of wasi-sdk, the last of older systems.
const TARGETS: [&str; 3] = ["wasm32-wasip1", "wasm32-wasip2", "wasm32-wasi"];

/// What is linked first into what others call.
const FIRST_FILE: &str = "crt1-reactor.o";

/// A C compiler for WebAssembly. `Display` says which.
pub(crate) struct Compiler {
    program: String,
    arguments: Vec<&'static str>,
    is: String,
}

impl Compiler {
    /// The first that is there.
    pub(crate) fn find() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        variable("WASI_SDK_PATH")
            .and_then(|folder| Self::clang(&format!("{folder}/bin/clang")))
            .or_else(|| Self::clang(&variable("CC")?))
            .or_else(|| Self::zig("zig", &[]))
            .or_else(|| Self::zig("python3", &["-m", "ziglang"]))
            .or_else(|| Self::clang("/opt/wasi-sdk/bin/clang"))
            .or_else(|| Self::clang("clang"))
    }

    fn zig(program: &str, first: &[&'static str]) -> Option<Self> {
        let version = said(program, first.iter().chain(&["version"]))?;
        Some(Self {
            program: program.to_owned(),
            arguments: [first, &["cc", "-target", "wasm32-wasi"]].concat(),
            is: format!("Zig {version}"),
        })
    }

    fn clang(program: &str) -> Option<Self> {
        let links = |target: &&str| {
            let asked = [format!("--target={target}"), format!("-print-file-name={FIRST_FILE}")];
            // It says the name alone where there is no such file.
            said(program, asked).is_some_and(|found| found != FIRST_FILE && Path::new(&found).is_file())
        };
        let target = TARGETS.into_iter().find(links)?;
        let version = said(program, ["-dumpversion"])?;
        Some(Self {
            program: program.to_owned(),
            arguments: vec!["-target", target],
            is: format!("{program} {version} for {target}"),
        })
    }

    /// The program, by its path or to be found in `PATH`.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// What it is told first.
    pub(super) fn arguments(&self) -> Vec<&str> {
        self.arguments.clone()
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.is)
    }
}
