//! Names and values in a `connectionString`, in either of libpq's two forms.
//!
//! | form | |
//! |---|---|
//! | a URL | `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?NAME=VALUE&…`, also `postgresql://`; `%41` is `A` |
//! | words | `host=localhost user='ann o\'neill'`; in quotes, and without, `\` takes the next character as it is |
//!
//! Both come to the same names. What they mean, `parameters` says.
//!
//! In a URL, an `@` behind the hosts is refused, though daprd takes it: more often than a part of a value it is what ends a
//! password with a `/` or a `?` in it, whose rest would become the database or a parameter's name, and be shown.

use crate::state::percent;

/// A name and its value. It may be given several times; the last one holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether it stands behind a password. If that should have been in quotes, or escaped, this is its rest.
    pub(super) is_behind_password: bool,
}

impl Parameter {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            is_behind_password: false,
        }
    }

    /// The same, behind these.
    fn behind(self, others: &[Self]) -> Self {
        Self {
            is_behind_password: others.iter().any(|other| other.name == "password"),
            ..self
        }
    }
}

/// Why a text is no connection string. None of its text is repeated: a password may be anywhere in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("a word has no `=`")]
    NoValue,
    #[error("a quote is not closed")]
    Unclosed,
    #[error("a host's `[` is not closed")]
    Bracket,
    #[error("it is not UTF-8 behind its `%`")]
    NotText,
    #[error("there is an `@` behind its hosts")]
    At,
}

/// The names and values of a connection string.
pub(super) fn parse(text: &str) -> Result<Vec<Parameter>, Malformed> {
    let url = ["postgres://", "postgresql://"];
    match url.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => parse_url(rest),
        None => parse_words(text),
    }
}

fn parse_url(text: &str) -> Result<Vec<Parameter>, Malformed> {
    let end = text.find(['/', '?']).unwrap_or(text.len());
    let (authority, rest) = text.split_at(end);
    if rest.contains('@') {
        return Err(Malformed::At);
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parameters = parse_authority(authority)?;
    let database = decoded(path.strip_prefix('/').unwrap_or_default())?;
    if !database.is_empty() {
        parameters.push(Parameter::new("database", database));
    }
    let mut of_query = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Malformed::NoValue)?;
        let parameter = Parameter::new(decoded(name)?, decoded(value)?).behind(&of_query);
        of_query.push(parameter);
    }
    parameters.extend(of_query);
    Ok(parameters)
}

/// `USER:PASSWORD@HOST:PORT,HOST:PORT`
fn parse_authority(text: &str) -> Result<Vec<Parameter>, Malformed> {
    let (user, hosts) = text.rsplit_once('@').unwrap_or(("", text));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|host| !host.is_empty()) {
        let (host, port) = host_and_port(host)?;
        names.push(decoded(host)?);
        ports.push(port);
    }
    if ports.iter().all(|port| port.is_empty()) {
        ports.clear();
    }
    let parameters = [
        Parameter::new("user", decoded(user)?),
        Parameter::new("password", decoded(password)?),
        Parameter::new("host", names.join(",")),
        Parameter::new("port", ports.join(",")),
    ];
    Ok(parameters
        .into_iter()
        .filter(|parameter| !parameter.value.is_empty())
        .collect())
}

fn host_and_port(text: &str) -> Result<(&str, &str), Malformed> {
    let Some(rest) = text.strip_prefix('[') else {
        return Ok(text.split_once(':').unwrap_or((text, "")));
    };
    let (host, rest) = rest.split_once(']').ok_or(Malformed::Bracket)?;
    Ok((host, rest.strip_prefix(':').unwrap_or_default()))
}

fn decoded(text: &str) -> Result<String, Malformed> {
    String::from_utf8(percent::decoded(text)).map_err(|_| Malformed::NotText)
}

fn parse_words(text: &str) -> Result<Vec<Parameter>, Malformed> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(Malformed::NoValue)?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(Malformed::NoValue);
        }
        let (value, after) = word(after.trim_start())?;
        let parameter = Parameter::new(name, value).behind(&parameters);
        parameters.push(parameter);
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// A value, and what comes behind it.
fn word(text: &str) -> Result<(String, &str), Malformed> {
    let (text, is_quoted) = match text.strip_prefix('\'') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if is_quoted => return Ok((value, &text[index + 1..])),
            _ if character.is_whitespace() && !is_quoted => return Ok((value, &text[index..])),
            _ => value.push(character),
        }
    }
    match is_quoted {
        true => Err(Malformed::Unclosed),
        false => Ok((value, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        let parameters = parse(text).unwrap().into_iter();
        parameters.map(|parameter| (parameter.name, parameter.value)).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_url_and_words_come_to_the_same() {
        let expected = pairs(&[
            ("user", "ann"),
            ("password", "p w"),
            ("host", "db.example"),
            ("port", "5433"),
            ("database", "dapr"),
            ("sslmode", "require"),
        ]);
        assert_eq!(
            parsed("postgres://ann:p%20w@db.example:5433/dapr?sslmode=require"),
            expected
        );
        assert_eq!(
            parsed("postgresql://ann:p%20w@db.example:5433/dapr?sslmode=require"),
            expected
        );
        let words = "user=ann password='p w' host = db.example port=5433\n database=dapr sslmode=require ";
        assert_eq!(parsed(words), expected);
    }

    #[test]
    fn a_url_may_have_several_hosts_and_none() {
        assert_eq!(
            parsed("postgres://a:1,[::1]:2,c/d"),
            pairs(&[("host", "a,::1,c"), ("port", "1,2,"), ("database", "d")])
        );
        assert_eq!(
            parsed("postgres:///d?host=/run"),
            pairs(&[("database", "d"), ("host", "/run")])
        );
        assert_eq!(
            parsed("postgres://u:p@w@h"),
            pairs(&[("user", "u"), ("password", "p@w"), ("host", "h")])
        );
    }

    #[test]
    fn quotes_and_escapes_are_libpqs() {
        assert_eq!(
            parsed(r"password='a\'b\\c d' x=e\ f y=''"),
            pairs(&[("password", r"a'b\c d"), ("x", "e f"), ("y", "")])
        );
    }

    #[test]
    fn what_may_be_the_rest_of_a_password_is_known() {
        for (text, expected) in [
            ("host=a password=b c=d", [false, false, true]),
            ("password=b c=d host=a", [false, true, true]),
            ("postgres://a?password=b&c=d", [false, false, true]),
            ("postgres://:b@a?c=d", [false, false, false]),
        ] {
            let found: Vec<_> = parse(text).unwrap().iter().map(|one| one.is_behind_password).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for (text, expected) in [
            ("localhost", Malformed::NoValue),
            ("host=a b", Malformed::NoValue),
            ("a b=c", Malformed::NoValue),
            ("password='x", Malformed::Unclosed),
            ("postgres://[::1/d", Malformed::Bracket),
            ("postgres://h/%ff", Malformed::NotText),
            ("postgres://h/d?sslmode", Malformed::NoValue),
            ("postgres://u:12/34@h/d", Malformed::At),
            ("postgres://u:12?34@h/d", Malformed::At),
            ("postgres://u:12?3=4@h/d", Malformed::At),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
