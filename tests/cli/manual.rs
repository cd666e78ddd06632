//! What the command line says of itself to shells and to `man`: all of its commands, and nothing that only the host itself uses.

use crate::situations::{stderr, temporary};
use dapr_wasm_tests::built::binary;
use std::collections::BTreeSet;
use std::process::{Command, Output};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// What a host does to fill its cache.
const HIDDEN: &str = "compile-into";

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

#[test]
fn bash_takes_what_it_is_given_and_completes() {
    // The function is the one that `complete` was told of.
    let asks = "source <(\"$0\" completions bash) && COMP_WORDS=(dapr-wasm comp) && COMP_CWORD=1 && \
                words=($(complete -p dapr-wasm)) && ${words[-2]} dapr-wasm comp dapr-wasm && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", asks])
        .arg(binary())
        .output()
        .expect("bash is there");
    let replied = String::from_utf8_lossy(&output.stdout);
    assert_eq!(replied.trim(), "components completions", "{output:?}");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let folder = temporary();
    let to = folder.path().join("man");
    let to_text = to.display().to_string();
    let written = done(&["man", &to_text]);
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
