//! The documents: tables between markers, in text that is written by hand and stays.
//!
//! Each table stands between `<!-- begin:NAME -->` and `<!-- end:NAME -->`; a run replaces what is between them.

use super::budget::Missed;
use crate::tools::root;
use anyhow::{Context, Result};
use std::fmt;
use std::path::PathBuf;

/// What a run found out about one thing.
pub(super) struct Section {
    /// The name of its markers.
    pub(super) name: &'static str,
    pub(super) table: Table,
    pub(super) missed: Missed,
    /// What the README says of it: what, and how much.
    pub(super) headlines: Vec<[String; 2]>,
}

/// A table of Markdown.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

/// A file with places for tables.
pub(super) struct Document {
    path: PathBuf,
    text: String,
}

impl Table {
    /// A table without rows. Head and rows come in three parts: what it is, what was measured, what that is beside a
    /// budget.
    pub(super) fn new<const M: usize, const B: usize>(what: [&str; 1], measured: [&str; M], beside: [&str; B]) -> Self {
        let head = what.into_iter().chain(measured).chain(beside);
        Self {
            rows: vec![head.map(str::to_owned).collect()],
        }
    }

    pub(super) fn row(
        &mut self,
        what: [String; 1],
        measured: impl IntoIterator<Item = String>,
        beside: impl IntoIterator<Item = String>,
    ) {
        self.rows.push(what.into_iter().chain(measured).chain(beside).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                // The first column holds names, the others figures.
                for (column, width) in widths.iter().enumerate() {
                    let right = if column == 0 { "-" } else { ":" };
                    write!(f, "|{}{right}", "-".repeat(width + 1))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

impl Section {
    /// What the README says of all of these.
    pub(super) fn figures(sections: &[Self]) -> Self {
        let mut table = Table::new(["what"], ["measured"], []);
        for [what, measured] in sections.iter().flat_map(|section| &section.headlines) {
            table.row([what.clone()], [measured.clone()], []);
        }
        Self {
            name: "figures",
            table,
            missed: Missed::default(),
            headlines: Vec::new(),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n## {}\n\n{}", self.name, self.table)
    }
}

impl Document {
    /// Reads the file of this path in the repository.
    pub(super) fn read(path: &str) -> Result<Self> {
        let path = root().join(path);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// Puts a section's table between its markers.
    pub(super) fn put(&mut self, section: &Section) -> Result<()> {
        let name = section.name;
        let put = put(&self.text, name, &section.table.to_string());
        self.text = put.with_context(|| {
            format!(
                "{} has no `<!-- begin:{name} -->` with its `<!-- end:{name} -->`",
                self.path.display()
            )
        })?;
        Ok(())
    }

    pub(super) fn write(&self) -> Result<()> {
        std::fs::write(&self.path, &self.text).with_context(|| format!("cannot write {}", self.path.display()))?;
        eprintln!("wrote {}", self.path.display());
        Ok(())
    }
}

fn put(text: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin:{name} -->\n"), format!("<!-- end:{name} -->\n"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_hand_stays() {
        let text = "A\n<!-- begin:x -->\nold\n<!-- end:x -->\nB\n<!-- begin:y -->\nkept\n<!-- end:y -->\n";
        let put_once = put(text, "x", "new\n").unwrap();
        assert_eq!(put_once, text.replace("old", "new"));
        assert_eq!(put(&put_once, "x", "new\n").unwrap(), put_once);
    }

    #[test]
    fn a_table_without_a_place_is_refused() {
        assert_eq!(put("<!-- begin:x -->\n", "x", ""), None);
        assert_eq!(put("", "x", ""), None);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["what"], ["req/s"], []);
        table.row(["a".into()], ["–".into()], []);
        assert_eq!(
            table.to_string(),
            "| what | req/s |\n|------|------:|\n| a    | –     |\n"
        );
    }
}
