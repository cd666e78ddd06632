//! The line of a file with carets under the part that is meant.
//!
//! Columns in numbers count characters; carets count terminal cells, of which a CJK character takes two and a combining one
//! none. Tabs are shown as spaces and control characters as escapes, so that the carets stay aligned and a file cannot
//! drive the terminal. The user and the password of an address are not shown.

use super::credentials::{HIDDEN, credentials};
use std::fmt;
use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// Longer lines are cut around the carets: a line that the terminal wraps has its carets under something else.
const MAX_CELLS: usize = 100;

/// What stays visible before the carets of a line that is cut.
const LEAD_CELLS: usize = 20;

const TAB: &str = "    ";

/// Where a byte stands in a text.
pub(super) struct Position<'a> {
    /// Counted from 1.
    pub(super) line: usize,
    /// In characters, counted from 1.
    pub(super) column: usize,
    /// The line's first byte.
    start: usize,
    /// The line.
    pub(super) content: &'a str,
}

impl<'a> Position<'a> {
    pub(super) fn of(text: &'a str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let (before, after) = text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(text.len(), |newline| offset + newline);
        let content = text.get(start..end).unwrap_or_default();
        let column = 1 + before.get(start..).unwrap_or_default().chars().count();
        let line = 1 + before.matches('\n').count();
        Self {
            line,
            column,
            start,
            content: content.strip_suffix('\r').unwrap_or(content),
        }
    }
}

/// Writes the line in which `span` starts, with carets under it and `help` behind or below them. No newline at the end.
pub(super) fn write(f: &mut fmt::Formatter<'_>, text: &str, span: &Range<usize>, help: Option<&str>) -> fmt::Result {
    let position = Position::of(text, span.start);
    let number = position.line.to_string();
    let gutter = " ".repeat(number.len());
    let line = Line::new(&position, span);

    writeln!(f, "{gutter} |")?;
    writeln!(f, "{number} | {}", line.shown)?;
    write!(f, "{gutter} | {}{}", " ".repeat(line.lead), "^".repeat(line.carets))?;
    let Some(help) = help else { return Ok(()) };
    if line.lead + line.carets + 1 + cells(help) <= MAX_CELLS {
        write!(f, " {help}")
    } else {
        write!(f, "\n{gutter} = {help}")
    }
}

/// Text without characters that move the cursor or reorder what is printed.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        push_printable(&mut shown, c);
    }
    shown
}

struct Line {
    shown: String,
    /// Cells before the carets.
    lead: usize,
    /// At least one, so that the end of a line can be pointed at.
    carets: usize,
}

impl Line {
    fn new(position: &Position<'_>, span: &Range<usize>) -> Self {
        let mut shown = String::new();
        let (mut lead, mut carets) = (0, 0);
        let hidden = credentials(position.content);
        for (index, c) in position.content.char_indices() {
            let offset = position.start + index;
            let before = shown.len();
            match hidden.iter().find(|range| range.contains(&index)) {
                Some(range) if range.start == index => shown.push_str(HIDDEN),
                Some(_) => {}
                None => push_printable(&mut shown, c),
            }
            let width = cells(shown.get(before..).unwrap_or_default());
            if offset < span.start {
                lead += width;
            } else if offset < span.end {
                carets += width;
            }
        }
        shown.truncate(shown.trim_end().len().max(byte_of_cell(&shown, lead + carets)));
        Self {
            shown,
            lead,
            carets: carets.max(1),
        }
        .cut()
    }

    fn cut(mut self) -> Self {
        let skipped = if cells(&self.shown) > MAX_CELLS {
            self.lead.saturating_sub(LEAD_CELLS)
        } else {
            0
        };
        if skipped > 0 {
            let from = byte_of_cell(&self.shown, skipped);
            let hidden = cells(self.shown.get(..from).unwrap_or_default());
            self.shown = format!("…{}", self.shown.get(from..).unwrap_or_default());
            self.lead = self.lead - hidden + 1;
        }
        if cells(&self.shown) > MAX_CELLS {
            self.shown.truncate(byte_of_cell(&self.shown, MAX_CELLS - 1));
            self.shown.push('…');
            self.carets = self.carets.min(cells(&self.shown).saturating_sub(self.lead)).max(1);
        }
        self
    }
}

/// Where the character that covers a cell starts; the end of a text that has fewer cells.
fn byte_of_cell(text: &str, cell: usize) -> usize {
    let mut seen = 0;
    for (index, c) in text.char_indices() {
        seen += c.width().unwrap_or(0);
        if seen > cell {
            return index;
        }
    }
    text.len()
}

