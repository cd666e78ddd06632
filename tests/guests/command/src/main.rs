//! A command: prints its arguments and its environment, and ends with the code that the argument `exit=N` says.
//!
//! The host sees 0 or 1 and nothing else: `wasi:cli` 0.2 has a result there, and no number.
//!
//! Built for `wasm32-wasip2` it is a component that exports `wasi:cli/run`, for `wasm32-wasip1` a core module with `_start`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    for argument in &arguments {
        println!("argument {argument}");
    }
    for (name, value) in std::env::vars() {
        println!("environment {name}={value}");
    }
    let code = arguments.iter().find_map(|argument| argument.strip_prefix("exit="));
    match code.map(str::parse::<u8>) {
        None => ExitCode::SUCCESS,
        Some(Ok(code)) => {
            eprintln!("ending with {code}");
            ExitCode::from(code)
        }
        Some(Err(error)) => {
            eprintln!("`exit=` takes a number up to 255: {error}");
            ExitCode::FAILURE
        }
    }
}
