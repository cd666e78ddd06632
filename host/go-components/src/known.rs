//! The components of components-contrib that are known to build.

/// A component of components-contrib, by Dapr's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// Dapr's type: `state.redis`.
    pub name: &'static str,
    /// Dapr's version: `v1`.
    pub version: &'static str,
    /// The package below `github.com/dapr/components-contrib/`.
    pub package: &'static str,
    /// Its constructor.
    pub constructor: &'static str,
}

const fn known_as(
    name: &'static str,
    version: &'static str,
    package: &'static str,
    constructor: &'static str,
) -> Known {
    Known {
        name,
        version,
        package,
        constructor,
    }
}

// Without `secretstores.kubernetes`: it builds, and reads its credentials from files, of which a component has none.
static KNOWN: [Known; 28] = [
    known_as(
        "secretstores.alicloud.parameterstore",
        "v1",
        "secretstores/alicloud/parameterstore",
        "NewParameterStore",
    ),
    known_as(
        "secretstores.aws.parameterstore",
        "v1",
        "secretstores/aws/parameterstore",
        "NewParameterStore",
    ),
    known_as(
        "secretstores.aws.secretmanager",
        "v1",
        "secretstores/aws/secretmanager",
        "NewSecretManager",
    ),
    known_as(
        "secretstores.azure.keyvault",
        "v1",
        "secretstores/azure/keyvault",
        "NewAzureKeyvaultSecretStore",
    ),
    known_as(
        "secretstores.gcp.secretmanager",
        "v1",
        "secretstores/gcp/secretmanager",
        "NewSecreteManager",
    ),
    known_as(
        "secretstores.hashicorp.vault",
        "v1",
        "secretstores/hashicorp/vault",
        "NewHashiCorpVaultSecretStore",
    ),
    known_as(
        "secretstores.huaweicloud.csms",
        "v1",
        "secretstores/huaweicloud/csms",
        "NewHuaweiCsmsSecretStore",
    ),
    known_as(
        "secretstores.tencentcloud.ssm",
        "v1",
        "secretstores/tencentcloud/ssm",
        "NewSSM",
    ),
    known_as(
        "state.aws.dynamodb",
        "v1",
        "state/aws/dynamodb",
        "NewDynamoDBStateStore",
    ),
    known_as(
        "state.azure.cosmosdb",
        "v1",
        "state/azure/cosmosdb",
        "NewCosmosDBStateStore",
    ),
    known_as("state.cassandra", "v1", "state/cassandra", "NewCassandraStateStore"),
    known_as("state.cockroachdb", "v1", "state/cockroachdb", "New"),
    known_as("state.couchbase", "v1", "state/couchbase", "NewCouchbaseStateStore"),
    known_as("state.etcd", "v1", "state/etcd", "NewEtcdStateStoreV1"),
    known_as("state.etcd", "v2", "state/etcd", "NewEtcdStateStoreV2"),
    known_as(
        "state.gcp.firestore",
        "v1",
        "state/gcp/firestore",
        "NewFirestoreStateStore",
    ),
    known_as("state.hazelcast", "v1", "state/hazelcast", "NewHazelcastStore"),
    known_as("state.in-memory", "v1", "state/in-memory", "NewInMemoryStateStore"),
    known_as("state.memcached", "v1", "state/memcached", "NewMemCacheStateStore"),
    known_as("state.mongodb", "v1", "state/mongodb", "NewMongoDB"),
    known_as("state.mysql", "v1", "state/mysql", "NewMySQLStateStore"),
    known_as(
        "state.oracledatabase",
        "v1",
        "state/oracledatabase",
        "NewOracleDatabaseStateStore",
    ),
    known_as(
        "state.postgresql",
        "v1",
        "state/postgresql/v1",
        "NewPostgreSQLStateStore",
    ),
    known_as(
        "state.postgresql",
        "v2",
        "state/postgresql/v2",
        "NewPostgreSQLStateStore",
    ),
    known_as("state.redis", "v1", "state/redis", "NewRedisStateStore"),
    known_as("state.rethinkdb", "v1", "state/rethinkdb", "NewRethinkDBStateStore"),
    known_as("state.sqlserver", "v1", "state/sqlserver", "New"),
    known_as("state.zookeeper", "v1", "state/zookeeper", "NewZookeeperStateStore"),
];

/// All that are known, by name and version.
#[must_use]
pub fn known() -> &'static [Known] {
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;

    #[test]
    fn names_are_daprs_and_each_version_is_there_once_in_order() {
        let names: Vec<_> = known().iter().map(|k| (k.name, k.version)).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for Known { name, version, .. } in known() {
            let (_, vendor) = name.split_once('.').unwrap();
            assert!(Block::of(name).is_some(), "{name}");
            assert!(
                !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_lowercase() || b".-".contains(&b)),
                "{name}"
            );
            assert!(["v1", "v2"].contains(version), "{name}");
        }
    }

    #[test]
    fn each_has_a_package_of_its_building_block_and_an_exported_constructor() {
        for Known {
            name,
            package,
            constructor,
            ..
        } in known()
        {
            let (block, _) = package.split_once('/').unwrap();
            assert_eq!(Some(block), Block::of(name).map(|block| block.name), "{name}");
            assert!(constructor.starts_with("New"), "{name}");
        }
    }
}
