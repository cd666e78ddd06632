//! The documents: tables between markers, in text that is written by hand and stays.
//!
//! What is generated stands between `<!-- begin:NAME -->` and `<!-- end:NAME -->`; a run replaces what is between them.

use crate::tools::root;
use anyhow::{Context, Result};
use std::fmt;
use std::path::PathBuf;

/// A table of Markdown.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column, by its head.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// Of names and sentences.
    Text(String),
    /// Of numbers.
    Figure(String),
}

/// A file with places for tables.
pub(crate) struct Document {
    path: PathBuf,
    text: String,
}

impl Column {
    fn head(&self) -> &str {
        match self {
            Self::Text(head) | Self::Figure(head) => head,
        }
    }

    /// The end of the line below its head.
    fn rule(&self) -> char {
        match self {
            Self::Text(_) => '-',
            Self::Figure(_) => ':',
        }
    }
}

impl Table {
    /// A table of figures without rows. Head and rows come in three parts: what it is, what was measured, what that is
    /// beside a budget.
    pub(crate) fn new<const M: usize, const B: usize>(what: [&str; 1], measured: [&str; M], beside: [&str; B]) -> Self {
        let names = what.map(|head| Column::Text(head.to_owned()));
        let figures = measured.into_iter().chain(beside);
        Self::of(
            names
                .into_iter()
                .chain(figures.map(|head| Column::Figure(head.to_owned()))),
        )
    }

    /// A table of these columns without rows.
    pub(crate) fn of(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(
        &mut self,
        what: [String; 1],
        measured: impl IntoIterator<Item = String>,
        beside: impl IntoIterator<Item = String>,
    ) {
        self.cells(what.into_iter().chain(measured).chain(beside));
    }

    /// Adds a row.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).map(String::as_str);
            let widths = cells.chain([column.head()]).map(|cell| cell.chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(width).collect();
        for (column, width) in self.columns.iter().zip(&widths) {
            write!(f, "| {:width$} ", column.head())?;
        }
        writeln!(f, "|")?;
        for (column, width) in self.columns.iter().zip(&widths) {
            write!(f, "|{}{}", "-".repeat(width + 1), column.rule())?;
        }
        writeln!(f, "|")?;
        for row in &self.rows {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

impl Document {
    /// Reads the file of this path in the repository.
    pub(crate) fn read(path: &str) -> Result<Self> {
        let path = root().join(path);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// Puts a text between the markers of this name.
    pub(crate) fn put(&mut self, name: &str, text: &str) -> Result<()> {
        self.text = put(&self.text, name, text).with_context(|| self.no_place(name))?;
        Ok(())
    }

    /// The rows of the table between the markers of this name, without its head.
    pub(crate) fn rows(&self, name: &str) -> Result<Vec<Vec<String>>> {
        let (_, found, _) = place(&self.text, name).with_context(|| self.no_place(name))?;
        Ok(rows(found))
    }

    fn no_place(&self, name: &str) -> String {
        format!(
            "{} has no `<!-- begin:{name} -->` with its `<!-- end:{name} -->`",
            self.path.display()
        )
    }

    pub(crate) fn write(&self) -> Result<()> {
        std::fs::write(&self.path, &self.text).with_context(|| format!("cannot write {}", self.path.display()))?;
        eprintln!("wrote {}", self.path.display());
        Ok(())
    }
}

/// What stands before, between and behind markers, which stay with their sides.
fn place<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (begin, end) = (format!("<!-- begin:{name} -->\n"), format!("<!-- end:{name} -->\n"));
    let from = text.find(&begin)? + begin.len();
    let to = from + text.get(from..)?.find(&end)?;
    Some((text.get(..from)?, text.get(from..to)?, text.get(to..)?))
}

fn put(text: &str, name: &str, new: &str) -> Option<String> {
    let (before, _, behind) = place(text, name)?;
    Some(format!("{before}{new}{behind}"))
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.skip(2).map(cells).collect()
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

    #[test]
    fn the_rows_of_a_table_are_read_as_they_were_written() {
        let columns = [Column::Text("type".into()), Column::Figure("MB".into())];
        let mut table = Table::of(columns);
        table.cells(["`state.redis`".into(), "49.9".into()]);
        table.cells(["`state.mysql`".into(), String::new()]);
        let text = format!("Of today:\n\n{table}");
        assert_eq!(rows(&text), [["`state.redis`", "49.9"], ["`state.mysql`", ""]]);
    }
}
