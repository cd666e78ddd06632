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

const fn state(name: &'static str, version: &'static str, package: &'static str, constructor: &'static str) -> Known {
    Known {
        name,
        version,
        package,
        constructor,
    }
}

static KNOWN: [Known; 20] = [
    state(
        "state.aws.dynamodb",
        "v1",
        "state/aws/dynamodb",
        "NewDynamoDBStateStore",
    ),
    state(
        "state.azure.cosmosdb",
        "v1",
        "state/azure/cosmosdb",
        "NewCosmosDBStateStore",
    ),
    state("state.cassandra", "v1", "state/cassandra", "NewCassandraStateStore"),
    state("state.cockroachdb", "v1", "state/cockroachdb", "New"),
    state("state.couchbase", "v1", "state/couchbase", "NewCouchbaseStateStore"),
    state("state.etcd", "v1", "state/etcd", "NewEtcdStateStoreV1"),
    state("state.etcd", "v2", "state/etcd", "NewEtcdStateStoreV2"),
    state(
        "state.gcp.firestore",
        "v1",
        "state/gcp/firestore",
        "NewFirestoreStateStore",
    ),
    state("state.hazelcast", "v1", "state/hazelcast", "NewHazelcastStore"),
    state("state.in-memory", "v1", "state/in-memory", "NewInMemoryStateStore"),
    state("state.memcached", "v1", "state/memcached", "NewMemCacheStateStore"),
    state("state.mongodb", "v1", "state/mongodb", "NewMongoDB"),
    state("state.mysql", "v1", "state/mysql", "NewMySQLStateStore"),
    state(
        "state.oracledatabase",
        "v1",
        "state/oracledatabase",
        "NewOracleDatabaseStateStore",
    ),
    state(
        "state.postgresql",
        "v1",
        "state/postgresql/v1",
        "NewPostgreSQLStateStore",
    ),
    state(
        "state.postgresql",
        "v2",
        "state/postgresql/v2",
        "NewPostgreSQLStateStore",
    ),
    state("state.redis", "v1", "state/redis", "NewRedisStateStore"),
    state("state.rethinkdb", "v1", "state/rethinkdb", "NewRethinkDBStateStore"),
    state("state.sqlserver", "v1", "state/sqlserver", "New"),
    state("state.zookeeper", "v1", "state/zookeeper", "NewZookeeperStateStore"),
];

/// All that are known, by name and version.
#[must_use]
pub fn known() -> &'static [Known] {
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_daprs_and_each_version_is_there_once_in_order() {
        let names: Vec<_> = known().iter().map(|k| (k.name, k.version)).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for Known { name, version, .. } in known() {
            let (block, vendor) = name.split_once('.').unwrap();
            assert_eq!(block, "state", "{name}");
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
            assert!(package.starts_with("state/"), "{name}");
            assert!(constructor.starts_with("New"), "{name}");
        }
    }
}
