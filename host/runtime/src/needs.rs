//! What satisfies each import on this host, and everything that is missing, before anything is compiled or a port opened.
//!
//! | standing | at start |
//! |---|---|
//! | [`Standing::Host`], [`Standing::Store`] | works |
//! | [`Standing::Denied`] | linked; every call is refused |
//! | [`Standing::NotConfigured`], [`Standing::NotInScope`] | linked, warned of; calls are answered with an error. With `--strict` fatal |
//! | [`Standing::OtherVersion`], [`Standing::NotYet`], [`Standing::Unknown`], [`Standing::WouldTrap`] | fatal |
//!
//! Why an unconfigured building block is not fatal: Python and JavaScript components import their whole world, used or not.

use crate::shape::{ExternName, InterfaceName, Shape, compatible};
use semver::Version;
use std::fmt;

/// The version of `dapr:state` that this host serves.
pub const STATE_VERSION: Version = Version::new(0, 1, 0);
/// The version of `dapr:secrets` that this host serves.
pub const SECRETS_VERSION: Version = Version::new(0, 1, 0);
/// The drafts of `wasi:keyvalue` that this host serves. A draft is served in just this version.
pub(crate) const KEYVALUE_DRAFT: &str = "0.2.0-draft";
pub(crate) const KEYVALUE_DRAFT2: &str = "0.2.0-draft2";
/// The versions of `wasi:config` that this host serves.
pub(crate) const CONFIG_RC1: &str = "0.2.0-rc.1";
pub(crate) const CONFIG_DRAFT: &str = "0.2.0-draft";
/// The version of `wasi:logging` that this host serves.
pub(crate) const LOGGING: &str = "0.1.0-draft";
/// The newest WASI 0.2 that this host serves.
pub const WASI_0_2: Version = Version::new(0, 2, 12);
/// The newest WASI 0.3 that this host serves.
pub const WASI_0_3: Version = Version::new(0, 3, 0);

/// What satisfies an import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// The host itself.
    Host,
    /// Configured Dapr components of these names.
    Store(Block, Vec<String>),
    /// The host, which refuses every call: the text says what is refused.
    Denied(&'static str),
    /// A building block of which no Dapr component is configured.
    NotConfigured(Block),
    /// A building block of which there are Dapr components, for other apps.
    NotInScope(Block),
    /// The interface in a version that this host does not have.
    OtherVersion {
        /// What the host has.
        host: Vec<Version>,
    },
    /// An interface that later versions of this host will have.
    NotYet,
    /// An interface that this host does not know.
    Unknown {
        /// The known interface that is spelled most like it.
        nearest: Option<String>,
    },
    /// An async interface in an app that is entered by this synchronous function: each call would trap.
    WouldTrap(Entry),
}

/// A building block whose Dapr components are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// State.
    State,
    /// Secrets.
    Secrets,
}

/// What one of its components is called.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state store",
            Self::Secrets => "secret store",
        })
    }
}

/// The Dapr components of a host, as one app sees them.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    /// State stores.
    pub state: Stores<'a>,
    /// Secret stores.
    pub secrets: Stores<'a>,
    /// Whether it may reach any server.
    pub egress: bool,
}

/// The stores of a host, as one app sees them.
#[derive(Clone, Copy, Debug)]
pub struct Stores<'a> {
    /// The names of those that it may use.
    pub names: &'a [String],
    /// Whether there are others.
    pub others: bool,
}

impl Standing {
    /// Whether the app cannot run at all.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Host | Self::Store(..) | Self::Denied(_) | Self::NotConfigured(_) | Self::NotInScope(_) => false,
            Self::OtherVersion { .. } | Self::NotYet | Self::Unknown { .. } | Self::WouldTrap(_) => true,
        }
    }

    /// What each call is answered with, where the configuration gives the app no component: fatal only if the user says so.
    pub fn unconfigured(&self) -> Option<&'static str> {
        match self {
            Self::NotConfigured(_) => Some("not-configured"),
            Self::NotInScope(_) => Some("no-such-store"),
            _ => None,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Store(_, names) => write!(f, "{}", names.join(", ")),
            Self::Denied(why) => f.write_str(why),
            Self::NotConfigured(block) => write!(f, "no {block} for this app: calls answer `not-configured`"),
            Self::NotInScope(block) => write!(f, "no {block} for this app: calls answer `no-such-store`"),
            Self::OtherVersion { host } => {
                let versions: Vec<_> = host.iter().map(Version::to_string).collect();
                write!(f, "another version: this host has {}", versions.join(" and "))
            }
            Self::NotYet => f.write_str("not in this version of the host yet"),
            Self::Unknown { nearest: Some(nearest) } => {
                write!(f, "no such capability in this host; did you mean {nearest}?")
            }
            Self::Unknown { nearest: None } => f.write_str("no such capability in this host"),
            Self::WouldTrap(entry) => write!(f, "cannot be waited for in {}: each call would trap", entry.interface()),
        }
    }
}

