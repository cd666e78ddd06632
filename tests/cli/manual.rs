//! What the command line says of itself to shells and to `man`: all of its commands, and nothing that only the host itself uses.

use crate::situations::{stderr, temporary};
use dapr_wasm_tests::built::binary;
use std::collections::BTreeSet;
use std::process::{Command, Output};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// What a host does to fill its cache.
const HIDDEN: &str = "compile-into";

/// What is said of an option of `build` that a host which watches a project uses. `run` has one of the same name, for people.
const HIDDEN_OF_BUILD: &str = "hands on";

fn done(arguments: &[&str]) -> Output {
    let output = Command::new(binary())
        .args(arguments)
        .output()
        .expect("the host starts");
    assert!(output.status.success(), "{output:?}");
    output
}

/// The commands that `dapr-wasm help` lists, without itself.
fn commands() -> BTreeSet<String> {
    let help = String::from_utf8(done(&["help"]).stdout).expect("it is text");
    let (_, listed) = help.split_once("Commands:\n").expect("there is a list");
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<_> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.contains("run") && names.contains("new"), "{help}");
    names
}

#[test]
fn every_shell_completes_every_command() {
    for shell in SHELLS {
        let text = String::from_utf8(done(&["completions", shell]).stdout).expect("it is text");
        for command in commands() {
            assert!(text.contains(&command), "{shell}: {command}");
        }
        assert!(!text.contains(HIDDEN), "{shell}");
    }
}

/// What bash completes these words to.
fn completed(words: &[&str]) -> String {
    // The function is the one that `complete` was told of.
    let asks = "source <(\"$0\" completions bash) && COMP_WORDS=(\"$@\") && COMP_CWORD=$(($# - 1)) && \
                words=($(complete -p dapr-wasm)) && \
                ${words[-2]} dapr-wasm \"${@: -1}\" \"${@: -2:1}\" && echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    let output = bash.args(["-c", asks]).arg(binary()).args(words).output();
    let output = output.expect("bash is there");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn options_that_only_the_host_uses_are_not_completed() {
    let offered = |command: &str| completed(&["dapr-wasm", command, "--"]);
    assert_eq!(offered("build"), "--help");
    assert!(offered("run").contains("--log-format"));
    // Nor is anything lost.
    assert_eq!(offered("check"), "--components --app-id --env --strict --format --help");
    for shell in SHELLS {
        let text = String::from_utf8(done(&["completions", shell]).stdout).expect("it is text");
        assert!(!text.contains(HIDDEN_OF_BUILD), "{shell}");
    }
}

#[test]
fn bash_takes_what_it_is_given_and_completes() {
    assert_eq!(completed(&["dapr-wasm", "comp"]), "components completions");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let folder = temporary();
    let to = folder.path().join("man");
    let to_text = to.display().to_string();
    // What else is there is no page of this manual.
    std::fs::create_dir(&to)
        .and_then(|()| std::fs::write(to.join("another.1"), ""))
        .expect("the folder is writable");
    let written = done(&["man", &to_text]);
    std::fs::remove_file(to.join("another.1")).expect("it stays");
    let pages: BTreeSet<_> = crate::entries(to)
        .map(|page| page.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let said = format!("wrote {} pages to {to_text}\n", pages.len());
    assert_eq!(stderr(&written), said);
    for command in commands() {
        assert!(
            pages.contains(&format!("dapr-wasm-{command}.1")),
            "{command}: {pages:?}"
        );
    }
    assert!(!pages.iter().any(|page| page.contains(HIDDEN)), "{pages:?}");
    let page = std::fs::read_to_string(folder.path().join("man/dapr-wasm-new.1")).expect("it was written");
    assert!(page.contains(".TH dapr-wasm-new 1"), "{page}");
}
