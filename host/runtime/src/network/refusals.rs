//! What a provider or an app was refused: told once each, with the line that would allow it.
//!
//! Each goes to the log, and is kept for whoever reports that the provider does not start, which is mostly why.

use crate::needs::Block;
use dapr_blocks::config::{AllowedHost, AllowedHosts};
use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Refusals that are told of. A provider that tries everything must not fill the log.
const TOLD: usize = 16;

/// Characters of a name that are kept: as many as a name of DNS has.
const NAME: usize = 253;

/// Where whoever runs a provider says what it may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedIn {
    /// `allow-hosts` of its table, which is one of this building block.
    Table(Block),
    /// `--allow-host` of the command line, of a state store.
    CommandLine,
    /// `allow-hosts` of `[app]`: it is an app.
    App,
}

impl AllowedIn {
    /// The head of the table for whom the configuration calls `name`.
    fn table(self, name: &str) -> String {
        match self {
            Self::Table(block) => table(block, name),
            Self::App | Self::CommandLine => "[app]".to_owned(),
        }
    }
}

/// What the instances of a provider or an app were refused. Clones are the same.
#[derive(Clone, Debug)]
pub struct Refusals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What the configuration calls it.
    name: Arc<str>,
    allowed: Arc<AllowedHosts>,
    allowed_in: AllowedIn,
    told: Mutex<Vec<Refusal>>,
}

/// Something that a provider was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    LookUp(String),
    /// To a port of a name that it looked up.
    ConnectByName(String, u16),
    /// To a private address that a name of the internet has.
    Private(String, SocketAddr),
    Connect(SocketAddr),
}

impl Refusal {
    pub(super) fn look_up(name: &str) -> Self {
        Self::LookUp(name.chars().take(NAME).collect())
    }

    pub(crate) fn connect(ip: IpAddr, port: u16) -> Self {
        Self::Connect(SocketAddr::new(ip, port))
    }

    /// What a list must have that allows it; none if no list can.
    fn entry(&self) -> Option<String> {
        let valid = |entry: String| entry.parse::<AllowedHost>().ok().map(|entry| entry.to_string());
        match self {
            // Which port it is for shows later.
            Self::LookUp(name) => valid(format!("{name}:1")).map(|_| format!("{name}:PORT")),
            Self::ConnectByName(name, port) => valid(format!("{name}:{port}")),
            Self::Private(_, address) | Self::Connect(address) => valid(address.to_string()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookUp(name) => write!(f, "may not look up `{}`", name.escape_debug()),
            Self::ConnectByName(name, port) => write!(f, "may not connect to {}:{port}", name.escape_debug()),
            Self::Private(name, address) => write!(
                f,
                "may not connect to {}:{} at the private address {}",
                name.escape_debug(),
                address.port(),
                address.ip()
            ),
            Self::Connect(address) => write!(f, "may not connect to {address}"),
        }
    }
}

impl Refusals {
    pub(crate) fn new(name: &Arc<str>, allowed: &Arc<AllowedHosts>, allowed_in: AllowedIn) -> Self {
        Self(Arc::new(Inner {
            name: Arc::clone(name),
            allowed: Arc::clone(allowed),
            allowed_in,
            told: Mutex::default(),
        }))
    }

    /// Those that were told of, each as a sentence with what would allow it.
    pub fn sentences(&self) -> Vec<String> {
        self.told().iter().map(|refusal| self.sentence(refusal)).collect()
    }

    /// Tells of a refusal, the first time.
    pub(crate) fn note(&self, refusal: Refusal) {
        let sentence = self.sentence(&refusal);
        {
            let mut told = self.told();
            if told.len() >= TOLD || told.contains(&refusal) {
                return;
            }
            told.push(refusal);
        }
        // Nobody may be reading the log: who waits for that holds up no other instance.
        let name = &*self.0.name;
        match self.0.allowed_in {
            AllowedIn::App => tracing::warn!(app = name, "{sentence}"),
            AllowedIn::Table(_) | AllowedIn::CommandLine => tracing::warn!(store = name, "{sentence}"),
        }
    }

    fn sentence(&self, refusal: &Refusal) -> String {
        let Inner {
            name,
            allowed,
            allowed_in,
            ..
        } = &*self.0;
        let what = match allowed_in {
            AllowedIn::Table(block) => block.to_string(),
            AllowedIn::CommandLine => Block::State.to_string(),
            AllowedIn::App => "app".to_owned(),
        };
        let mut sentence = format!("{what} `{name}` {refusal}");
        if let Some(entry) = refusal.entry() {
            // Writing to a string does not fail.
            let _ = match allowed_in {
                AllowedIn::CommandLine => write!(sentence, "; allow it with --allow-host {entry}"),
                AllowedIn::Table(_) | AllowedIn::App if matches!(refusal, Refusal::Private(..)) => {
                    write!(
                        sentence,
                        "; allow it with allow-private = true in {}",
                        allowed_in.table(name)
                    )
                }
                AllowedIn::Table(_) | AllowedIn::App => {
                    let entries = allowed.iter().map(ToString::to_string).chain([entry]);
                    let entries: Vec<_> = entries.map(|entry| format!("{entry:?}")).collect();
                    let entries = entries.join(", ");
                    let table = allowed_in.table(name);
                    write!(sentence, "; allow it with allow-hosts = [{entries}] in {table}")
                }
            };
        }
        sentence
    }

