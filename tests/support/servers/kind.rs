//! Which servers there are, and what differs between them.

use super::program::Failed;
use super::setup::Place;
use super::{Server, Setup};
use super::{etcd, mariadb, memcached, postgresql, redis, zookeeper};
use rustix::process::Signal;
use std::fmt;
use std::process::Command;
use std::time::Duration;

/// A server that stores talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Redis 7.
    Redis,
    /// PostgreSQL 15.
    Postgresql,
    /// MariaDB 10.11, where Dapr says MySQL.
    Mariadb,
    /// memcached 1.6.
    Memcached,
    /// etcd 3.4.
    Etcd,
    /// ZooKeeper 3.8.
    ZooKeeper,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Redis,
        Self::Postgresql,
        Self::Mariadb,
        Self::Memcached,
        Self::Etcd,
        Self::ZooKeeper,
    ];

    /// Starts one as it comes, and waits until it answers.
    pub fn start(self) -> Server {
        Setup::of(self).start()
    }

    /// Whether what it acknowledged is there after it was killed and started again.
    pub fn keeps_data(self) -> bool {
        self != Self::Memcached
    }

    /// What the server needs in its folder before it starts for the first time.
    pub(super) fn prepare(self, place: &Place) {
        match self {
            Self::Postgresql => postgresql::prepare(place),
            Self::Mariadb => mariadb::prepare(place),
            Self::ZooKeeper => zookeeper::prepare(place),
            Self::Redis | Self::Memcached | Self::Etcd => {}
        }
    }

    /// What starts it, in the foreground.
    pub(super) fn command(self, place: &Place) -> Command {
        match self {
            Self::Redis => redis::command(place),
            Self::Postgresql => postgresql::command(place),
            Self::Mariadb => mariadb::command(place),
            Self::Memcached => memcached::command(place),
            Self::Etcd => etcd::command(place),
            Self::ZooKeeper => zookeeper::command(place),
        }
    }

    /// Whether it does what it is asked.
    pub(super) fn answers(self, place: &Place, within: Duration) -> bool {
        match self {
            Self::Redis => redis::client(place, &["PING"], within).is_ok(),
            Self::Postgresql => postgresql::client(place, &["SELECT 1"], within).is_ok(),
            Self::Mariadb => mariadb::client(place, &["SELECT 1"], within).is_ok(),
            Self::Memcached => memcached::client(place, &["version"], within).is_ok(),
            Self::Etcd => etcd::answers(place, within),
            Self::ZooKeeper => zookeeper::answers(place, within),
        }
    }

    /// What its own client prints.
    pub(super) fn client(self, place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
        match self {
            Self::Redis => redis::client(place, words, within),
            Self::Postgresql => postgresql::client(place, words, within),
            Self::Mariadb => mariadb::client(place, words, within),
            Self::Memcached => memcached::client(place, words, within),
            Self::Etcd => etcd::client(place, words, within),
            Self::ZooKeeper => zookeeper::client(place, words, within),
        }
    }

    /// What asks it to end without waiting for its clients.
    pub(super) fn stop_signal(self) -> Signal {
        match self {
            // With SIGTERM it waits until the last client has left.
            Self::Postgresql => Signal::INT,
            _ => Signal::TERM,
        }
    }

    /// Removes what a killed server leaves outside of its folder.
    pub(super) fn clear(self, place: &Place) {
        if self == Self::Postgresql {
            postgresql::clear(place);
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "redis",
            Self::Postgresql => "postgresql",
            Self::Mariadb => "mariadb",
            Self::Memcached => "memcached",
            Self::Etcd => "etcd",
            Self::ZooKeeper => "zookeeper",
        })
    }
}
