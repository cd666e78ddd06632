//! Which vendors this host has: the types that a configuration may name.

use crate::secrets::{self, SecretSettings};
use crate::state::StateSettings;
use dapr_blocks::config::{
    ComponentType, ComponentVersion, ConfigErrors, InstalledComponent, KnownType, Table, Vendors,
};

/// The vendors that are built in, as far as this host's cargo features go.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Vendors for BuiltIn {
    type State = StateSettings;
    type Secrets = SecretSettings;

    fn state_types(&self) -> Vec<KnownType<'_>> {
        let built = STATE.iter().filter(|vendor| vendor.is_built);
        let versions = |vendor: &'static Vendor| vendor.versions.iter().map(|version| (vendor.name, *version));
        built.flat_map(versions).collect()
    }

    #[cfg_attr(
        not(any(
            feature = "state-memory",
            feature = "state-postgresql",
            feature = "state-redis",
            feature = "state-sqlite"
        )),
        expect(unused_variables)
    )]
    fn state(&self, kind: &ComponentType, table: &mut Table) -> Result<StateSettings, ConfigErrors> {
        match kind.name() {
            #[cfg(feature = "state-memory")]
            "in-memory" => crate::state::memory::MemorySettings::read(table).map(StateSettings::Memory),
            #[cfg(feature = "state-postgresql")]
            "postgresql" => crate::state::postgresql::PostgresqlSettings::read(kind.version(), table)
                .map(|settings| StateSettings::Postgresql(Box::new(settings))),
            #[cfg(feature = "state-redis")]
            "redis" => crate::state::redis::RedisSettings::read(table).map(StateSettings::Redis),
            #[cfg(feature = "state-sqlite")]
            "sqlite" => crate::state::sqlite::SqliteSettings::read(table).map(StateSettings::Sqlite),
            _ => Err(kind.unknown(&self.state_types())),
        }
    }

    fn secret_types(&self) -> Vec<KnownType<'_>> {
        secrets::types()
    }

    fn secrets(&self, kind: &ComponentType, table: &mut Table) -> Result<SecretSettings, ConfigErrors> {
        SecretSettings::read(kind, table)
    }

    /// None is: this crate knows what is built in.
    fn installed(&self, kind: &ComponentType) -> Result<InstalledComponent, ConfigErrors> {
        Err(self.lacks(kind).unwrap_or_else(|| kind.unknown(&self.types(kind))))
    }
}

impl BuiltIn {
    /// That a store exists, and not here: in another build of this host, or in Dapr alone.
    #[must_use]
    pub fn lacks(&self, kind: &ComponentType) -> Option<ConfigErrors> {
        match kind.block() {
            secrets::BLOCK => secrets::later(kind),
            _ => without(kind),
        }
    }

    /// The types that are built in of this one's building block.
    #[must_use]
    pub fn types(&self, kind: &ComponentType) -> Vec<KnownType<'_>> {
        match kind.block() {
            secrets::BLOCK => self.secret_types(),
            _ => self.state_types(),
        }
    }
}

/// A state store of this source tree.
struct Vendor {
    name: &'static str,
    versions: &'static [ComponentVersion],
    feature: &'static str,
    is_built: bool,
}

const STATE: [Vendor; 4] = [
    Vendor {
        name: "in-memory",
        versions: &[ComponentVersion::V1],
        feature: "state-memory",
        is_built: cfg!(feature = "state-memory"),
    },
    Vendor {
        name: "postgresql",
        versions: &[ComponentVersion::V1, ComponentVersion::V2],
        feature: "state-postgresql",
        is_built: cfg!(feature = "state-postgresql"),
    },
    Vendor {
        name: "redis",
        versions: &[ComponentVersion::V1],
        feature: "state-redis",
        is_built: cfg!(feature = "state-redis"),
    },
    Vendor {
        name: "sqlite",
        versions: &[ComponentVersion::V1],
        feature: "state-sqlite",
        is_built: cfg!(feature = "state-sqlite"),
    },
];

