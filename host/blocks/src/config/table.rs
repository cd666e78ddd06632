//! Reading a table: the names that are asked for are the names that are known.
//!
//! ```
//! use dapr_blocks::config::{ConfigErrors, Environment, Source, Table};
//! use std::{path::PathBuf, time::Duration};
//!
//! struct Sqlite {
//!     path: PathBuf,
//!     busy_timeout: Duration,
//! }
//!
//! fn sqlite(table: &mut Table) -> Result<Sqlite, ConfigErrors> {
//!     let path = table.require("connectionString");
//!     let busy_timeout = table.take("busyTimeout");
//!     table.finish()?;
//!     Ok(Sqlite { path: path?, busy_timeout: busy_timeout?.unwrap_or(Duration::from_secs(2)) })
//! }
//!
//! let text = "connectionString = 5\nbusyTimout = '3s'";
//! let table = Table::parse(Source::new("components.toml", "", text), Environment::default())?;
//! let errors = table.read(sqlite).err().expect("a wrong value and an unknown key");
//! assert_eq!(errors.iter().count(), 2);
//! # Ok::<(), ConfigErrors>(())
//! ```
//!
//! Ask for everything first, call [`Table::finish`], and only then use `?`: so a user sees all errors of a table at once.
//! A `?` before is correct, too, but hides what comes after it.

use super::document::{self, Entry};
use super::elsewhere::Elsewhere;
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Location};
use super::nearest::{choices, keys, nearest};
use super::source::Source;
use super::value::{Context, FromToml, Value, quoted};
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

/// A table of the file that is being read.
#[derive(Debug)]
pub struct Table {
    pub(super) context: Arc<Context>,
    /// The names of the tables around it and its own.
    pub(super) path: Vec<String>,
    /// The header, or what else begins the table.
    span: Range<usize>,
    /// What nobody has asked for yet.
    pub(super) entries: Vec<Entry>,
    asked: Vec<Asked>,
    /// Other spellings of asked names.
    aliases: Vec<(&'static str, &'static str)>,
    /// Required keys that are not there.
    missing: Vec<Missing>,
    /// Errors of missing keys that turned out to be there, misspelled.
    retracted: Vec<ConfigError>,
    pub(super) errors: Vec<ConfigError>,
}

#[derive(Debug)]
struct Missing {
    name: &'static str,
    error: ConfigError,
}

#[derive(Debug)]
struct Asked {
    name: &'static str,
    found: Option<Range<usize>>,
}

impl Table {
    /// Reads a file's text; the result is its top level.
    ///
    /// # Errors
    ///
    /// Everything in it that is not TOML.
    pub fn parse(source: Source, environment: Environment) -> Result<Self, ConfigErrors> {
        Self::parse_with(source, environment.into())
    }

    /// The same of a file that refers to more than variables.
    pub(super) fn parse_with(source: Source, elsewhere: Elsewhere) -> Result<Self, ConfigErrors> {
        let source = Arc::new(source);
        let entries = document::parse(&source)?;
        let context = Arc::new(Context {
            source,
            elsewhere,
            hidden: Arc::default(),
        });
        Ok(Self::new(context, Vec::new(), 0..0, entries))
    }

    pub(super) fn new(context: Arc<Context>, path: Vec<String>, span: Range<usize>, entries: Vec<Entry>) -> Self {
        Self {
            context,
            path,
            span,
            entries,
            asked: Vec::new(),
            aliases: Vec::new(),
            missing: Vec::new(),
            retracted: Vec::new(),
            errors: Vec::new(),
        }
    }

    // ---- asking ----

    /// The value of a key, if the table has it.
    ///
    /// # Errors
    ///
    /// What is wrong with the value. The table remembers it, too, and [`Table::finish`] reports it again.
    pub fn take<T: FromToml>(&mut self, name: &'static str) -> Result<Option<T>, ConfigErrors> {
        self.take_as(name, T::from_toml)
    }

    /// The value of a key that the table must have.
    ///
    /// # Errors
    ///
    /// As [`Table::take`], and if the key is missing. [`Table::finish`] reports that as a slip if a key that nobody has asked
    /// for looks like one.
    pub fn require<T: FromToml>(&mut self, name: &'static str) -> Result<T, ConfigErrors> {
        self.require_or(name, || format!("add {name} = {}", T::example()))
    }