/// One import and what satisfies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The import.
    pub name: ExternName,
    /// What satisfies it.
    pub standing: Standing,
}

/// How an app is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// `wasi:http/incoming-handler@0.2`: a fresh instance for each request.
    Http02,
    /// `wasi:http/handler@0.3`: instances are reused.
    Http03,
    /// `wasi:cli/run@0.2`: a program that runs once.
    Run02,
    /// `wasi:cli/run@0.3`: a program that runs once.
    Run03,
}

impl Entry {
    /// All of them, in the order in which they are preferred.
    pub const ALL: [Self; 4] = [Self::Http03, Self::Http02, Self::Run03, Self::Run02];

    /// The interface that is exported.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Http02 => "wasi:http/incoming-handler@0.2",
            Self::Http03 => "wasi:http/handler@0.3",
            Self::Run02 => "wasi:cli/run@0.2",
            Self::Run03 => "wasi:cli/run@0.3",
        }
    }

    /// The path of that interface, and the newest version that this host calls.
    fn export(self) -> (&'static str, Version) {
        match self {
            Self::Http02 => ("wasi:http/incoming-handler", WASI_0_2),
            Self::Http03 => ("wasi:http/handler", WASI_0_3),
            Self::Run02 => ("wasi:cli/run", WASI_0_2),
            Self::Run03 => ("wasi:cli/run", WASI_0_3),
        }
    }

    /// Whether what is called by it may wait for async imports.
    pub fn can_wait(self) -> bool {
        matches!(self, Self::Http03 | Self::Run03)
    }

    /// Whether it answers HTTP requests.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http02 | Self::Http03)
    }
}

/// How an app is entered: an HTTP handler before a program, and the newer generation before the older, since a component
/// with both was made to be ready for either.
pub fn entry(shape: &Shape) -> Option<Entry> {
    Entry::ALL.into_iter().find(|entry| {
        let (path, version) = entry.export();
        shape.exports(path, &version)
    })
}

/// Whether an export is an interface by which apps are entered, in this host's version or another.
pub fn is_entry_in_some_version(export: &ExternName) -> bool {
    let is_entry = |name: &InterfaceName| Entry::ALL.iter().any(|entry| entry.export().0 == name.path());
    export.interface().is_some_and(is_entry)
}

/// An interface that this host knows.
struct Known {
    path: &'static str,
    version: Version,
    grant: Grant,
}

