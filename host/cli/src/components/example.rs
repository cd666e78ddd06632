//! A store's table to paste, for a component that was just built.
//!
//! The keys are those without which Dapr's reference page for the store does not start it, with the server on this machine
//! where it can be. `allow-hosts` has the same server: without it the component reaches nothing.

use super::name::Name;
use dapr_blocks::config::ComponentVersion;
use dapr_runtime::needs::Block;
use std::fmt::Write as _;

/// What a store needs: its settings as TOML, and its servers.
struct Needs {
    kind: &'static str,
    settings: &'static str,
    servers: &'static str,
}

const fn needs(kind: &'static str, settings: &'static str, servers: &'static str) -> Needs {
    Needs {
        kind,
        settings,
        servers,
    }
}

const NEEDS: [Needs; 26] = [
    needs(
        "secretstores.alicloud.parameterstore",
        "regionId = \"eu-central-1\"\naccessKeyId = { env = \"ALICLOUD_KEY_ID\" }\naccessKeySecret = { env = \"ALICLOUD_KEY\" }",
        "\"oos.eu-central-1.aliyuncs.com:443\"",
    ),
    needs(
        "secretstores.aws.parameterstore",
        "region = \"eu-central-1\"\naccessKey = { env = \"AWS_KEY_ID\" }\nsecretKey = { env = \"AWS_KEY\" }",
        "\"ssm.eu-central-1.amazonaws.com:443\"",
    ),
    needs(
        "secretstores.aws.secretmanager",
        "region = \"eu-central-1\"\naccessKey = { env = \"AWS_KEY_ID\" }\nsecretKey = { env = \"AWS_KEY\" }",
        "\"secretsmanager.eu-central-1.amazonaws.com:443\"",
    ),
    needs(
        "secretstores.azure.keyvault",
        "vaultName = \"NAME\"\nazureTenantId = \"TENANT\"\nazureClientId = \"CLIENT\"\nazureClientSecret = { env = \"AZURE_CLIENT_SECRET\" }",
        "\"*.vault.azure.net:443\", \"login.microsoftonline.com:443\"",
    ),
    needs(
        "secretstores.gcp.secretmanager",
        "Type = \"service_account\"\nproject_id = \"PROJECT\"\nprivate_key_id = \"KEY_ID\"\nprivate_key = { env = \"GCP_KEY\" }\nclient_email = \"NAME@PROJECT.iam.gserviceaccount.com\"",
        "\"secretmanager.googleapis.com:443\", \"oauth2.googleapis.com:443\"",
    ),
    needs(
        "secretstores.hashicorp.vault",
        "vaultAddr = \"https://vault.internal:8200\"\nvaultToken = { env = \"VAULT_TOKEN\" }",
        "\"vault.internal:8200\"",
    ),
    needs(
        "secretstores.huaweicloud.csms",
        "region = \"eu-west-101\"\naccessKey = { env = \"HUAWEI_KEY_ID\" }\nsecretAccessKey = { env = \"HUAWEI_KEY\" }",
        "\"*.myhuaweicloud.com:443\"",
    ),
    needs(
        "secretstores.tencentcloud.ssm",
        "region = \"eu-frankfurt\"\nsecretId = { env = \"TENCENT_KEY_ID\" }\nsecretKey = { env = \"TENCENT_KEY\" }",
        "\"ssm.tencentcloudapi.com:443\"",
    ),
    needs(
        "state.aws.dynamodb",
        "table = \"dapr\"\nregion = \"eu-central-1\"",
        "\"dynamodb.eu-central-1.amazonaws.com:443\"",
    ),
    needs(
        "state.azure.cosmosdb",
        "url = \"https://ACCOUNT.documents.azure.com\"\nmasterKey = { env = \"COSMOSDB_KEY\" }\ndatabase = \"dapr\"\ncollection = \"state\"",
        "\"*.documents.azure.com:443\"",
    ),
    needs("state.cassandra", "hosts = \"localhost\"", "\"localhost:9042\""),
    needs(
        "state.cockroachdb",
        "connectionString = \"host=localhost user=root port=26257 database=dapr\"",
        "\"localhost:26257\"",
    ),
    needs(
        "state.couchbase",
        "couchbaseURL = \"http://localhost:8091\"\nusername = \"dapr\"\npassword = { env = \"COUCHBASE_PASSWORD\" }\nbucketName = \"dapr\"",
        "\"localhost:8091\", \"localhost:11210\"",
    ),
    needs(
        "state.etcd",
        "endpoints = \"localhost:2379\"\ntlsEnable = false",
        "\"localhost:2379\"",
    ),
    needs(
        "state.gcp.firestore",
        "Type = \"service_account\"\nproject_id = \"PROJECT\"\nprivate_key_id = \"KEY_ID\"\nprivate_key = { env = \"FIRESTORE_KEY\" }\nclient_email = \"NAME@PROJECT.iam.gserviceaccount.com\"",
        "\"datastore.googleapis.com:443\", \"oauth2.googleapis.com:443\"",
    ),
    needs(
        "state.hazelcast",
        "hazelcastServers = \"localhost:5701\"\nhazelcastMap = \"dapr\"",
        "\"localhost:5701\"",
    ),
    needs("state.in-memory", "", ""),
    needs("state.memcached", "hosts = \"localhost:11211\"", "\"localhost:11211\""),
    needs("state.mongodb", "host = \"localhost:27017\"", "\"localhost:27017\""),
    needs(
        "state.mysql",
        "connectionString = { env = \"MYSQL\" }  # \"USER:PASSWORD@tcp(localhost:3306)/?allowNativePasswords=true\"",
        "\"localhost:3306\"",
    ),
    needs(
        "state.oracledatabase",
        "connectionString = { env = \"ORACLE\" }  # \"oracle://USER:PASSWORD@localhost:1521/SERVICE\"",
        "\"localhost:1521\"",
    ),
    needs(
        "state.postgresql",
        "connectionString = { env = \"POSTGRESQL\" }  # \"host=localhost user=USER password=PASSWORD database=dapr\"",
        "\"localhost:5432\"",
    ),
    needs("state.redis", "redisHost = \"localhost:6379\"", "\"localhost:6379\""),
    needs(
        "state.rethinkdb",
        "address = \"localhost:28015\"\ndatabase = \"dapr\"",
        "\"localhost:28015\"",
    ),
    needs(
        "state.sqlserver",
        "connectionString = { env = \"SQLSERVER\" }  # \"server=localhost;user id=USER;password=PASSWORD;database=dapr\"",
        "\"localhost:1433\"",
    ),
    needs(
        "state.zookeeper",
        "servers = \"localhost:2181\"\nsessionTimeout = \"10s\"",
        "\"localhost:2181\"",
    ),
];

