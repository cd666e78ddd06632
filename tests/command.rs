//! Apps that are programs, and core modules of WASI preview 1, of which the host makes components.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::{Ended, Launch, built};

/// A program as a component and as a core module, which the user cannot tell apart.
fn programs() -> [Launch; 2] {
    [Launch::guest("command"), Launch::file(built::core_module("command"))]
}

fn stdout(ended: &Ended) -> &str {
    str::from_utf8(&ended.stdout).expect("it is text")
}

#[test]
fn a_program_sees_its_own_name_and_what_stands_after_the_dashes() {
    for program in programs() {
        let ended = program
            .argument("one")
            .argument("two words")
            .argument("--listen")
            .argument("käse")
            .run(b"");
        let expected = "argument command\nargument one\nargument two words\nargument --listen\nargument käse\n";
        // As it was printed, to the byte: without the prefix that an HTTP app's lines have.
        assert_eq!(stdout(&ended), expected, "{}", ended.stderr);
        assert_eq!(ended.status.code(), Some(0));
    }
}

/// WASI 0.2 knows success and failure, and no code: what a program calls 7 arrives here as "failed".
#[test]
fn a_program_that_fails_ends_the_host_with_1_and_one_that_succeeds_with_0() {
    for program in programs() {
        for (argument, code) in [("exit=0", 0), ("exit=1", 1), ("exit=7", 1), ("exit=nonsense", 1)] {
            let ended = program.clone().argument(argument).run(b"");
            assert_eq!(ended.status.code(), Some(code), "{argument}: {}", ended.stderr);
        }
    }
}

#[test]
fn what_a_program_says_on_standard_error_is_there_as_it_is() {
    for program in programs() {
        let ended = program.argument("exit=7").run(b"");
        assert!(
            ended.stderr.lines().any(|line| line == "ending with 7"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_program_sees_the_variables_that_it_was_given_and_no_others() {
    for program in programs() {
        let program = program.components("[app]\nenv = { FROM_FILE = \"1\", BOTH = \"file\" }\n");
        let program = program.env("SECRET", "hidden").env("PASSED", "on");
        let ended = program
            .option("--env=BOTH=line")
            .option("--env=PASSED")
            .option("--env=EMPTY=")
            .run(b"");
        let mut variables: Vec<_> = stdout(&ended)
            .lines()
            .filter_map(|line| line.strip_prefix("environment "))
            .collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            ["BOTH=line", "EMPTY=", "FROM_FILE=1", "PASSED=on"],
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_program_opens_no_port() {
    for program in programs() {
        let ended = program.run(b"input that it does not read");
        assert!(!ended.stderr.contains("serving"), "{}", ended.stderr);
        assert_eq!(ended.status.code(), Some(0));
    }
}

#[test]
fn arguments_for_an_app_that_answers_http_are_refused() {
    let ended = Launch::guest("hello").argument("one").run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(!ended.stderr.contains("serving"), "{}", ended.stderr);
}

#[test]
fn a_core_module_with_a_world_answers_http() {
    let toml = "[state.statestore]\ntype = \"in-memory\"\n";
    let host = Launch::file(built::core_module("reactor-p1")).components(toml).start();
    host.wait_for_log("a core module made a component");
    for number in 1..=3 {
        let response = host.get("/");
        assert_eq!((response.status, response.text()), (200, number.to_string()));
    }
    // What it prints goes by way of the adapter, under its name.
    host.stdout()
        .wait_for("[reactor-p1] a request", dapr_wasm_tests::PATIENCE);
}
