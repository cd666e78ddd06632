//! A small component, and compilers real and fake, for the tests of the other modules.

use crate::{ChildCompiler, compile_to_file};
use std::error::Error;
use std::io::Read;
use std::path::Path;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

pub(crate) fn engine() -> Engine {
    Engine::default()
}

/// A component whose `answer` returns the number.
pub(crate) fn component(number: u32) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(component
            (core module $m (func (export "answer") (result i32) i32.const {number}))
            (core instance $i (instantiate $m))
            (func (export "answer") (result u32) (canon lift (core func $i "answer"))))"#
    ))
    .unwrap()
}

/// Runs the component.
pub(crate) fn answer(component: &Component) -> u32 {
    let engine = component.engine();
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, component).unwrap();
    let answer = instance.get_typed_func::<(), (u32,)>(&mut store, "answer").unwrap();
    answer.call(&mut store, ()).unwrap().0
}

/// A compiler that is a shell script; the file to make is `$0`.
pub(crate) fn shell(script: &str) -> ChildCompiler {
    ChildCompiler {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
    }
}

/// The real compiler: this test binary, told to run only [`the_child`].
pub(crate) fn this_binary() -> ChildCompiler {
    ChildCompiler {
        program: std::env::current_exe().unwrap(),
        // The file to make follows, which the test harness takes for one more name of a test.
        args: ["--ignored", "--nocapture", "--exact", "testing::the_child"]
            .map(Into::into)
            .to_vec(),
    }
}

#[test]
#[ignore = "not a test, but what `this_binary` runs"]
fn the_child() {
    let Some(out) = std::env::args().next_back().filter(|last| last.contains(".tmp-")) else {
        return;
    };
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm).unwrap();
    if let Err(error) = compile_to_file(&engine(), &wasm, Path::new(&out)) {
        let chain = std::iter::successors(Some(&error as &dyn Error), |error| (*error).source());
        eprintln!("{}", chain.map(ToString::to_string).collect::<Vec<_>>().join(": "));
        std::process::exit(error.exit_status().into());
    }
}
