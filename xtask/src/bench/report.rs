//! The sections of the document: a table each, with what the README says of it.

use super::budget::Missed;
use crate::document::Table;
use std::fmt;

/// What a run found out about one thing.
pub(super) struct Section {
    /// The name of its markers.
    pub(super) name: &'static str,
    pub(super) table: Table,
    pub(super) missed: Missed,
    /// What the README says of it: what, and how much.
    pub(super) headlines: Vec<[String; 2]>,
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
