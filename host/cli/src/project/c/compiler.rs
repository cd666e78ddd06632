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
use std::path::{Path, absolute};

/// How to get one.
pub(crate) const GET: &str = "install Zig: pip install ziglang, or https://ziglang.org/download; or wasi-sdk: \
                              https://github.com/WebAssembly/wasi-sdk/releases, and name its folder in WASI_SDK_PATH";

/// What clang calls its targets, of which this host takes any. The first is of wasi-sdk, the last of older systems.
const TARGETS: [&str; 3] = ["wasm32-wasip1", "wasm32-wasip2", "wasm32-wasi"];

/// What is linked first into what others call.
const FIRST_FILE: &str = "crt1-reactor.o";

/// The variable with wasi-sdk's folder.
const SDK: &str = "WASI_SDK_PATH";

/// A C compiler for WebAssembly. `Display` says which.
pub(crate) struct Compiler {
    program: String,
    arguments: Vec<&'static str>,
    version: String,
    is: String,
}

impl Compiler {
    /// The first that is there.
    pub(crate) fn find() -> Option<Self> {
        variable(SDK)
            .and_then(|folder| Self::in_sdk(&folder))
            .or_else(|| Self::clang(&variable("CC")?))
            .or_else(|| Self::zig("zig", &[]))
            .or_else(|| Self::zig("python3", &["-m", "ziglang"]))
            .or_else(|| Self::clang("/opt/wasi-sdk/bin/clang"))
            .or_else(|| Self::clang("clang"))
    }

    /// What `WASI_SDK_PATH` names, if there is no such clang: it is passed over.
    pub(crate) fn passed_over() -> Option<String> {
        variable(SDK).filter(|folder| Self::in_sdk(folder).is_none())
    }

    fn in_sdk(folder: &str) -> Option<Self> {
        Self::clang(&format!("{folder}/bin/clang"))
    }

    fn zig(program: &str, first: &[&'static str]) -> Option<Self> {
        let version = said(program, first.iter().chain(&["version"]))?;
        Some(Self {
            program: program.to_owned(),
            arguments: [first, &["cc", "-target", "wasm32-wasi"]].concat(),
            is: format!("Zig {version}"),
            version,
        })
    }

    fn clang(program: &str) -> Option<Self> {
        // It is started in the folder of a project.
        let program = &match program.contains('/') {
            true => absolute(program).ok()?.display().to_string(),
            false => program.to_owned(),
        };
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
            version,
        })
    }

    /// Which release of it.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The program, by its path or to be found in `PATH`.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// What it is told first.
    pub(super) fn arguments(&self) -> Vec<&str> {
        self.arguments.clone()
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.is)
    }
}
