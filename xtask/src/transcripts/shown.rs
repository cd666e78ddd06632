//! What of a start stands in the document: the tools' first words and last, and of the host what changes.

use std::path::Path;

/// Lines of the tools at the beginning and at the end.
const FIRST: usize = 3;
const LAST: usize = 3;

/// In place of what is left out.
const MORE: &str = "…";

/// Whether a line is the host's, which says these when the tools have built.
pub(super) fn is_of_the_host(line: &str) -> bool {
    line.starts_with("compiling ") || line.starts_with("dapr-wasm ")
}

/// The lines of a start, in which this folder is `~`.
pub(super) fn of_a_start(said: &str, folder: &Path) -> Vec<String> {
    let said = said.replace(&folder.display().to_string(), "~");
    let lines: Vec<_> = said
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let by_tools = lines
        .iter()
        .position(|line| is_of_the_host(line))
        .unwrap_or(lines.len());
    let (tools, host) = lines.split_at(by_tools);
    let mut shown = Vec::new();
    if tools.len() > FIRST + LAST + 1 {
        shown.extend(&tools[..FIRST]);
        shown.push(MORE);
        shown.extend(&tools[tools.len() - LAST..]);
    } else {
        shown.extend(tools);
    }
    for line in host {
        let is_told = is_of_the_host(line) || line.starts_with("compiled ") || line.starts_with("serving ");
        match (is_told, shown.last()) {
            (true, _) => shown.push(line),
            (false, Some(&MORE)) => {}
            (false, _) => shown.push(MORE),
        }
    }
    shown.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_shown_by_its_ends() {
        let tools: Vec<_> = (1..=9)
            .map(|line| format!("   Compiling {line} (/tmp/x/visits)"))
            .collect();
        let host = "compiling v.wasm …\ncompiled in 5 s\ndapr-wasm 0.1.0 runs `visits`\n  entry x\n\nlimits\nserving http://1:3000";
        let shown = of_a_start(&format!("{}\n{host}", tools.join("\n")), Path::new("/tmp/x"));
        assert_eq!(
            shown,
            [
                "   Compiling 1 (~/visits)",
                "   Compiling 2 (~/visits)",
                "   Compiling 3 (~/visits)",
                "…",
                "   Compiling 7 (~/visits)",
                "   Compiling 8 (~/visits)",
                "   Compiling 9 (~/visits)",
                "compiling v.wasm …",
                "compiled in 5 s",
                "dapr-wasm 0.1.0 runs `visits`",
                "…",
                "serving http://1:3000",
            ]
        );
    }

    #[test]
    fn what_is_short_is_shown_whole() {
        let said = "visits: compiling\nvisits: linking\ndapr-wasm 0.1.0 runs `visits`\nserving http://1:3000";
        assert_eq!(of_a_start(said, Path::new("/tmp")).join("\n"), said);
    }
}
