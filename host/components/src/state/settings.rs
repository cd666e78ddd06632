//! The settings of a store, whichever vendor's, and the store that they make.

use dapr_blocks::state::StateStore;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The settings of a state store. `Display` says where it keeps items: `memory, at most 256MiB, lost at exit`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StateSettings {
    /// `type = "in-memory"`
    #[cfg(feature = "state-memory")]
    Memory(super::memory::MemorySettings),
    /// `type = "postgresql"`
    #[cfg(feature = "state-postgresql")]
    Postgresql(Box<super::postgresql::PostgresqlSettings>),
    /// `type = "redis"`
    #[cfg(feature = "state-redis")]
    Redis(super::redis::RedisSettings),
    /// `type = "sqlite"`
    #[cfg(feature = "state-sqlite")]
    Sqlite(super::sqlite::SqliteSettings),
}

/// What there is to be seen of a store before it is used.
#[non_exhaustive]
pub enum Seen {
    /// It asks no server, and was not touched.
    Local,
    /// It is open, and does nothing by itself.
    Open(Arc<dyn StateStore>),
    /// Its server can be used, and lacks what [`StateSettings::open`] makes there.
    ToBeMade,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The PostgreSQL database cannot be used.
    #[cfg(feature = "state-postgresql")]
    #[error(transparent)]
    Postgresql(#[from] super::postgresql::OpenError),
    /// The Redis server cannot be used.
    #[cfg(feature = "state-redis")]
    #[error(transparent)]
    Redis(#[from] super::redis::OpenError),
    /// The SQLite file cannot be used.
    #[cfg(feature = "state-sqlite")]
    #[error(transparent)]
    Sqlite(#[from] super::sqlite::OpenError),
}

impl OpenError {
    /// What to do about it, as a phrase for a line of its own.
    pub fn help(&self) -> Option<String> {
        match *self {
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(ref error) => error.help(),
            #[cfg(feature = "state-redis")]
            Self::Redis(ref error) => error.help(),
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(ref error) => error.help(),
        }
    }
}

impl StateSettings {
    /// Whether it asks a server, which may be away for a while.
    pub fn is_remote(&self) -> bool {
        match *self {
            #[cfg(feature = "state-memory")]
            Self::Memory(_) => false,
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(_) => true,
            #[cfg(feature = "state-redis")]
            Self::Redis(_) => true,
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(_) => false,
        }
    }

    /// The file that it keeps items in, if it does. Others lie beside it whose names begin with its own.
    pub fn file(&self) -> Option<&Path> {
        match *self {
            #[cfg(feature = "state-memory")]
            Self::Memory(_) => None,
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(_) => None,
            #[cfg(feature = "state-redis")]
            Self::Redis(_) => None,
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(ref settings) => Some(&settings.path),
        }
    }

    /// Opens the store. Until then, nothing outside this process was touched.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names what stands in the way.
    pub async fn open(&self) -> Result<Arc<dyn StateStore>, OpenError> {
        // Dereferenced, so that a build without any store is complete with no case at all.
        match *self {
            #[cfg(feature = "state-memory")]
            Self::Memory(ref settings) => Ok(Arc::new(super::memory::MemoryStore::new(settings))),
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(ref settings) => Ok(Arc::new(super::postgresql::PostgresqlStore::open(settings).await?)),
            #[cfg(feature = "state-redis")]
            Self::Redis(ref settings) => Ok(Arc::new(super::redis::RedisStore::open(settings).await?)),
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(ref settings) => Ok(Arc::new(super::sqlite::SqliteStore::open(settings).await?)),
        }
    }
}

impl StateSettings {
    /// Looks at the server of a store that asks one, in the time that opening has: nothing is made, written or removed there.
    ///
    /// # Errors
    ///
    /// As [`StateSettings::open`].
    pub async fn look(&self) -> Result<Seen, OpenError> {
        match *self {
            #[cfg(feature = "state-memory")]
            Self::Memory(_) => Ok(Seen::Local),
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(ref settings) => Ok(match super::postgresql::PostgresqlStore::look(settings).await? {
                Some(store) => Seen::Open(Arc::new(store)),
                None => Seen::ToBeMade,
            }),
            // Opening it makes nothing.
            #[cfg(feature = "state-redis")]
            Self::Redis(_) => self.open().await.map(Seen::Open),
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(_) => Ok(Seen::Local),
        }
    }
}

impl fmt::Display for StateSettings {
    #[cfg_attr(
        not(any(
            feature = "state-memory",
            feature = "state-postgresql",
            feature = "state-redis",
            feature = "state-sqlite"
        )),
        expect(unused_variables)
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            #[cfg(feature = "state-memory")]
            Self::Memory(ref settings) => settings.fmt(f),
            #[cfg(feature = "state-postgresql")]
            Self::Postgresql(ref settings) => settings.fmt(f),
            #[cfg(feature = "state-redis")]
            Self::Redis(ref settings) => settings.fmt(f),
            #[cfg(feature = "state-sqlite")]
            Self::Sqlite(ref settings) => settings.fmt(f),
        }
    }
}
