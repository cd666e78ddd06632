//! The settings of a component that is installed: the keys of its table that are not the host's.
//!
//! They reach the component as texts under the names that the user wrote, as Dapr hands them over. Where the component says
//! which settings it has, an unknown key and a value that it could not read are errors here, with line and column, and not
//! in the component, which would ignore the one and fail at the other.

use super::document::{Data, Entry};
use super::error::{ConfigError, ConfigErrors};
use super::installed::InstalledComponent;
use super::nearest::nearest;
use super::property::Property;
use super::table::Table;
use super::value::Value;
use std::collections::BTreeMap;

/// The settings of a component.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) values: BTreeMap<String, String>,
    /// What is no error, and to be told.
    pub(super) warnings: Vec<ConfigError>,
}

impl Table {
    /// Takes all keys that nobody has asked for as settings of a component. What is wrong with them is reported by
    /// [`Table::finish`].
    pub(super) fn settings(&mut self, component: &InstalledComponent) -> Settings {
        let mut settings = Settings::default();
        let mut seen: Vec<(&Property, String)> = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let name = entry.name.escape_debug();
            let property = match component.property(&entry.name) {
                Ok(property) => property,
                Err(names) => {
                    self.errors.push(self.unknown_setting(&entry, &names, component));
                    continue;
                }
            };
            if let Some(property) = property {
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == property) {
                    let error = self
                        .context
                        .at(&entry.key)
                        .error(format!("`{name}` and `{first}` are the same setting"));
                    self.errors.push(error.with_help("remove one of them"));
                    continue;
                }
                seen.push((property, name.to_string()));
                if property.deprecated {
                    let warning = self
                        .context
                        .at(&entry.key)
                        .error(format!("`{name}` should not be used any more"));
                    settings
                        .warnings
                        .push(warning.with_help("Dapr's reference says what takes its place"));
                }
            }
            let label = format!("`{name}`");
            let value = Value::new(&self.context, &label, &entry.node);
            match text(value, property) {
                Ok(text) => {
                    settings.values.insert(entry.name, text);
                }
                Err(errors) => self.errors.extend(errors),
            }
        }
        settings
    }

    fn unknown_setting(&self, entry: &Entry, names: &[&str], component: &InstalledComponent) -> ConfigError {
        let known = self.known().chain(names.iter().copied());
        match nearest(&entry.name, known) {
            Some(name) => self.unknown_near(entry, name),
            // There may be forty.
            None => self.unknown_key(entry).with_help(component.settings_listed.as_str()),
        }
    }
}

