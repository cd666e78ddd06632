//! The servers that Dapr's components are tested on: which component each has, and what differs between them.

use dapr_wasm_tests::servers::{Kind, Server, Setup};
use std::thread;

/// A component with the server that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vendor {
    pub(crate) kind: Kind,
    /// Dapr's type.
    pub(crate) component: &'static str,
    /// Dapr's version of it: the newest.
    pub(crate) version: &'static str,
    pub(crate) etags: Feature,
    pub(crate) ttl: Feature,
    pub(crate) start: Start,
}

/// Whether the store has a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    There,
    Lacking,
}

/// What a component does when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It asks its server.
    Asks,
    /// It connects in the background.
    Trusts,
}

pub(crate) const REDIS: Vendor = Vendor {
    kind: Kind::Redis,
    component: "state.redis",
    version: "v1",
    etags: Feature::There,
    ttl: Feature::There,
    start: Start::Asks,
};

pub(crate) const POSTGRESQL: Vendor = Vendor {
    kind: Kind::Postgresql,
    component: "state.postgresql",
    version: "v2",
    ..REDIS
};

pub(crate) const MYSQL: Vendor = Vendor {
    kind: Kind::Mariadb,
    component: "state.mysql",
    ..REDIS
};

pub(crate) const MEMCACHED: Vendor = Vendor {
    kind: Kind::Memcached,
    component: "state.memcached",
    etags: Feature::Lacking,
    ..REDIS
};

pub(crate) const ETCD: Vendor = Vendor {
    kind: Kind::Etcd,
    component: "state.etcd",
    version: "v2",
    etags: Feature::Lacking,
    ttl: Feature::Lacking,
    start: Start::Trusts,
};

pub(crate) const ZOOKEEPER: Vendor = Vendor {
    kind: Kind::ZooKeeper,
    component: "state.zookeeper",
    ttl: Feature::Lacking,
    start: Start::Trusts,
    ..REDIS
};

/// All of them.
const ALL: [Vendor; 6] = [REDIS, POSTGRESQL, MYSQL, MEMCACHED, ETCD, ZOOKEEPER];

/// Checks a claim about each, of several at once: mostly a claim waits for its server.
pub(crate) fn each(claim: impl Fn(Vendor) + Sync) {
    thread::scope(|scope| {
        for vendor in ALL {
            let claim = &claim;
            thread::Builder::new()
                .name(vendor.component.to_owned())
                .spawn_scoped(scope, move || claim(vendor))
                .unwrap();
        }
    });
}

impl Vendor {
    /// Starts a server, with a database in which keys are compared byte for byte where the component does not see to that.
    pub(crate) fn serve(self) -> Server {
        let server = Setup::of(self.kind).start();
        if self.kind == Kind::Mariadb {
            for database in [DATABASE, NATIVE_DATABASE] {
                server.client(&[&format!(
                    "CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
                )]);
            }
        }
        server
    }

    /// What a component is told of its server, which is reached at this address.
    pub(crate) fn settings(self, server: &Server, address: &str) -> Vec<(&'static str, String)> {
        let (user, password) = (server.user().unwrap_or_default(), server.password().unwrap_or_default());
        match self.kind {
            Kind::Redis => vec![("redisHost", address.to_owned())],
            Kind::Memcached => vec![("hosts", address.to_owned())],
            Kind::Etcd => vec![("endpoints", address.to_owned())],
            Kind::ZooKeeper => vec![("servers", address.to_owned()), ("sessionTimeout", "5s".to_owned())],
            Kind::Postgresql => vec![(
                "connectionString",
                format!("postgres://{user}:{password}@{address}/postgres?sslmode=disable"),
            )],
            Kind::Mariadb => vec![(
                "connectionString",
                format!("{user}:{password}@tcp({address})/?allowNativePasswords=true"),
            )],
        }
    }

    /// What is written into `components.toml` for it.
    pub(crate) fn table(self, server: &Server, address: &str) -> String {
        let mut table = format!(
            "[state.statestore]\ntype = {:?}\nversion = {:?}\nsource = \"dapr\"\nallow-hosts = [{address:?}]\n",
            self.component.trim_start_matches("state."),
            self.version,
        );
        for (name, value) in self.settings(server, address) {
            table.push_str(&format!("{name} = {value:?}\n"));
        }
        table
    }

    /// The name of the file that the component is installed as, without its ending.
    pub(crate) fn file(self) -> String {
        match self.version {
            "v1" => self.component.to_owned(),
            version => format!("{}.{version}", self.component),
        }
    }
}

/// The database that `state.mysql` uses unless it is told another.
const DATABASE: &str = "dapr_state_store";

/// One in which the native program makes its own tables.
pub(crate) const NATIVE_DATABASE: &str = "native";