/// The table of a store, which is called `store`. `built_in` are the types for which it has to say that it is not one of
/// them.
pub(super) fn table(name: &Name, store: &str, built_in: &[Name]) -> String {
    let short = name.short();
    let section = match name.block() {
        Block::Secrets => "secrets",
        _ => "state",
    };
    let mut table = format!("[{section}.{store}]\ntype = \"{short}\"\n");
    if name.version != ComponentVersion::V1 {
        let _ = writeln!(table, "version = \"{}\"", name.version);
    }
    if built_in.contains(name) {
        table += "source = \"dapr\"\n";
    }
    match NEEDS.iter().find(|needs| needs.kind == name.kind) {
        Some(Needs { settings, servers, .. }) => {
            if !settings.is_empty() {
                let _ = writeln!(table, "{settings}");
            }
            if !servers.is_empty() {
                let _ = writeln!(table, "allow-hosts = [{servers}]");
            }
        }
        None => table += "allow-hosts = []  # the servers that it needs: \"localhost:6379\"\n",
    }
    table
}

/// A name for a store that a table can have without quotes.
pub(super) fn store_name(name: &Name) -> String {
    name.short().replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::super::name::known;
    use super::*;
    use dapr_blocks::config::{
        ComponentType, ConfigErrors, Configuration, Environment, InstalledComponent, KnownType, SecretStores, Source,
        Table, Vendors,
    };

    /// A host with nothing built in, on which everything is installed.
    struct Everything;

    impl Vendors for Everything {
        type State = ();
        type Secrets = ();

        fn state_types(&self) -> Vec<KnownType<'_>> {
            Vec::new()
        }

        fn state(&self, kind: &ComponentType, _: &mut Table) -> Result<(), ConfigErrors> {
            Err(kind.unknown(&[]))
        }

        fn secret_types(&self) -> Vec<KnownType<'_>> {
            Vec::new()
        }

        fn secrets(&self, kind: &ComponentType, _: &mut Table) -> Result<(), ConfigErrors> {
            Err(kind.unknown(&[]))
        }

        fn installed(&self, kind: &ComponentType) -> Result<InstalledComponent, ConfigErrors> {
            Ok(InstalledComponent {
                file: "store.wasm".into(),
                title: kind.full_name(),
                properties: None,
                settings_listed: String::new(),
            })
        }
    }

    #[test]
    fn every_component_that_is_known_has_a_table_that_can_be_read() {
        for name in known() {
            assert!(NEEDS.iter().any(|needs| needs.kind == name.kind), "{name}");
            let text = table(&name, &store_name(&name), &[]);
            // Whatever variables it names.
            let variables = text
                .split("{ env = \"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            let environment: Environment = variables.map(|variable| (variable, "x")).collect();
            let source = Source::new("components.toml", "", &text);
            let secrets = SecretStores::read(source.clone(), environment.clone(), &Everything).unwrap();
            let read = Configuration::parse(source, environment, &Everything);
            let read = read.unwrap_or_else(|errors| panic!("{errors:#}"));
            let kinds = read.state.iter().map(|store| &store.kind);
            let kinds: Vec<_> = kinds.chain(secrets.stores.iter().map(|store| &store.kind)).collect();
            let [kind] = kinds[..] else { panic!("one table: {text}") };
            assert_eq!((kind.full_name(), kind.version()), (name.kind.clone(), name.version));
        }
    }

    #[test]
    fn a_table_says_the_version_and_that_it_is_not_the_built_in_store() {
        let memory = Name::new("state.in-memory", "v1").unwrap();
        assert_eq!(
            table(&memory, "statestore", std::slice::from_ref(&memory)),
            "[state.statestore]\ntype = \"in-memory\"\nsource = \"dapr\"\n"
        );
        let postgresql = Name::new("state.postgresql", "v2").unwrap();
        assert!(table(&postgresql, "s", &[]).starts_with("[state.s]\ntype = \"postgresql\"\nversion = \"v2\"\n"));
        let vault = Name::new("secretstores.hashicorp.vault", "v1").unwrap();
        assert!(table(&vault, "vault", &[]).starts_with("[secrets.vault]\ntype = \"hashicorp.vault\"\n"));
        let own = Name::new("state.mystore", "v1").unwrap();
        assert!(table(&own, "s", &[]).contains("allow-hosts = []"));
    }
}