    /// The value of a key, if the table has it and `check` accepts it. Why it does not is half a sentence, as in
    /// [`FromText::Problem`](super::FromText::Problem).
    ///
    /// # Errors
    ///
    /// As [`Table::take`].
    pub fn take_checked<T: FromToml, P: Display>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&T) -> Result<(), P>,
    ) -> Result<Option<T>, ConfigErrors> {
        self.take_as(name, |value| {
            let read = T::from_toml(value)?;
            match check(&read) {
                Ok(()) => Ok(read),
                Err(problem) => Err(value.out_of_bounds(&problem).into()),
            }
        })
    }

    /// The value of a key that takes one of a few strings, if the table has it.
    ///
    /// # Errors
    ///
    /// As [`Table::take`].
    pub fn take_choice<T: Copy>(&mut self, name: &'static str, known: &[(&str, T)]) -> Result<Option<T>, ConfigErrors> {
        self.take_as(name, |value| {
            let Some(text) = value.text()? else {
                return Err(value.mismatch::<String>().into());
            };
            if let Some((_, choice)) = known.iter().find(|(name, _)| *name == text.as_str()) {
                return Ok(*choice);
            }
            let names = || known.iter().map(|(name, _)| *name);
            let error = value.unfit_as(&choices(names()), &text, &format!("it must be {}", choices(names())));
            Err(match nearest(text.as_str(), names()) {
                Some(name) if !text.is_foreign() => error.with_help(format!("did you mean {}?", quoted(name))),
                _ => error,
            }
            .into())
        })
    }

    /// Lets users write a key by another name as well.
    pub fn alias(&mut self, alias: &'static str, name: &'static str) {
        self.aliases.push((alias, name));
    }

    /// Knows a key without supporting it: where a user has written it, that is an error with this message, which should
    /// name the key, and this help.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>, help: Option<&str>) {
        let Some(index) = self.entries.iter().position(|entry| entry.name == name) else {
            return;
        };
        let entry = self.entries.remove(index);
        let error = self.context.at(&entry.key).error(message);
        self.errors.push(match help {
            Some(help) => error.with_help(help),
            None => error,
        });
    }

    /// Ends the reading: every key that nobody has asked for is an error.
    ///
    /// # Errors
    ///
    /// Those keys, and everything that was wrong with the others.
    pub fn finish(&mut self) -> Result<(), ConfigErrors> {
        self.report_missing();
        for entry in std::mem::take(&mut self.entries) {
            let error = self.unknown(&entry);
            self.errors.push(error);
        }
        ConfigErrors::of(self.errors.iter().cloned()).map_or(Ok(()), Err)
    }

    /// Reads the table and finishes it, so that `read` cannot forget to.
    ///
    /// # Errors
    ///
    /// What `read` returns, and as [`Table::finish`]. Where `read` fails, it may not have asked for all it knows, and so
    /// unknown keys are reported only if it called [`Table::finish`] itself.
    pub fn read<T>(mut self, read: impl FnOnce(&mut Table) -> Result<T, ConfigErrors>) -> Result<T, ConfigErrors> {
        let result = read(&mut self);
        match self.keep(result) {
            Ok(value) => self.finish().map(|()| value),
            Err(errors) => {
                self.report_missing();
                let retracted = |error: &ConfigError| self.retracted.iter().any(|other| other.same_as(error));
                self.errors.retain(|error| !retracted(error));
                Err(ConfigErrors::of(self.errors).unwrap_or(errors))
            }
        }
    }

    // ---- where things are ----

    /// The table as messages name it: `[state.statestore]`, or `the top level`.
    pub fn path(&self) -> String {
        if self.path.is_empty() {
            return "the top level".to_owned();
        }
        let keys: Vec<String> = self.path.iter().map(|key| spelled(key)).collect();
        format!("[{}]", keys.join("."))
    }

    /// Where the table begins.
    pub fn location(&self) -> Location {
        self.context.at(&self.span)
    }

    /// Where the value of a key stands that was asked for; where the table begins, if the key is not there.
    pub fn location_of(&self, name: &str) -> Location {
        let asked = self.asked.iter().find(|asked| asked.name == name);
        self.context
            .at(asked.and_then(|asked| asked.found.as_ref()).unwrap_or(&self.span))
    }

    // ---- inside ----

    /// Reads what comes from now on with this; the result is what was there before.
    pub(super) fn replace_elsewhere(&mut self, elsewhere: Elsewhere) -> Arc<Context> {
        let context = Context {
            source: Arc::clone(&self.context.source),
            elsewhere,
            hidden: Arc::clone(&self.context.hidden),
        };
        std::mem::replace(&mut self.context, Arc::new(context))
    }

    /// Lets what comes from now on refer to no secret, for this reason; the result is what was there before.
    pub(super) fn without_secrets(&mut self, reason: &'static str) -> Arc<Context> {
        self.replace_elsewhere(self.context.elsewhere.without_secrets(reason))
    }

    /// As [`Table::require`], with another help where the key is missing.
    pub(super) fn require_or<T: FromToml>(
        &mut self,
        name: &'static str,
        help: impl FnOnce() -> String,
    ) -> Result<T, ConfigErrors> {
        if let Some(value) = self.take(name)? {
            return Ok(value);
        }
        let error = self
            .location()
            .error(format!("{} has no `{name}`", self.path()))
            .with_help(help());
        self.missing.push(Missing {
            name,
            error: error.clone(),
        });
        Err(error.into())
    }

    /// Reports the keys that are missing, as the slips they may be. Only when all names were asked for is it clear that
    /// what looks like a slip is no key of its own.
    fn report_missing(&mut self) {
        for Missing { name, error } in std::mem::take(&mut self.missing) {
            let is_slip = |entry: &Entry| nearest(&entry.name, [name]).is_some();
            let Some(index) = self.entries.iter().position(is_slip) else {
                self.errors.push(error);
                continue;
            };
            let entry = self.entries.remove(index);
            self.errors.push(self.unknown_near(&entry, name));
            self.retracted.push(error);
        }
    }

    fn take_as<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value<'_>) -> Result<T, ConfigErrors>,
    ) -> Result<Option<T>, ConfigErrors> {
        let Some(entry) = self.remove(name) else {
            return Ok(None);
        };
        let label = format!("`{}`", entry.name.escape_debug());
        let result = read(Value::new(&self.context, &label, &entry.node));
        self.keep(result).map(Some)
    }

    pub(super) fn remove(&mut self, name: &'static str) -> Option<Entry> {
        let meant = |entry: &Entry| entry.name == name || self.aliases.contains(&(entry.name.as_str(), name));
        let found = self
            .entries
            .iter()
            .position(meant)
            .map(|index| self.entries.remove(index));
        if let Some(first) = &found {
            self.refuse_second_spelling(first, name);
        }
        self.asked.push(Asked {
            name,
            found: found.as_ref().map(|entry| entry.node.span.clone()),
        });
        found
    }

    fn refuse_second_spelling(&mut self, first: &Entry, name: &'static str) {
        let spellings: Vec<&str> = self
            .aliases
            .iter()
            .filter(|(_, meant)| *meant == name)
            .map(|(alias, _)| *alias)
            .chain([name])
            .collect();
        for second in spellings {
            let first = &first.name;
            self.refuse(
                second,
                format!("`{second}` and `{first}` are the same setting"),
                Some("remove one of them"),
            );
        }
    }

    pub(super) fn keep<T>(&mut self, result: Result<T, ConfigErrors>) -> Result<T, ConfigErrors> {
        if let Err(errors) = &result {
            self.errors.extend(errors.iter().cloned());
        }
        result
    }

    /// The names that were asked for.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(|asked| asked.name)
    }

    fn unknown(&self, entry: &Entry) -> ConfigError {
        match nearest(&entry.name, self.known()) {
            Some(name) => self.unknown_near(entry, name),
            None => self
                .unknown_key(entry)
                .with_help(format!("known here: {}", keys(self.known()))),
        }
    }

    pub(super) fn unknown_near(&self, entry: &Entry, name: &str) -> ConfigError {
        self.unknown_key(entry).with_help(format!("did you mean `{name}`?"))
    }

    pub(super) fn unknown_key(&self, entry: &Entry) -> ConfigError {
        let name = entry.name.escape_debug();
        let message = match self.path.is_empty() {
            true => format!("unknown key `{name}`"),
            false => format!("unknown key `{name}` in {}", self.path()),
        };
        self.context.at(&entry.key).error(message)
    }
}

