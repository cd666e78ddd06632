//! Providers in other languages than Rust, as the tools of their languages make them of `tests/providers`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::{Host, Launch, built};
use std::path::Path;
use std::process::Command;

/// What all of them leave out.
const LACKING: [&str; 3] = ["transactions", "TTL", "listing of keys"];

/// One test for each, since the rules and the app share the compiling of the component.
macro_rules! keeps_the_rules_and_serves_an_app {
    ($($claim:ident: $language:literal),+ $(,)?) => {
        $(
            #[test]
            fn $claim() {
                if let Some(component) = built::provider($language).if_built($language) {
                    keeps_the_rules(&component);
                    serves_an_app(&component);
                }
            }
        )+
    };
}

keeps_the_rules_and_serves_an_app! {
    a_provider_in_c_keeps_the_rules_and_serves_an_app: "c",
    a_provider_in_go_keeps_the_rules_and_serves_an_app: "go",
    a_provider_in_javascript_keeps_the_rules_and_serves_an_app: "javascript",
    a_provider_in_python_keeps_the_rules_and_serves_an_app: "python",
}

fn keeps_the_rules(component: &Path) {
    let output = Command::new(built::binary())
        .arg("conformance")
        .arg(component)
        .env("XDG_CACHE_HOME", built::cache_home())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}{errors}");
    let left_out: Vec<_> = report
        .lines()
        .filter_map(|line| line.strip_prefix("left out: ")?.split_once(", since the store has no "))
        .map(|(_, feature)| feature)
        .collect();
    assert_eq!(left_out, LACKING, "{report}");
}

fn serves_an_app(component: &Path) {
    let component = component.display().to_string();
    let host = Launch::guest("kv")
        .components(&format!(
            "[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\n"
        ))
        .start();
    let value = vec![7; 1 << 20];
    assert_eq!(host.get("/k").status, 404);
    assert_eq!(host.client().put("/k", value.clone()).status, 204);
    let found = host.get("/k");
    assert_eq!((found.status, &found.body), (200, &value));
    let etag = found.header("etag").expect("an item has an etag").to_owned();
    assert_eq!(put_if(&host, &etag, "new"), 204);
    assert_eq!(put_if(&host, &etag, "stale"), 412);
    assert_eq!(host.get("/k").text(), "new");
    assert_eq!(host.client().delete("/k").status, 204);
    assert_eq!(host.get("/k").status, 404);
}

/// The status of a PUT on the condition that the item has this etag.
fn put_if(host: &Host, etag: &str, value: &str) -> u16 {
    let put = host.call("PUT", "/k").header("if-match", etag).body(value);
    put.send().status
}

// ---- the documentation ----

/// What the page shows of a source file is in that file, but for what it says it leaves out.
#[test]
fn the_documentation_shows_what_is_built() {
    let page = include_str!("../docs/providers.md");
    let sources = [
        ("js", include_str!("providers/javascript/store.js")),
        ("python", include_str!("providers/python/store.py")),
        ("go", include_str!("providers/go/export_dapr_state_provider/store.go")),
        ("c", include_str!("providers/c/store.c")),
    ];
    for (language, source) in sources {
        let blocks = page.split("```").skip(1).step_by(2);
        let own = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
        let shown: Vec<_> = own.flat_map(pieces).collect();
        assert!(!shown.is_empty(), "nothing in {language}");
        for piece in shown {
            let piece = piece.trim_matches('\n');
            assert!(source.contains(piece), "not in the source in {language}:\n{piece}");
        }
    }
}

/// What stands between the comments that say what is left out.
fn pieces(block: &str) -> Vec<String> {
    let lines: Vec<_> = block.split_inclusive('\n').collect();
    let pieces = lines.split(|line| line.contains('…'));
    pieces.map(|piece| piece.concat()).collect()
}