/// The text of a value, which the property can have.
fn text(value: Value<'_>, property: Option<&Property>) -> Result<String, ConfigErrors> {
    let kind = property.map(|property| property.kind);
    let fits = |text: &str| kind.map_or(Ok(()), |kind| kind.check(text));
    if let Some(text) = value.text()? {
        value.hide(&text);
        return match (fits(text.as_str()), kind) {
            (Err(problem), Some(kind)) => {
                let error = value.unfit_as(kind.what(), &text, &problem);
                Err(error.with_help(format!("write it like {}", kind.example())).into())
            }
            _ => Ok(text.as_str().to_owned()),
        };
    }
    let text = match value.data() {
        Data::Boolean(value) => value.to_string(),
        Data::Float(number) => number.clone(),
        // What is longer was not kept.
        Data::Integer(number) => match i64::try_from(*number).is_ok() || u64::try_from(*number).is_ok() {
            true => number.to_string(),
            false => return Err(value.out_of_bounds(&"it has more than 64 bits").into()),
        },
        Data::Array(_) => {
            let error = value.mismatch::<String>();
            return Err(error.with_help("Dapr's lists are one string: \"one,two\"").into());
        }
        _ => return Err(value.unquoted::<String>().into()),
    };
    match (fits(&text), kind) {
        (Err(problem), Some(kind)) => {
            let error = value.out_of_bounds(&problem);
            Err(error.with_help(format!("write it like {}", kind.example())).into())
        }
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::property::PropertyKind;
    use super::super::testing::{messages, table_with};
    use super::*;

    fn property(name: &str, kind: PropertyKind) -> Property {
        Property {
            name: name.to_owned(),
            aliases: Vec::new(),
            kind,
            default: None,
            deprecated: false,
        }
    }

    fn described() -> InstalledComponent {
        let timeout = Property {
            aliases: vec!["timeoutInSeconds".to_owned()],
            ..property("timeout", PropertyKind::Duration)
        };
        let old = Property {
            deprecated: true,
            ..property("oldHost", PropertyKind::Text)
        };
        InstalledComponent {
            file: "/data/state.mongodb.wasm".into(),
            title: "mongodb".to_owned(),
            properties: Some(vec![
                property("Host", PropertyKind::Text),
                property("tls", PropertyKind::Boolean),
                property("poolSize", PropertyKind::Integer),
                timeout,
                old,
            ]),
            settings_listed: "all are listed elsewhere".to_owned(),
        }
    }

    fn undescribed() -> InstalledComponent {
        InstalledComponent {
            properties: None,
            ..described()
        }
    }

    fn read(text: &str, component: &InstalledComponent) -> Result<Settings, ConfigErrors> {
        table_with(text, &[("PASSWORD", "hunter2")]).read(|table| {
            table.take::<String>("type")?;
            let settings = table.settings(component);
            table.finish()?;
            Ok(settings)
        })
    }

    fn values(text: &str, component: &InstalledComponent) -> Vec<(String, String)> {
        read(text, component).unwrap().values.into_iter().collect()
    }

    fn problem(text: &str) -> String {
        messages(read(text, &described()).unwrap_err())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn values_become_texts_and_keep_the_name_that_was_written() {
        assert_eq!(
            values(
                "host = 'db:1'\ntls = true\npoolSize = 0x10\ntimeoutInSeconds = 30",
                &described()
            ),
            pairs(&[
                ("host", "db:1"),
                ("poolSize", "16"),
                ("timeoutInSeconds", "30"),
                ("tls", "true")
            ])
        );
        assert_eq!(
            values(
                "a = { env = 'PASSWORD' }\nb = 1_000.5\nc = -9_223_372_036_854_775_808\nd = 'x'",
                &undescribed()
            ),
            pairs(&[
                ("a", "hunter2"),
                ("b", "1000.5"),
                ("c", "-9223372036854775808"),
                ("d", "x")
            ])
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name_or_where_all_are() {
        assert_eq!(
            problem("pollSize = 3"),
            "unknown key `pollSize` (did you mean `poolSize`?)"
        );
        assert_eq!(problem("tpe = 'x'"), "unknown key `tpe` (did you mean `type`?)");
        assert_eq!(
            problem("collation = 'x'"),
            "unknown key `collation` (all are listed elsewhere)"
        );
    }

    #[test]
    fn a_value_that_cannot_be_of_its_kind_is_refused() {
        assert_eq!(
            problem("tls = 'flase'"),
            "`tls` cannot be \"flase\": it is neither true nor false (write it like true)"
        );
        assert_eq!(
            problem("poolSize = true"),
            "`poolSize` cannot be true: it is not an integer (write it like 10)"
        );
        assert_eq!(
            problem("timeout = { env = 'PASSWORD' }"),
            "`timeout` cannot be the value of environment variable `PASSWORD`: it is not a duration (write it like \"30s\")"
        );
        assert_eq!(
            problem("host = ['a', 'b']"),
            "`host` must be a string, not an array (Dapr's lists are one string: \"one,two\")"
        );
        assert_eq!(
            problem("host = 1979-05-27"),
            "`host` must be a string, not a date (write it in quotes: \"1979-05-27\")"
        );
        assert_eq!(
            problem("poolSize = 99999999999999999999999"),
            "`poolSize` cannot be 99999999999999999999999: it has more than 64 bits"
        );
    }

    #[test]
    fn two_names_of_one_setting_are_refused() {
        assert_eq!(
            problem("timeout = '1s'\ntimeoutInSeconds = 1"),
            "`timeoutInSeconds` and `timeout` are the same setting (remove one of them)"
        );
        assert_eq!(
            problem("host = 'a'\nHost = 'b'"),
            "`Host` and `host` are the same setting (remove one of them)"
        );
    }

    #[test]
    fn a_setting_that_should_not_be_used_any_more_is_read_and_told() {
        let settings = read("oldHost = 'db'", &described()).unwrap();
        assert_eq!(settings.values["oldHost"], "db");
        assert_eq!(settings.warnings.len(), 1);
        assert_eq!(settings.warnings[0].message(), "`oldHost` should not be used any more");
    }
}