/// State stores that Dapr has and this version does not (dapr/components-contrib `c23900d2`, `state/*/metadata.yaml`).
/// Whoever can have them as installed components does not ask for them here.
const LATER: [&str; 25] = [
    "aerospike",
    "alicloud.tablestore",
    "aws.dynamodb",
    "azure.blobstorage",
    "azure.cosmosdb",
    "azure.tablestorage",
    "cassandra",
    "cloudflare.workerskv",
    "cockroachdb",
    "coherence",
    "couchbase",
    "etcd",
    "gcp.firestore",
    "hashicorp.consul",
    "hazelcast",
    "jetstream",
    "memcached",
    "mongodb",
    "mysql",
    "oci.objectstorage",
    "oracledatabase",
    "ravendb",
    "rethinkdb",
    "sqlserver",
    "zookeeper",
];

fn without(kind: &ComponentType) -> Option<ConfigErrors> {
    let (name, shown) = (kind.name(), kind.shown());
    if let Some(vendor) = STATE.iter().find(|vendor| vendor.name == name && !vendor.is_built) {
        let error = kind
            .location()
            .error(format!("this host was built without the state store {shown}"));
        return Some(
            error
                .with_help(format!("build it with the cargo feature `{}`", vendor.feature))
                .into(),
        );
    }
    if !LATER.contains(&name) {
        return None;
    }
    let known = STATE
        .iter()
        .filter(|vendor| vendor.is_built)
        .map(|vendor| format!("\"{}\"", vendor.name));
    let known: Vec<_> = known.chain(["\"wasm\"".to_owned()]).collect();
    let help = format!("this version has {}", known.join(", "));
    let error = kind
        .location()
        .error(format!("Dapr's state store {shown} is not in this version yet"));
    Some(error.with_help(help).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::config::{Configuration, Environment, Source};

    fn parse(text: &str) -> Result<Configuration<StateSettings>, ConfigErrors> {
        Configuration::parse(
            Source::new("components.toml", "/conf", text),
            Environment::default(),
            &BuiltIn,
        )
    }

    fn problem(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn a_type_is_read_short_or_as_dapr_writes_it() {
        for text in [
            "[state.s]\ntype = 'in-memory'",
            "[state.s]\ntype = 'state.in-memory'\nversion = 'v1'",
        ] {
            let configuration = parse(text).unwrap();
            assert_eq!(
                configuration.state[0].implementation.to_string(),
                "memory, at most 256MiB, lost at exit"
            );
        }
    }

    #[test]
    fn an_unknown_type_lists_the_known_ones_and_the_nearest() {
        let unknown = problem("[state.s]\ntype = 'sqllite'");
        for part in [
            "components.toml:2:8: ",
            "\"sqllite\"",
            "did you mean \"sqlite\"?",
            "\"in-memory\"",
        ] {
            assert!(unknown.contains(part), "{unknown}");
        }
        let short = problem("[state.s]\ntype = 'memory'");
        assert!(short.contains("did you mean \"in-memory\"?"), "{short}");
    }

    #[test]
    fn a_store_that_only_dapr_has_is_said_to_be_missing() {
        assert_eq!(
            problem("[state.s]\ntype = 'state.mongodb'\nhost = 'localhost:27017'"),
            "components.toml:2:8: Dapr's state store \"mongodb\" is not in this version yet\n  |\n2 | \
             type = 'state.mongodb'\n  |        ^^^^^^^^^^^^^^^ this version has \"in-memory\", \"postgresql\", \"redis\", \"sqlite\", \"wasm\""
        );
    }

    #[test]
    fn another_version_is_refused() {
        for kind in ["in-memory", "sqlite"] {
            let problem = problem(&format!("[state.s]\ntype = '{kind}'\nversion = 'v2'"));
            for part in ["components.toml:3:11: ", "no version v2", "it has \"v1\""] {
                assert!(problem.contains(part), "{problem}");
            }
        }
    }
}
