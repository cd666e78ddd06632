//! What guests print: under the app's name, and nothing in it that a terminal would obey.

use crate::{beside_others, hostile, launch};
use dapr_wasm_tests::PATIENCE;

#[test]
fn lines_have_the_apps_name_and_control_characters_are_escaped() {
    let _machine = beside_others();
    let host = launch("").option("--app-id=loud").start();
    assert_eq!(host.get("/output").text(), "said");
    let line = host.stdout().wait_for("plain", PATIENCE);
    assert_eq!(line, "[loud] plain \\u{1b}[31mred\\u{1b}[0m");
    assert!(!host.stdout().bytes().contains(&0x1b));
    assert_eq!(host.wait_for_log("an error"), "[loud] an error");
    // Each of the guest's streams ends in the host's of the same name.
    assert!(!host.stdout().text().contains("an error"));
    assert!(!host.stderr().text().contains("plain"));
}

#[test]
fn a_line_is_broken_at_64_kib() {
    const LONGEST: usize = 64 << 10;
    const PRINTED: usize = 100_000;
    let _machine = beside_others();
    let host = hostile("");
    host.get("/output");
    // It comes after the short line, and ends in one that is not full.
    let pieces = dapr_wasm_tests::until("all of the line", PATIENCE, || {
        let lines = host.stdout().lines_with("xxxx");
        let pieces: Vec<_> = lines
            .iter()
            .map(|line| line.strip_prefix("[hostile] ").unwrap().len())
            .collect();
        (pieces.iter().sum::<usize>() >= PRINTED).then_some(pieces)
    });
    assert_eq!(pieces.iter().sum::<usize>(), PRINTED);
    assert!(pieces.iter().all(|length| *length <= LONGEST), "{pieces:?}");
    assert_eq!(pieces.len(), 2, "{pieces:?}");
}

#[test]
fn lines_of_many_guests_at_once_are_whole() {
    const GUESTS: usize = 40;
    let _machine = beside_others();
    let host = hostile("");
    std::thread::scope(|scope| {
        for _ in 0..GUESTS {
            scope.spawn(|| host.get("/output"));
        }
    });
    let plain = "[hostile] plain \\u{1b}[31mred\\u{1b}[0m";
    dapr_wasm_tests::until("all lines", PATIENCE, || {
        (host.stdout().lines().iter().filter(|line| *line == plain).count() == GUESTS).then_some(())
    });
    for line in host.stdout().lines() {
        let text = line
            .strip_prefix("[hostile] ")
            .unwrap_or_else(|| panic!("a line without a name: {line:.60}"));
        assert!(
            line == plain || text.bytes().all(|byte| byte == b'x'),
            "mixed: {line:.60}"
        );
    }
}
