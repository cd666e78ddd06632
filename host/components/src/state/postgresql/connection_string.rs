//! Names and values in a `connectionString`, in either of libpq's two forms.
//!
//! | form | |
//! |---|---|
//! | a URL | `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?NAME=VALUE&…`, also `postgresql://`; `%41` is `A` |
//! | words | `host=localhost user='ann o\'neill'`; in quotes, and without, `\` takes the next character as it is |
//!
//! Both come to the same names. What they mean, `parameters` says.

use crate::state::percent;

/// A name and its value, as often as it is given; the last one holds.
pub(super) type Parameter = (String, String);

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
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, database) = text.split_once('/').unwrap_or((text, ""));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match user.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (user, None),
    };
    let mut hosts_and_ports = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|host| !host.is_empty()) {
        let (host, port) = host_and_port(host)?;
        hosts_and_ports.0.push(decoded(host)?);
        hosts_and_ports.1.push(port.to_owned());
    }
    let (hosts, ports) = hosts_and_ports;
    let mut parameters = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            parameters.push((name.to_owned(), value));
        }
    };
    add("user", decoded(user)?);
    add("password", decoded(password.unwrap_or_default())?);
    add("host", hosts.join(","));
    if ports.iter().any(|port| !port.is_empty()) {
        add("port", ports.join(","));
    }
    add("database", decoded(database)?);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Malformed::NoValue)?;
        parameters.push((decoded(name)?, decoded(value)?));
    }
    Ok(parameters)
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
    let mut parameters = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(Malformed::NoValue)?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(Malformed::NoValue);
        }
        let (value, after) = word(after.trim_start())?;
        parameters.push((name.to_owned(), value));
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
        parse(text).unwrap()
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
    fn what_is_neither_form_is_refused() {
        for (text, expected) in [
            ("localhost", Malformed::NoValue),
            ("host=a b", Malformed::NoValue),
            ("a b=c", Malformed::NoValue),
            ("password='x", Malformed::Unclosed),
            ("postgres://[::1/d", Malformed::Bracket),
            ("postgres://h/%ff", Malformed::NotText),
            ("postgres://h/d?sslmode", Malformed::NoValue),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