/// What an interface that this host knows gives.
#[derive(Clone, Copy)]
enum Grant {
    Host,
    Block(Block),
    Denied(&'static str),
    /// What `allow-hosts` gives, and what is denied where that is empty.
    Egress(&'static str),
    /// None, but for the certificates of who [may read them](reads_certificates).
    Files,
}

const REQUESTS: Grant = Grant::Egress("outgoing requests (no allow-hosts in [app])");
const TCP: Grant = Grant::Egress("sockets (no allow-hosts in [app])");
const NO_UDP: Grant = Grant::Denied("UDP");
const NO_SOCKETS_0_3: Grant = Grant::Denied("sockets of WASI 0.3");

fn known() -> impl Iterator<Item = Known> {
    const V2: &[(&str, Grant)] = &[
        ("wasi:cli/environment", Grant::Host),
        ("wasi:cli/exit", Grant::Host),
        ("wasi:cli/stderr", Grant::Host),
        ("wasi:cli/stdin", Grant::Host),
        ("wasi:cli/stdout", Grant::Host),
        ("wasi:cli/terminal-input", Grant::Host),
        ("wasi:cli/terminal-output", Grant::Host),
        ("wasi:cli/terminal-stderr", Grant::Host),
        ("wasi:cli/terminal-stdin", Grant::Host),
        ("wasi:cli/terminal-stdout", Grant::Host),
        ("wasi:clocks/monotonic-clock", Grant::Host),
        ("wasi:clocks/wall-clock", Grant::Host),
        ("wasi:filesystem/preopens", Grant::Files),
        ("wasi:filesystem/types", Grant::Files),
        ("wasi:http/outgoing-handler", REQUESTS),
        ("wasi:http/types", Grant::Host),
        ("wasi:io/error", Grant::Host),
        ("wasi:io/poll", Grant::Host),
        ("wasi:io/streams", Grant::Host),
        ("wasi:random/insecure", Grant::Host),
        ("wasi:random/insecure-seed", Grant::Host),
        ("wasi:random/random", Grant::Host),
        ("wasi:sockets/instance-network", TCP),
        ("wasi:sockets/ip-name-lookup", TCP),
        ("wasi:sockets/network", TCP),
        ("wasi:sockets/tcp", TCP),
        ("wasi:sockets/tcp-create-socket", TCP),
        ("wasi:sockets/udp", NO_UDP),
        ("wasi:sockets/udp-create-socket", NO_UDP),
    ];
    const V3: &[(&str, Grant)] = &[
        ("wasi:cli/environment", Grant::Host),
        ("wasi:cli/exit", Grant::Host),
        ("wasi:cli/stderr", Grant::Host),
        ("wasi:cli/stdin", Grant::Host),
        ("wasi:cli/stdout", Grant::Host),
        ("wasi:cli/terminal-input", Grant::Host),
        ("wasi:cli/terminal-output", Grant::Host),
        ("wasi:cli/terminal-stderr", Grant::Host),
        ("wasi:cli/terminal-stdin", Grant::Host),
        ("wasi:cli/terminal-stdout", Grant::Host),
        ("wasi:cli/types", Grant::Host),
        ("wasi:clocks/monotonic-clock", Grant::Host),
        ("wasi:clocks/system-clock", Grant::Host),
        ("wasi:clocks/types", Grant::Host),
        ("wasi:filesystem/preopens", Grant::Files),
        ("wasi:filesystem/types", Grant::Files),
        ("wasi:http/client", REQUESTS),
        ("wasi:http/types", Grant::Host),
        ("wasi:random/insecure", Grant::Host),
        ("wasi:random/insecure-seed", Grant::Host),
        ("wasi:random/random", Grant::Host),
        ("wasi:sockets/ip-name-lookup", NO_SOCKETS_0_3),
        ("wasi:sockets/types", NO_SOCKETS_0_3),
    ];
    const STATE: &[(&str, Grant)] = &[
        ("dapr:state/store", Grant::Block(Block::State)),
        ("dapr:state/store-async", Grant::Block(Block::State)),
        ("dapr:state/types", Grant::Host),
    ];
    const SECRETS: &[(&str, Grant)] = &[
        ("dapr:secrets/store", Grant::Block(Block::Secrets)),
        ("dapr:secrets/store-async", Grant::Block(Block::Secrets)),
        ("dapr:secrets/types", Grant::Host),
    ];
    const KEYVALUE: &[(&str, Grant)] = &[
        ("wasi:keyvalue/atomics", Grant::Block(Block::State)),
        ("wasi:keyvalue/batch", Grant::Block(Block::State)),
        ("wasi:keyvalue/store", Grant::Block(Block::State)),
    ];
    const CONFIG: &[(&str, Grant)] = &[("wasi:config/store", Grant::Host)];
    const LOGS: &[(&str, Grant)] = &[("wasi:logging/logging", Grant::Host)];
    let all = [
        (V2, WASI_0_2),
        (V3, WASI_0_3),
        (STATE, STATE_VERSION),
        (SECRETS, SECRETS_VERSION),
        (KEYVALUE, draft(KEYVALUE_DRAFT)),
        (KEYVALUE, draft(KEYVALUE_DRAFT2)),
        (CONFIG, draft(CONFIG_RC1)),
        (CONFIG, draft(CONFIG_DRAFT)),
        (LOGS, draft(LOGGING)),
    ];
    all.into_iter().flat_map(|(interfaces, version)| {
        interfaces.iter().map(move |(path, grant)| Known {
            path,
            version: version.clone(),
            grant: *grant,
        })
    })
}

/// The version of a draft.
pub(crate) fn draft(version: &str) -> Version {
    version.parse().expect("it is a version")
}

/// Whether an interface is one of WASI that a host with `version` has.
pub(crate) fn is_wasi(name: &InterfaceName, version: &Version) -> bool {
    let path = name.path();
    path.starts_with("wasi:") && name.is(&path, version) && known().any(|known| known.path == path)
}

/// Packages that later versions of this host will have.
const PLANNED: &[&str] = &[
    "dapr:actors",
    "dapr:bindings",
    "dapr:configuration",
    "dapr:invoke",
    "dapr:jobs",
    "dapr:lock",
    "dapr:pubsub",
    "dapr:workflow",
];

/// What satisfies each import of a component, in the order of the file, for an app that may use these components.
pub fn needs(shape: &Shape, configured: Configured<'_>) -> Vec<Need> {
    let entry = entry(shape);
    let certificates = reads_certificates(shape, configured.egress);
    let standing = |name: &ExternName| match name.interface() {
        Some(interface) => standing_of(interface, configured, entry, certificates),
        None => Standing::Unknown { nearest: None },
    };
    shape
        .imports
        .iter()
        .map(|name| Need {
            name: name.clone(),
            standing: standing(name),
        })
        .collect()
}

/// Whether an app gets the certificates that the system trusts, by whether it may reach servers: over sockets, TLS is the app's.
pub(crate) fn reads_certificates(shape: &Shape, egress: bool) -> bool {
    egress && shape.imports("wasi:sockets/tcp", &WASI_0_2)
}

fn standing_of(name: &InterfaceName, configured: Configured<'_>, entry: Option<Entry>, certificates: bool) -> Standing {
    let path = name.path();
    let same_path: Vec<_> = known().filter(|known| known.path == path).collect();
    let served = same_path.iter().find(|known| {
        name.version
            .as_ref()
            .is_some_and(|version| compatible(version, &known.version))
    });
    match served.map(|known| known.grant) {
        Some(Grant::Host) => Standing::Host,
        Some(Grant::Denied(why)) => Standing::Denied(why),
        Some(Grant::Egress(_)) if configured.egress => Standing::Host,
        Some(Grant::Egress(why)) => Standing::Denied(why),
        Some(Grant::Files) if certificates => Standing::Denied("files, but for the system's certificates"),
        Some(Grant::Files) => Standing::Denied("files"),
        Some(Grant::Block(block)) => {
            let stores = match block {
                Block::State => configured.state,
                Block::Secrets => configured.secrets,
            };
            match entry {
                Some(entry) if name.interface == "store-async" && !entry.can_wait() => Standing::WouldTrap(entry),
                _ if !stores.names.is_empty() => Standing::Store(block, stores.names.to_vec()),
                _ if stores.others => Standing::NotInScope(block),
                // It has no word for that nothing is configured.
                _ if name.package == "wasi:keyvalue" => Standing::NotInScope(block),
                _ => Standing::NotConfigured(block),
            }
        }
        None if !same_path.is_empty() => Standing::OtherVersion {
            host: same_path.into_iter().map(|known| known.version).collect(),
        },
        None if PLANNED.contains(&name.package.as_str()) => Standing::NotYet,
        None => Standing::Unknown {
            nearest: nearest(&path),
        },
    }
}

/// The known interface that is spelled most like `path`, if it is like it at all.
fn nearest(path: &str) -> Option<String> {
    const ALIKE: f64 = 0.85;
    known()
        .map(|known| (strsim::jaro_winkler(known.path, path), known))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| format!("{}@{}", known.path, known.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(imports: &[&str], exports: &[&str]) -> Shape {
        Shape {
            imports: imports.iter().map(|name| ExternName::parse(name)).collect(),
            exports: exports.iter().map(|name| ExternName::parse(name)).collect(),
            ..Shape::default()
        }
    }

    fn standing(import: &str) -> Standing {
        standing_in("wasi:http/incoming-handler@0.2.10", import, false)
    }

    fn standing_in(export: &str, import: &str, others: bool) -> Standing {
        let none = Stores { names: &[], others };
        let configured = Configured {
            state: none,
            secrets: none,
            egress: false,
        };
        let needs = needs(&shape(&[import], &[export]), configured);
        needs.into_iter().next().unwrap().standing
    }

    #[test]
    fn an_http_handler_is_entered_before_a_program_and_0_3_before_0_2() {
        let all = [
            "wasi:cli/run@0.2.3",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:http/handler@0.3.0",
        ];
        assert_eq!(entry(&shape(&[], &all)), Some(Entry::Http03));
        assert_eq!(entry(&shape(&[], &all[..2])), Some(Entry::Http02));
        assert_eq!(entry(&shape(&[], &all[..1])), Some(Entry::Run02));
        assert_eq!(entry(&shape(&[], &["acme:plugin/run@1.0.0"])), None);
    }

    #[test]
    fn an_entry_of_another_version_is_known_as_one() {
        for (name, is_one) in [
            ("wasi:http/handler@0.3.0-rc-2026-03-15", true),
            ("wasi:cli/run@0.2.3", true),
            ("wasi:http/types@0.2.0", false),
            ("run", false),
        ] {
            assert_eq!(is_entry_in_some_version(&ExternName::parse(name)), is_one, "{name}");
        }
    }

    #[test]
    fn any_patch_version_of_wasi_is_served() {
        assert_eq!(standing("wasi:io/poll@0.2.0"), Standing::Host);
        assert_eq!(standing("wasi:clocks/types@0.3.0"), Standing::Host);
    }

    #[test]
    fn what_the_host_denies_is_linked_and_said() {
        assert!(matches!(
            standing("wasi:http/outgoing-handler@0.2.3"),
            Standing::Denied(_)
        ));
        assert!(!standing("wasi:sockets/tcp@0.2.3").is_fatal());
    }

    #[test]
    fn allow_hosts_gives_requests_and_tcp_and_nothing_else_of_the_network() {
        let none = Stores {
            names: &[],
            others: false,
        };
        let configured = Configured {
            state: none,
            secrets: none,
            egress: true,
        };
        for (import, is_given) in [
            ("wasi:http/outgoing-handler@0.2.3", true),
            ("wasi:http/client@0.3.0", true),
            ("wasi:sockets/tcp@0.2.3", true),
            ("wasi:sockets/ip-name-lookup@0.2.3", true),
            ("wasi:sockets/udp@0.2.3", false),
            ("wasi:sockets/types@0.3.0", false),
        ] {
            let needs = needs(&shape(&[import], &[]), configured);
            assert_eq!(needs[0].standing == Standing::Host, is_given, "{import}");
            assert!(is_given || matches!(needs[0].standing, Standing::Denied(_)), "{import}");
        }
        let files = "wasi:filesystem/types@0.2.3";
        for (imports, denied) in [
            (&[files][..], "files"),
            (
                &[files, "wasi:sockets/tcp@0.2.3"],
                "files, but for the system's certificates",
            ),
        ] {
            let needs = needs(&shape(imports, &[]), configured);
            assert_eq!(needs[0].standing, Standing::Denied(denied), "{imports:?}");
        }
    }

    #[test]
    fn a_building_block_that_is_not_configured_is_no_reason_to_stop() {
        for (import, block) in [
            ("dapr:state/store@0.1.0", Block::State),
            ("dapr:secrets/store@0.1.0", Block::Secrets),
        ] {
            assert_eq!(standing(import), Standing::NotConfigured(block));
        }
        let elsewhere = standing_in("wasi:http/handler@0.3.0", "dapr:state/store@0.1.0", true);
        assert_eq!(elsewhere.unconfigured(), Some("no-such-store"));
        assert!(!elsewhere.is_fatal());
    }

    #[test]
    fn an_async_import_of_a_synchronous_app_would_trap() {
        for (export, entry) in [
            ("wasi:http/incoming-handler@0.2.10", Some(Entry::Http02)),
            ("wasi:cli/run@0.2.10", Some(Entry::Run02)),
            ("wasi:http/handler@0.3.0", None),
            ("wasi:cli/run@0.3.0", None),
        ] {
            let expected = entry.map_or(Standing::NotConfigured(Block::State), Standing::WouldTrap);
            assert_eq!(
                standing_in(export, "dapr:state/store-async@0.1.0", false),
                expected,
                "{export}"
            );
        }
    }

    #[test]
    fn what_no_host_of_this_version_can_satisfy_says_what_it_has() {
        assert_eq!(
            standing("dapr:state/store@2.0.0"),
            Standing::OtherVersion {
                host: vec![STATE_VERSION]
            }
        );
        assert_eq!(standing("dapr:pubsub/publish@0.1.0"), Standing::NotYet);
        let typo = Standing::Unknown {
            nearest: Some("dapr:state/store@0.1.0".to_owned()),
        };
        assert_eq!(standing("dapr:state/sotre@0.1.0"), typo);
        assert_eq!(standing("acme:cache/lru@0.1.0"), Standing::Unknown { nearest: None });
        assert_eq!(standing("log"), Standing::Unknown { nearest: None });
    }
}