    // Nothing that can panic happens while it is held.
    fn told(&self) -> MutexGuard<'_, Vec<Refusal>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The head of a store's table, as TOML has it.
fn table(block: Block, name: &str) -> String {
    let section = match block {
        Block::State => "state",
        Block::Secrets => "secrets",
    };
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match name.bytes().all(is_bare) {
        true => format!("[{section}.{name}]"),
        false => format!("[{section}.{name:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(allowed: &[&str], allowed_in: AllowedIn) -> Refusals {
        let allowed: AllowedHosts = allowed
            .iter()
            .map(|host| host.parse::<AllowedHost>().unwrap())
            .collect();
        Refusals::new(&"mine".into(), &Arc::new(allowed), allowed_in)
    }

    fn address(port: u16) -> Refusal {
        Refusal::connect([10, 0, 0, 7].into(), port)
    }

    #[test]
    fn a_refusal_names_the_store_and_the_line_that_allows_it() {
        let refusals = refusals(&["db.internal:6379"], AllowedIn::Table(Block::State));
        refusals.note(address(80));
        refusals.note(Refusal::ConnectByName("db.internal".to_owned(), 22));
        refusals.note(Refusal::look_up("Other.internal"));
        refusals.note(Refusal::connect("fd00::7".parse().unwrap(), 80));
        assert_eq!(
            refusals.sentences(),
            [
                "state store `mine` may not connect to 10.0.0.7:80; allow it with \
                 allow-hosts = [\"db.internal:6379\", \"10.0.0.7:80\"] in [state.mine]",
                "state store `mine` may not connect to db.internal:22; allow it with \
                 allow-hosts = [\"db.internal:6379\", \"db.internal:22\"] in [state.mine]",
                "state store `mine` may not look up `Other.internal`; allow it with \
                 allow-hosts = [\"db.internal:6379\", \"Other.internal:PORT\"] in [state.mine]",
                "state store `mine` may not connect to [fd00::7]:80; allow it with \
                 allow-hosts = [\"db.internal:6379\", \"[fd00::7]:80\"] in [state.mine]",
            ]
        );
    }

    #[test]
    fn on_the_command_line_it_is_an_option() {
        let refusals = refusals(&["db.internal:6379"], AllowedIn::CommandLine);
        refusals.note(address(80));
        let sentence = "state store `mine` may not connect to 10.0.0.7:80; allow it with --allow-host 10.0.0.7:80";
        assert_eq!(refusals.sentences(), [sentence]);
    }

    #[test]
    fn an_app_has_a_table_of_its_own() {
        let refusals = refusals(&[], AllowedIn::App);
        refusals.note(Refusal::ConnectByName("api.example.com".to_owned(), 443));
        let sentence = "app `mine` may not connect to api.example.com:443; allow it with \
                        allow-hosts = [\"api.example.com:443\"] in [app]";
        assert_eq!(refusals.sentences(), [sentence]);
    }

    #[test]
    fn a_private_address_of_a_name_is_allowed_by_a_key_or_as_an_address() {
        let private = || Refusal::Private("api.example.com".to_owned(), SocketAddr::new([10, 0, 0, 7].into(), 443));
        for (allowed_in, line) in [
            (AllowedIn::App, "with allow-private = true in [app]"),
            (
                AllowedIn::Table(Block::Secrets),
                "with allow-private = true in [secrets.mine]",
            ),
            (AllowedIn::CommandLine, "with --allow-host 10.0.0.7:443"),
        ] {
            let refusals = refusals(&["api.example.com:443"], allowed_in);
            refusals.note(private());
            let told = refusals.sentences();
            let end =
                format!(" may not connect to api.example.com:443 at the private address 10.0.0.7; allow it {line}");
            assert!(told[0].ends_with(&end), "{told:?}");
        }
    }

    #[test]
    fn what_no_list_can_have_gets_no_advice() {
        let refusals = refusals(&[], AllowedIn::Table(Block::State));
        refusals.note(Refusal::look_up("a\"\n b"));
        assert_eq!(
            refusals.sentences(),
            ["state store `mine` may not look up `a\\\"\\n b`"]
        );
    }

    #[test]
    fn the_same_is_told_once_and_only_so_much_at_all() {
        let refusals = refusals(&[], AllowedIn::Table(Block::State));
        for port in [1, 1, 1].into_iter().chain(1..100) {
            refusals.note(address(port));
        }
        let told = refusals.sentences();
        assert_eq!(told.len(), TOLD);
        assert!(told[1].contains("10.0.0.7:2"), "{told:?}");
    }

    #[test]
    fn a_name_that_is_long_is_cut() {
        let refusals = refusals(&[], AllowedIn::Table(Block::State));
        refusals.note(Refusal::look_up(&"a".repeat(1 << 20)));
        assert!(refusals.sentences().iter().all(|sentence| sentence.len() < 400));
    }

    #[test]
    fn a_table_is_written_as_toml_reads_it() {
        assert_eq!(table(Block::State, "my-store_2"), "[state.my-store_2]");
        assert_eq!(table(Block::Secrets, "my store"), "[secrets.\"my store\"]");
    }
}
