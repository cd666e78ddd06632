//! How a server is to be started: passwords, TLS, the disk that it writes to.

use super::certificate::Certificate;
use super::disk::Disk;
use super::{Kind, Server, port, program};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The data of a server, in its folder: of Redis only where it has a disk of its own.
pub(super) const DATA: &str = "data";

/// The password of everybody.
const PASSWORD: &str = "secret";

/// A server to be started.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is started yet"]
pub struct Setup {
    kind: Kind,
    access: Access,
    transport: Transport,
    /// Bytes of a disk of its own.
    disk: Option<u64>,
}

/// Whom a server lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Open,
    /// Who knows the password.
    Password,
    /// A user with a password.
    User(&'static str),
}

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    /// And in no other way.
    Tls,
}

impl Setup {
    /// As it comes: PostgreSQL and MariaDB ask for a user and a password, and none speaks TLS.
    pub fn of(kind: Kind) -> Self {
        let access = match kind {
            Kind::Postgresql => Access::User("postgres"),
            Kind::Mariadb => Access::User("app"),
            Kind::Redis | Kind::Memcached | Kind::Etcd | Kind::ZooKeeper => Access::Open,
        };
        Self {
            kind,
            access,
            transport: Transport::Plain,
            disk: None,
        }
    }

    /// Redis with a password.
    pub fn password(self) -> Self {
        assert_eq!(self.kind, Kind::Redis, "{} has no password without a user", self.kind);
        Self {
            access: Access::Password,
            ..self
        }
    }

    /// Redis with a user in its access list, and nobody else.
    pub fn user(self) -> Self {
        assert_eq!(self.kind, Kind::Redis, "{} is as it is with users", self.kind);
        Self {
            access: Access::User("app"),
            ..self
        }
    }

    /// Redis or PostgreSQL with TLS alone, and a certificate of a CA that nobody else knows.
    pub fn tls(self) -> Self {
        let can = matches!(self.kind, Kind::Redis | Kind::Postgresql);
        assert!(can, "{} is not set up with TLS here", self.kind);
        Self {
            transport: Transport::Tls,
            ..self
        }
    }

    /// Redis or PostgreSQL with its data on a disk of its own, which has room for so many bytes and can be filled. Only root
    /// may make one.
    pub fn disk(self, bytes: u64) -> Self {
        let can = matches!(self.kind, Kind::Redis | Kind::Postgresql);
        assert!(can, "{} is not set up with a disk here", self.kind);
        Self {
            disk: Some(bytes),
            ..self
        }
    }

    /// Starts it in a new folder, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it ends before, or takes too long.
    pub fn start(self) -> Server {
        let place = Place::new(self);
        self.kind.prepare(&place);
        Server::starting(place)
    }
}

/// What a server has to itself: a folder, a port, and how to get in.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) access: Access,
    pub(super) transport: Transport,
    pub(super) port: u16,
    /// Before the folder, from which it goes first.
    disk: Option<Disk>,
    folder: TempDir,
}

impl Place {
    fn new(setup: Setup) -> Self {
        let prefix = format!("dapr-wasm-test-{}-", setup.kind);
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir();
        let folder = folder.expect("the system has room for a folder");
        program::give_to_servers(folder.path());
        let disk = setup.disk.map(|bytes| Disk::mount(&folder.path().join(DATA), bytes));
        if setup.transport == Transport::Tls {
            Certificate::make(folder.path());
        }
        Self {
            kind: setup.kind,
            access: setup.access,
            transport: setup.transport,
            port: port::free(),
            disk,
            folder,
        }
    }

    /// Where it runs, and below which all its files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder of it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The disk that its data is on, if that is one of its own.
    pub(super) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Its certificate, if it has one.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        (self.transport == Transport::Tls).then(|| Certificate::of(self.folder()))
    }

    /// Who gets in.
    pub(super) fn user(&self) -> Option<&'static str> {
        match self.access {
            Access::User(user) => Some(user),
            Access::Open | Access::Password => None,
        }
    }

    /// With which password.
    pub(super) fn password(&self) -> Option<&'static str> {
        (self.access != Access::Open).then_some(PASSWORD)
    }

    /// Writes a file that the server reads.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }
}
