//! `[app]`: what the one app of this host gets, and how much of it.

use super::allowed_hosts::AllowedHosts;
use super::app_secrets::AppSecretAccess;
use super::byte_size::ByteSize;
use super::duration::NonZeroDuration;
use super::error::ConfigErrors;
use super::secrets::EXAMPLE;
use super::table::Table;
use super::value::FromText;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// The settings of `[app]`. The text of each field is its reference.
#[derive(Clone, PartialEq, Eq)]
pub struct AppConfig {
    /// `env`, a table: the environment variables that the app sees. It sees no others. A value may come from the host's
    /// own environment: `env = { DATABASE = "orders", TOKEN = { env = "ORDERS_TOKEN" } }`. Default: none.
    pub env: BTreeMap<String, String>,
    /// `allow-hosts`, a list of `"HOST:PORT"`: the servers that the app may reach, by HTTP and by sockets: a name
    /// (`"api.example.com:443"`), names that end alike (`"*.example.com:443"`), or an address (`"10.0.0.7:8080"`). Default:
    /// none. And `allow-private`, a boolean: whether names of the internet may lead to private addresses. Default: `false`.
    pub allow_hosts: AllowedHosts,
    /// `config`, a table: what `wasi:config` tells the app. Default: nothing.
    pub config: BTreeMap<String, String>,
    /// `memory`, a size of at least 64 KiB: the most that all memories and tables of one instance may have together; growth
    /// beyond it fails in the app. Default: `"128MiB"`.
    pub memory: ByteSize,
    /// `request-timeout`, a duration above zero: after it a request is answered with 504 and its instance ended. Default:
    /// `"30s"`.
    pub request_timeout: Duration,
    /// `reuse`, an integer of at least 1: how many requests an instance serves before it is replaced; 1 gives each request
    /// its own. Default: the host's choice for the kind of app.
    pub reuse: Option<NonZeroU32>,
    /// `secrets`, a table for each store: which of its secrets the app may read. Default: all.
    pub secrets: Vec<AppSecretAccess>,
}

/// A page, the unit in which Wasm memories grow: with less, an app cannot have a memory at all.
const MIN_MEMORY: ByteSize = ByteSize::kib(64);

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            env: BTreeMap::new(),
            allow_hosts: AllowedHosts::default(),
            config: BTreeMap::new(),
            memory: ByteSize::mib(128),
            request_timeout: Duration::from_secs(30),
            reuse: None,
            secrets: Vec::new(),
        }
    }
}

/// Shows the names of variables and of values and not what they are, which may be passwords.
impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            env,
            allow_hosts,
            config,
            memory,
            request_timeout,
            reuse,
            secrets,
        } = self;
        f.debug_struct("AppConfig")
            .field("env", &env.keys())
            .field("allow_hosts", allow_hosts)
            .field("config", &config.keys())
            .field("memory", memory)
            .field("request_timeout", request_timeout)
            .field("reuse", reuse)
            .field("secrets", secrets)
            .finish()
    }
}

impl AppConfig {
    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let env = table.take::<BTreeMap<VariableName, String>>("env");
        let allow_hosts = AllowedHosts::read(table);
        let config = table.take::<BTreeMap<String, String>>("config");
        let memory = table.take_checked("memory", |size: &ByteSize| size.at_least(MIN_MEMORY));
        let request_timeout = table.take::<NonZeroDuration>("request-timeout");
        let reuse = table.take("reuse");
        let secrets = table.named_sections("secrets", EXAMPLE, |name, location, table| {
            AppSecretAccess::read(name, location, table)
        });
        table.finish()?;

        let default = Self::default();
        Ok(Self {
            env: env?
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name.0, value))
                .collect(),
            allow_hosts: allow_hosts?,
            config: config?.unwrap_or_default(),
            memory: memory?.unwrap_or(default.memory),
            request_timeout: request_timeout?.map_or(default.request_timeout, NonZeroDuration::get),
            reuse: reuse?,
            secrets: secrets?,
        })
    }
}

/// The name of an environment variable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct VariableName(String);

/// Why a text is no name of an environment variable.
#[derive(Debug, thiserror::Error)]
enum VariableNameError {
    #[error("the name of a variable cannot be empty")]
    Empty,
    #[error("the name of a variable cannot contain `=` or a NUL character")]
    Forbidden,
}

impl FromText for VariableName {
    const WHAT: &'static str = "the name of an environment variable";
    const EXAMPLE: &'static str = "\"LOG_LEVEL\"";
    type Problem = VariableNameError;

    fn from_text(text: &str) -> Result<Self, VariableNameError> {
        if text.is_empty() {
            return Err(VariableNameError::Empty);
        }
        // What `setenv` refuses: the guest's library could not tell name and value apart.
        if text.contains(['=', '\0']) {
            return Err(VariableNameError::Forbidden);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::allowed_hosts::AllowedHost;
    use super::super::testing::{messages, table};
    use super::*;

    #[test]
    fn an_empty_table_is_the_default() {
        assert_eq!(table("").read(AppConfig::read).unwrap(), AppConfig::default());
    }

    #[test]
    fn all_settings_are_read() {
        let text = "env = { A = 'x', env = 'prod' }\nallow-hosts = ['api.example.com:443']\nconfig = { level = 'high' }\nmemory = '1GiB'\nrequest-timeout = '1m'\nreuse = 100";
        let expected = AppConfig {
            env: [("A", "x"), ("env", "prod")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            allow_hosts: ["api.example.com:443".parse::<AllowedHost>().unwrap()]
                .into_iter()
                .collect(),
            config: [("level".to_owned(), "high".to_owned())].into(),
            memory: ByteSize::mib(1024),
            request_timeout: Duration::from_secs(60),
            reuse: NonZeroU32::new(100),
            secrets: Vec::new(),
        };
        assert_eq!(table(text).read(AppConfig::read).unwrap(), expected);
    }

    #[test]
    fn names_of_variables_are_those_that_can_be_set() {
        let errors = table("env = { '' = 'x', 'A=B' = 'y', C = 'z' }")
            .read(AppConfig::read)
            .unwrap_err();
        assert_eq!(
            messages(errors),
            "a key of `env` cannot be \"\": the name of a variable cannot be empty\n\
             a key of `env` cannot be \"A=B\": the name of a variable cannot contain `=` or a NUL character"
        );
    }

    #[test]
    fn an_app_needs_room_for_a_page() {
        let errors = table("memory = '1KiB'").read(AppConfig::read).unwrap_err();
        assert_eq!(messages(errors), "`memory` cannot be '1KiB': it must be at least 64KiB");
    }

    #[test]
    fn debug_shows_no_value_of_a_variable() {
        let config = table("env = { TOKEN = 'hunter2' }").read(AppConfig::read).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
