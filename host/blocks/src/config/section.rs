//! Tables in tables: sections that the host names, and sections that users name.

use super::document::{Data, Entry, Node};
use super::error::{ConfigErrors, Location};
use super::table::{Table, spelled};
use std::sync::Arc;

impl Table {
    /// What `read` makes of the table below a key, if there is one. Keys that `read` does not ask for are errors.
    ///
    /// # Errors
    ///
    /// As [`Table::take`].
    pub fn section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Table) -> Result<T, ConfigErrors>,
    ) -> Result<Option<T>, ConfigErrors> {
        let Some(entry) = self.remove(name) else {
            return Ok(None);
        };
        let result = self.below(entry).and_then(|table| table.read(read));
        self.keep(result).map(Some)
    }

    /// What `read` makes of each of the tables below a key, which users name: the stores of `[state.NAME]`. `example` is such
    /// a name.
    ///
    /// # Errors
    ///
    /// As [`Table::take`].
    pub(super) fn named_sections<T>(
        &mut self,
        name: &'static str,
        example: &str,
        mut read: impl FnMut(&str, &Location, Table) -> Result<T, ConfigErrors>,
    ) -> Result<Vec<T>, ConfigErrors> {
        let Some(entry) = self.remove(name) else {
            return Ok(Vec::new());
        };
        let mut sections = Vec::new();
        let result = self.below(entry).and_then(|mut outer| {
            outer.refuse_settings(example);
            for entry in std::mem::take(&mut outer.entries) {
                let (name, at) = (entry.name.clone(), outer.context.at(&entry.key));
                let result = outer.below(entry).and_then(|table| read(&name, &at, table));
                sections.extend(outer.keep(result).ok());
            }
            outer.finish()
        });
        self.keep(result).map(|()| sections)
    }

    /// In a table of named tables: what is no table is a setting whose table lacks its name. One error says so for all.
    fn refuse_settings(&mut self, example: &str) {
        let entries = std::mem::take(&mut self.entries);
        let (tables, settings): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.node.data.is_headed());
        self.entries = tables;
        let Some(entry) = settings.first() else { return };
        let message = format!(
            "setting `{}` stands in {}, which has no name",
            entry.name.escape_debug(),
            self.path()
        );
        let example = self
            .path
            .iter()
            .map(String::as_str)
            .chain([example])
            .map(spelled)
            .collect::<Vec<_>>()
            .join(".");
        let error = self.context.at(&entry.key).error(message);
        self.errors
            .push(error.with_help(format!("name the table, for example [{example}]")));
    }

    fn below(&self, entry: Entry) -> Result<Table, ConfigErrors> {
        let Entry {
            name,
            key,
            node: Node { span, data },
        } = entry;
        let path: Vec<String> = self.path.iter().cloned().chain([name.clone()]).collect();
        let what = data.what();
        let Data::Table(entries) = data else {
            let error = self
                .context
                .at(&key)
                .error(format!("`{}` must be a table, not {what}", name.escape_debug()));
            let keys: Vec<String> = path.iter().map(|key| spelled(key)).collect();
            return Err(error
                .with_help(format!("begin it with the line [{}]", keys.join(".")))
                .into());
        };
        Ok(Table::new(Arc::clone(&self.context), path, span, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{messages, table};
    use super::*;

    #[test]
    fn sections_are_read_to_the_bottom() {
        let read = |table: &mut Table| table.section("tls", |tls| tls.take::<bool>("verify"));
        assert_eq!(table("[tls]\nverify = true").read(read).unwrap(), Some(Some(true)));
        assert_eq!(
            messages(table("[tls]\nverfy = true").read(read).unwrap_err()),
            "unknown key `verfy` in [tls] (did you mean `verify`?)"
        );
        assert_eq!(
            messages(table("tls = true").read(read).unwrap_err()),
            "`tls` must be a table, not a boolean (begin it with the line [tls])"
        );
    }

    #[test]
    fn settings_without_a_named_table_are_one_error() {
        let read = |table: &mut Table| table.named_sections("state", "statestore", |name, _, _| Ok(name.to_owned()));
        assert_eq!(table("[state.b]\n[state.a]").read(read).unwrap(), ["b", "a"]);
        assert_eq!(
            messages(table("[state]\ntype = 'x'\npath = 'y'").read(read).unwrap_err()),
            "setting `type` stands in [state], which has no name (name the table, for example [state.statestore])"
        );
        assert_eq!(
            messages(table("[[state.a]]").read(read).unwrap_err()),
            "`a` must be a table, not an array (begin it with the line [state.a])"
        );
    }
}
