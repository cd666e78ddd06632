//! Which C compiler for WebAssembly is taken, and what it is told: each is a script that answers as Zig or a clang does.

use crate::apps::{self, apps};
use crate::doctor::{Machine, finding};
use serde_json::Value;
use std::process::Command;

/// A clang of this version that has a C library for these targets.
fn clang(version: &str, targets: &str) -> String {
    format!(
        "case $1 in --target={targets}) echo $0;; --target=*) echo crt1-reactor.o;; -dumpversion) echo {version};; esac"
    )
}

/// Zig of this version.
fn zig(version: &str) -> String {
    format!("echo {version}")
}

/// What the doctor says of C.
fn c(doctor: &mut Command) -> Value {
    let output = doctor.output().expect("the host starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    finding(&report, "languages", "C")
}

/// A machine with a compiler in every place but `/opt`, of which each has a version of its own.
fn with_all() -> Machine {
    let machine = Machine::with(&[]);
    machine.tool("sdk/bin/clang", &clang("1", "wasm32-wasip1"));
    machine.tool("own/cc", &clang("2", "wasm32-wasip1"));
    machine.tool("zig", &zig("3"));
    machine.tool(
        "python3",
        &format!("case $* in '-m ziglang version') {};; *) exit 1;; esac", zig("4")),
    );
    machine.tool("clang", &clang("5", "wasm32-wasi"));
    machine
}

#[test]
fn the_first_of_the_places_is_taken() {
    let machine = with_all();
    let folder = machine.0.path();
    let found = |variables: &[(&str, &str)]| {
        let mut doctor = machine.host(&["doctor", "--format", "json"]);
        doctor.envs(variables.iter().map(|(name, file)| (name, folder.join(file))));
        let finding = c(&mut doctor);
        assert_eq!(finding["state"], "ok", "{finding}");
        finding
    };
    let version = |variables: &[_]| found(variables)["version"].as_str().expect("it has one").to_owned();
    let (sdk, cc) = (("WASI_SDK_PATH", "sdk"), ("CC", "own/cc"));
    assert_eq!(version(&[sdk, cc]), "1");
    let program = folder.join("sdk/bin/clang");
    assert_eq!(found(&[sdk])["path"], program.display().to_string());
    assert_eq!(version(&[cc]), "2");
    assert_eq!(version(&[]), "3");
    std::fs::remove_file(folder.join("zig")).expect("it is there");
    assert_eq!(version(&[]), "4");
    std::fs::remove_file(folder.join("python3")).expect("it is there");
    assert_eq!(version(&[]), "5");
}

#[test]
fn a_clang_counts_with_a_c_library_for_any_of_the_targets_and_not_without() {
    let machine = Machine::with(&[]);
    for (targets, shown) in [
        ("*", Some("wasm32-wasip1")),
        ("wasm32-wasip2", Some("wasm32-wasip2")),
        ("wasm32-wasi", Some("wasm32-wasi")),
        ("x86_64", None),
    ] {
        machine.tool("clang", &clang("18.1.3", targets));
        let finding = c(&mut machine.host(&["doctor", "--format", "json"]));
        match shown {
            Some(target) => assert_eq!(finding["says"], format!("clang 18.1.3 for {target}, for C and C++")),
            None => assert_eq!(finding["state"], "missing"),
        }
    }
}

/// As a compiler for this machine does, which most have in `CC`.
#[test]
fn a_compiler_for_something_else_in_cc_is_passed_over() {
    let machine = Machine::with(&[("zig", &zig("0.15.1"))]);
    machine.tool("cc", &clang("14", "x86_64"));
    let finding = c(machine.host(&["doctor", "--format", "json"]).env("CC", "cc"));
    assert_eq!(
        (&finding["state"], &finding["version"]),
        (&"ok".into(), &"0.15.1".into())
    );
}

#[test]
fn a_wasi_sdk_that_is_not_where_its_variable_says_is_told() {
    let machine = Machine::with(&[("zig", &zig("0.15.1"))]);
    let asked = |machine: &Machine| {
        c(machine
            .host(&["doctor", "--format", "json"])
            .env("WASI_SDK_PATH", "/nowhere"))
    };
    let finding = asked(&machine);
    assert_eq!(finding["state"], "warning");
    assert_eq!(
        finding["says"],
        "Zig 0.15.1, for C and C++; there is no clang for WASI in `/nowhere`, which WASI_SDK_PATH names"
    );
    assert_eq!(
        finding["help"],
        "name the folder of wasi-sdk in WASI_SDK_PATH, or unset it"
    );
    let finding = asked(&Machine::with(&[]));
    assert_eq!(finding["state"], "missing");
    assert_eq!(
        finding["says"],
        "there is no clang for WASI in `/nowhere`, which WASI_SDK_PATH names"
    );
}

/// The compiler runs in the project's folder, and its path is from the user's.
#[test]
fn a_project_is_built_by_the_clang_of_a_wasi_sdk_named_from_here() {
    apps::make();
    let machine = Machine::with(&[]);
    let folder = machine.0.path();
    let module = apps().join("reactor-p1.wasm");
    let compiles = format!(
        "echo \"$@\" > told; while [ \"$1\" != -o ]; do shift; done; /bin/cp '{}' \"$2\"",
        module.display()
    );
    let clang = clang("19", "wasm32-wasip1").replace(" esac", &format!(" *) {compiles};; esac"));
    machine.tool("sdk/bin/clang", &clang);
    std::fs::create_dir(folder.join("project")).expect("the folder is writable");
    for source in ["b.c", "a.c"] {
        std::fs::write(folder.join("project").join(source), "").expect("the folder is writable");
    }
    let output = machine.host(&["build", "project"]).env("WASI_SDK_PATH", "sdk").output();
    let output = output.expect("the host starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "project/build/app.wasm\n");
    let component = std::fs::read(folder.join("project/build/app.wasm")).expect("it was made");
    assert!(component.starts_with(b"\0asm\x0d\0\x01\0"), "it is a component");
    let told = std::fs::read_to_string(folder.join("project/told")).expect("the compiler was told something");
    assert_eq!(
        told,
        "-target wasm32-wasip1 -Os -Wall -mexec-model=reactor -I bindings -o build/module.wasm a.c b.c \
         bindings/http_app.c bindings/http_app_component_type.o -Wl,--strip-all\n"
    );
}
