//! The `metadata` of the store's table in `components.toml`, in Dapr's names.
//!
//! An unknown name is refused, since it is most likely a known one with a mistake in it, whose default would then hold in
//! silence.

use crate::bindings::exports::dapr::state::provider::Error;

/// The names that a table may have.
const NAMES: &str = "`redisHost`, `redisUsername`, `redisPassword` and `redisDB`";

/// Redis's own port.
const PORT: u16 = 6379;

/// What a table may say.
#[derive(Debug, Default)]
pub struct Settings {
    /// `redisHost`: HOST:PORT, or a host.
    pub host: String,
    pub port: u16,
    /// `redisUsername`. Redis has a user `default`, whose password is asked for where there is no name.
    pub username: Option<String>,
    /// `redisPassword`
    pub password: Option<String>,
    /// `redisDB`: a number.
    pub database: u32,
}

impl Settings {
    /// Reads them. What is not said has its default.
    pub fn read(metadata: &[(String, String)]) -> Result<Self, Error> {
        let mut settings = Self::default();
        let mut address = None;
        for (name, value) in metadata {
            let value = value.clone();
            match name.as_str() {
                "redisHost" => address = Some(value),
                "redisUsername" => settings.username = Some(value),
                "redisPassword" => settings.password = Some(value),
                "redisDB" => settings.database = number(&value)?,
                _ => {
                    let fault = format!("unknown metadata `{name}`: this store has {NAMES}");
                    return Err(Error::Invalid(fault));
                }
            }
        }
        let address = address.ok_or_else(|| Error::Invalid("`redisHost` is missing".to_owned()))?;
        (settings.host, settings.port) = server(&address)?;
        Ok(settings)
    }
}

fn number(value: &str) -> Result<u32, Error> {
    let fault = || Error::Invalid(format!("`redisDB` is `{value}`: it must be a number"));
    value.parse().map_err(|_| fault())
}

fn server(address: &str) -> Result<(String, u16), Error> {
    let fault = || Error::Invalid(format!("`redisHost` is `{address}`: it must be HOST or HOST:PORT"));
    let (host, port) = match address.rsplit_once(':') {
        None => (address, PORT),
        Some((host, port)) => (host, port.parse().map_err(|_| fault())?),
    };
    // An IPv6 address is written in brackets, and looked up without.
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner.unwrap_or(host) {
        "" => Err(fault()),
        host if inner.is_none() && host.contains(':') => Err(fault()),
        host => Ok((host.to_owned(), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(metadata: &[(&str, &str)]) -> Result<Settings, String> {
        let metadata: Vec<_> = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::read(&metadata).map_err(|error| match error {
            Error::Invalid(text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_server_is_a_host_with_redis_own_port_or_another() {
        for (address, host, port) in [
            ("db.internal", "db.internal", 6379),
            ("db.internal:6380", "db.internal", 6380),
            ("[fd00::7]:6380", "fd00::7", 6380),
        ] {
            let settings = read(&[("redisHost", address)]).expect(address);
            assert_eq!((settings.host.as_str(), settings.port), (host, port));
        }
        for address in ["", ":6379", "db:port", "db:65536", "fd00::7", "[]:1"] {
            let fault = format!("`redisHost` is `{address}`: it must be HOST or HOST:PORT");
            assert_eq!(read(&[("redisHost", address)]).err(), Some(fault));
        }
        assert_eq!(read(&[]).err().as_deref(), Some("`redisHost` is missing"));
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let settings = read(&[("redisHost", "db")]).expect("it is all that is needed");
        assert_eq!(
            (settings.username, settings.password, settings.database),
            (None, None, 0)
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let fault = format!("unknown metadata `redishost`: this store has {NAMES}");
        assert_eq!(read(&[("redishost", "db")]).err(), Some(fault));
    }

    #[test]
    fn a_database_is_a_number() {
        let fault = "`redisDB` is `one`: it must be a number".to_owned();
        assert_eq!(read(&[("redisHost", "db"), ("redisDB", "one")]).err(), Some(fault));
    }
}
