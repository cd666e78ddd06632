//! The settings of a secret store, whichever vendor's, and the store that they make.

use super::directory::{self, DirectorySettings, DirectoryStore};
use super::env::{EnvSettings, EnvStore};
use super::file::{self, FileSettings, FileStore};
use dapr_blocks::config::{ComponentType, ComponentVersion, ConfigErrors, KnownType, Table};
use dapr_blocks::secrets::SecretStore;
use std::fmt;
use std::sync::Arc;

/// The settings of a secret store. `Display` says where it reads secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretSettings {
    /// `type = "local.env"`
    Env(EnvSettings),
    /// `type = "local.file"`
    File(FileSettings),
    /// `type = "local.directory"`
    Directory(DirectorySettings),
}

/// Why a secret store could not be opened. No text of it holds a part of a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretOpenError {
    /// The file of secrets cannot be used.
    #[error(transparent)]
    File(#[from] file::OpenError),
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] directory::OpenError),
}

/// What Dapr's full types of secret stores begin with.
pub(crate) const BLOCK: &str = "secretstores";

const TYPES: [&str; 3] = ["local.directory", "local.env", "local.file"];

/// Secret stores that Dapr has and this version does not (dapr/components-contrib `c23900d2`, `secretstores/*/metadata.yaml`).
/// Whoever can have them as installed components does not ask for them here.
const LATER: [&str; 9] = [
    "alicloud.parameterstore",
    "aws.parameterstore",
    "aws.secretmanager",
    "azure.keyvault",
    "gcp.secretmanager",
    "hashicorp.vault",
    "huaweicloud.csms",
    "kubernetes",
    "tencentcloud.ssm",
];

pub(crate) fn types() -> Vec<KnownType<'static>> {
    TYPES.iter().map(|name| (*name, ComponentVersion::V1)).collect()
}

impl SecretSettings {
    pub(crate) fn read(kind: &ComponentType, table: &mut Table) -> Result<Self, ConfigErrors> {
        if !types().contains(&(kind.name(), kind.version())) {
            return Err(kind.unknown(&types()));
        }
        match kind.name() {
            "local.env" => EnvSettings::read(table).map(Self::Env),
            "local.file" => FileSettings::read(table).map(Self::File),
            _ => DirectorySettings::read(table).map(Self::Directory),
        }
    }

    /// Whether it asks a server, which may be away for a while: none of these does.
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Env(_) | Self::File(_) | Self::Directory(_) => false,
        }
    }

    /// Opens the store. Until then, nothing outside this process was touched.
    ///
    /// # Errors
    ///
    /// [`SecretOpenError`] names what stands in the way.
    pub async fn open(&self) -> Result<Arc<dyn SecretStore>, SecretOpenError> {
        Ok(match self {
            Self::Env(settings) => Arc::new(EnvStore::new(settings, std::env::vars_os())),
            Self::File(settings) => Arc::new(FileStore::open(settings).await?),
            Self::Directory(settings) => Arc::new(DirectoryStore::open(settings).await?),
        })
    }
}

impl fmt::Display for SecretSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(settings) => settings.fmt(f),
            Self::File(settings) => settings.fmt(f),
            Self::Directory(settings) => settings.fmt(f),
        }
    }
}

/// That only Dapr has this type so far.
pub(crate) fn later(kind: &ComponentType) -> Option<ConfigErrors> {
    let name = kind.name();
    if !LATER.contains(&name) {
        return None;
    }
    let shown = kind.shown();
    let error = kind
        .location()
        .error(format!("Dapr's secret store {shown} is not in this version yet"));
    let help = match (name, kind.is_foreign()) {
        ("kubernetes", false) => "mount the secrets, and use type = \"local.directory\"".to_owned(),
        _ => {
            let types = TYPES.iter().chain(&["wasm"]).map(|name| format!("\"{name}\""));
            format!("this version has {}", types.collect::<Vec<_>>().join(", "))
        }
    };
    Some(error.with_help(help).into())
}

#[cfg(test)]
mod tests {
    use crate::BuiltIn;
    use dapr_blocks::config::{Configuration, Environment, SecretStores, Source};

    fn source(table: &str) -> Source {
        Source::new("components.toml", "/conf", &format!("[secrets.vault]\n{table}"))
    }

    fn shown(table: &str) -> String {
        let stores = SecretStores::read(source(table), Environment::default(), &BuiltIn).unwrap();
        stores.stores[0].implementation.to_string()
    }

    fn problem(table: &str) -> String {
        let error = Configuration::parse(source(table), Environment::default(), &BuiltIn).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn a_store_is_shown_by_where_it_reads() {
        assert_eq!(shown("type = 'local.env'"), "environment variables");
        assert_eq!(
            shown("type = 'secretstores.local.env'\nprefix = 'APP_'"),
            "environment variables `APP_*`"
        );
        assert_eq!(
            shown("type = 'local.file'\nsecretsFile = 'secrets.json'"),
            "file /conf/secrets.json"
        );
        assert_eq!(
            shown("type = 'local.directory'\npath = '/var/run/secrets/app'"),
            "directory /var/run/secrets/app"
        );
    }

    #[test]
    fn a_store_that_only_dapr_has_is_said_to_come_later() {
        let vault = problem("type = 'secretstores.hashicorp.vault'");
        for part in [
            "components.toml:2:8: Dapr's secret store \"hashicorp.vault\" is not in this version yet",
            "\"local.env\"",
        ] {
            assert!(vault.contains(part), "{vault}");
        }
        let kubernetes = problem("type = 'kubernetes'");
        assert!(kubernetes.contains("use type = \"local.directory\""), "{kubernetes}");
    }

    #[test]
    fn an_unknown_type_or_version_names_the_known_ones() {
        let unknown = problem("type = 'local.fil'");
        for part in [
            "unknown secret store type \"local.fil\"",
            "did you mean \"local.file\"?",
        ] {
            assert!(unknown.contains(part), "{unknown}");
        }
        assert!(unknown.contains("\"wasm\""), "{unknown}");
        let version = problem("type = 'local.env'\nversion = 'v2'");
        assert!(
            version.contains("the secret store \"local.env\" has no version v2"),
            "{version}"
        );
    }
}