/// A key as TOML spells it: in quotes, if it must.
pub(super) fn spelled(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{messages, table};
    use super::*;
    use std::time::Duration;

    #[test]
    fn asked_keys_are_read_and_absent_ones_are_none() {
        let mut table = table("a = 1\nb = '2s'\n");
        assert_eq!(table.take::<u32>("a").unwrap(), Some(1));
        assert_eq!(table.require::<Duration>("b").unwrap(), Duration::from_secs(2));
        assert_eq!(table.take::<u32>("c").unwrap(), None);
        table.finish().unwrap();
    }

    #[test]
    fn all_errors_of_a_table_are_reported_at_once() {
        let errors = table("x = 1\nb = 1\na = 'one'").read(|table| {
            let (a, b) = (table.take::<u32>("a"), table.require::<Duration>("b"));
            table.finish()?;
            Ok((a?, b?))
        });
        assert_eq!(
            messages(errors.unwrap_err()),
            "unknown key `x` (known here: `a`, `b`)\n\
             `b` must be a duration, not an integer (write it like \"30s\")\n\
             `a` cannot be \"one\": it is not an integer (write it like 10)"
        );
    }

    #[test]
    fn reading_cannot_forget_to_finish() {
        let errors = table("limt = 1").read(|table| table.take::<u32>("limit")).unwrap_err();
        assert_eq!(messages(errors), "unknown key `limt` (did you mean `limit`?)");
    }

    #[test]
    fn an_early_question_mark_does_not_call_known_keys_unknown() {
        let errors = table("a = 'x'\nb = 1").read(|table| Ok((table.take::<u32>("a")?, table.take::<u32>("b")?)));
        assert_eq!(
            messages(errors.unwrap_err()),
            "`a` cannot be \"x\": it is not an integer (write it like 10)"
        );
    }

    #[test]
    fn a_missing_key_is_reported_once_and_as_the_slip_it_is() {
        let read = |table: &mut Table| table.require::<String>("connectionString");
        assert_eq!(
            messages(table("connectionstring = 'x'").read(read).unwrap_err()),
            "unknown key `connectionstring` (did you mean `connectionString`?)"
        );
        assert_eq!(
            messages(table("").read(read).unwrap_err()),
            "the top level has no `connectionString` (add connectionString = \"text\")"
        );
    }

    #[test]
    fn a_neighbour_that_is_asked_for_later_is_no_slip_of_a_missing_key() {
        let read = |table: &mut Table| {
            let (path, paths) = (table.require::<String>("path"), table.take::<String>("paths"));
            table.finish()?;
            Ok((path?, paths?))
        };
        assert_eq!(
            messages(table("paths = 'x'").read(read).unwrap_err()),
            "the top level has no `path` (add path = \"text\")"
        );
        assert_eq!(
            messages(table("paths = 'x'\npth = 'y'").read(read).unwrap_err()),
            "unknown key `pth` (did you mean `path`?)"
        );
    }

    #[test]
    fn a_slip_is_one_error_however_the_results_are_put_together() {
        let errors = table("pth = 'x'").read(|table| {
            let path = table.require::<String>("path");
            match (path, table.finish()) {
                (Err(one), Err(other)) => Err(one.and(other)),
                (path, _) => path,
            }
        });
        assert_eq!(
            messages(errors.unwrap_err()),
            "unknown key `pth` (did you mean `path`?)"
        );
    }

    #[test]
    fn aliases_are_one_setting() {
        let read = |table: &mut Table| {
            table.alias("url", "connectionString");
            table.require::<String>("connectionString")
        };
        assert_eq!(table("url = 'x'").read(read).unwrap(), "x");
        assert_eq!(
            messages(table("url = 'x'\nconnectionString = 'y'").read(read).unwrap_err()),
            "`connectionString` and `url` are the same setting (remove one of them)"
        );
        assert_eq!(
            messages(table("url = 5").read(read).unwrap_err()),
            "`url` must be a string, not an integer (write it in quotes: \"5\")"
        );
    }

    #[test]
    fn choices_name_the_nearest_or_all() {
        let read = |table: &mut Table| table.take_choice("sync", &[("off", 0), ("normal", 1), ("full", 2)]);
        assert_eq!(table("sync = 'normal'").read(read).unwrap(), Some(1));
        let problem = "it must be \"off\", \"normal\" or \"full\"";
        assert_eq!(
            messages(table("sync = 'ful'").read(read).unwrap_err()),
            format!("`sync` cannot be \"ful\": {problem} (did you mean \"full\"?)")
        );
        assert_eq!(
            messages(table("sync = 'x'").read(read).unwrap_err()),
            format!("`sync` cannot be \"x\": {problem}")
        );
    }

    #[test]
    fn refused_keys_say_why_and_are_not_suggested() {
        let read = |table: &mut Table| {
            table.refuse("later", "`later` comes later", None);
            table.take::<bool>("now")
        };
        assert_eq!(
            messages(table("later = 1").read(read).unwrap_err()),
            "`later` comes later"
        );
        assert_eq!(
            messages(table("latr = 1").read(read).unwrap_err()),
            "unknown key `latr` (known here: `now`)"
        );
    }

    #[test]
    fn places_are_kept_for_errors_that_are_found_later() {
        let mut table = table("a = 1\nb =   2\n");
        table.take::<u32>("b").unwrap();
        assert_eq!(table.location_of("b").to_string(), "components.toml:2:7");
        assert_eq!(table.location_of("c").to_string(), "components.toml:1:1");
    }
}