fn cells(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

fn push_printable(shown: &mut String, c: char) {
    match c {
        '\t' => shown.push_str(TAB),
        c if drives_a_terminal(c) => shown.extend(c.escape_unicode()),
        c => shown.push(c),
    }
}

/// Whether a terminal would obey a character instead of showing it.
pub(super) fn drives_a_terminal(c: char) -> bool {
    c.is_control() || reorders(c)
}

/// Unicode's controls of writing direction, which can make a line read as another one.
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown<'a>(&'a str, Range<usize>, Option<&'a str>);

    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(f, self.0, &self.1, self.2)
        }
    }

    fn shown(text: &str, part: &str, help: Option<&str>) -> String {
        let start = text.find(part).unwrap();
        Shown(text, start..start + part.len(), help).to_string()
    }

    fn position(text: &str, part: &str) -> (usize, usize) {
        let Position { line, column, .. } = Position::of(text, text.find(part).unwrap());
        (line, column)
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("a = 1\né = \"日本\" x", "x"), (2, 10));
        assert_eq!(position("a", "a"), (1, 1));
    }

    #[test]
    fn carets_stand_under_wide_and_combined_characters() {
        assert_eq!(
            shown("\"日本\" = x", "x", None),
            "  |\n1 | \"日本\" = x\n  |          ^"
        );
        assert_eq!(
            shown("\"e\u{301}\" = x", "x", None),
            "  |\n1 | \"e\u{301}\" = x\n  |       ^"
        );
        assert_eq!(shown("a = \"日\"", "\"日\"", None), "  |\n1 | a = \"日\"\n  |     ^^^^");
    }

    #[test]
    fn tabs_are_shown_as_spaces() {
        assert_eq!(shown("\ta = x", "x", None), "  |\n1 |     a = x\n  |         ^");
    }

    #[test]
    fn a_file_cannot_drive_the_terminal() {
        assert_eq!(
            shown("a = \u{1b}[31m", "[31m", None),
            "  |\n1 | a = \\u{1b}[31m\n  |           ^^^^"
        );
        assert_eq!(printable("\u{202e}abc"), "\\u{202e}abc");
    }

    #[test]
    fn a_password_in_an_address_is_not_shown_and_the_carets_stand_where_they_did() {
        let text = "a = \"redis://:hunter2@db\", b = x";
        for (part, carets) in [
            ("x", "                          ^"),
            ("\"redis://:hunter2@db\"", "    ^^^^^^^^^^^^^^^^"),
        ] {
            assert_eq!(
                shown(text, part, None),
                format!("  |\n1 | a = \"redis://***@db\", b = x\n  | {carets}")
            );
        }
        assert!(!shown(text, "hunter2@db", None).contains("hunter2"));
    }

    #[test]
    fn a_span_over_several_lines_shows_the_first() {
        assert_eq!(shown("a = [\r\n1]\r\n", "[\r\n1]", None), "  |\n1 | a = [\n  |     ^");
    }

    #[test]
    fn the_end_of_a_line_and_of_the_file_can_be_pointed_at() {
        assert_eq!(Shown("ab\nc", 2..2, None).to_string(), "  |\n1 | ab\n  |   ^");
        assert_eq!(Shown("ab", 2..9, None).to_string(), "  |\n1 | ab\n  |   ^");
        assert_eq!(Shown("ab\n", 3..3, None).to_string(), "  |\n2 | \n  | ^");
    }

    #[test]
    fn the_gutter_is_as_wide_as_the_number() {
        let text = format!("{}x", "\n".repeat(99));
        assert_eq!(shown(&text, "x", Some("why")), "    |\n100 | x\n    | ^ why");
    }

    #[test]
    fn long_help_stands_below() {
        let help = "h".repeat(99);
        assert_eq!(shown("x", "x", Some(&help)), format!("  |\n1 | x\n  | ^\n  = {help}"));
    }

    #[test]
    fn long_lines_are_cut_around_the_carets() {
        let text = format!("{}x{}", "a".repeat(300), "b".repeat(300));
        let expected = format!(
            "  |\n1 | …{}x{}…\n  | {}^",
            "a".repeat(20),
            "b".repeat(77),
            " ".repeat(21)
        );
        assert_eq!(shown(&text, "x", None), expected);
        let carets = shown(&text, &"b".repeat(300), None);
        assert!(
            carets.lines().all(|line| line.chars().count() <= MAX_CELLS + 4),
            "{carets}"
        );
    }
}
