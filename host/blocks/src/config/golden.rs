//! What users read: each `testdata/NAME.toml` gives `NAME.stderr`. `UPDATE_GOLDEN=1` writes the latter anew.

use super::{
    ComponentType, ComponentVersion, ConfigErrors, Configuration, Elsewhere, Environment, Fetched, FetchedSecrets,
    Implementation, InSeconds, InstalledComponent, KnownType, Property, PropertyKind, SecretStores, Source,
};
use super::{Table, Vendors};
use crate::secrets::{DefaultAccess, Secret};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Vendors with settings like the real ones'.
struct Fake;

#[derive(Debug)]
#[allow(dead_code, reason = "only read to see that reading works")]
enum Settings {
    Memory,
    Sqlite {
        path: PathBuf,
        busy_timeout: Option<Duration>,
        cleanup: Option<InSeconds>,
        synchronous: Option<u8>,
        tls: Option<bool>,
    },
}

impl Vendors for Fake {
    type State = Settings;
    type Secrets = Option<String>;

    fn state_types(&self) -> Vec<KnownType<'_>> {
        ["in-memory", "sqlite", "redis"]
            .map(|name| (name, ComponentVersion::V1))
            .to_vec()
    }

    fn state(&self, kind: &ComponentType, table: &mut Table) -> Result<Settings, ConfigErrors> {
        match (kind.name(), kind.version()) {
            ("in-memory", ComponentVersion::V1) => Ok(Settings::Memory),
            ("sqlite", ComponentVersion::V1) => sqlite(table),
            _ => Err(kind.unknown(&self.state_types())),
        }
    }

    fn secret_types(&self) -> Vec<KnownType<'_>> {
        ["local.env", "local.file"]
            .map(|name| (name, ComponentVersion::V1))
            .to_vec()
    }

    fn secrets(&self, kind: &ComponentType, table: &mut Table) -> Result<Option<String>, ConfigErrors> {
        match (kind.name(), kind.version()) {
            ("local.env", ComponentVersion::V1) => table.take("prefix"),
            ("local.file", ComponentVersion::V1) => table.require("secretsFile").map(Some),
            _ => Err(kind.unknown(&self.secret_types())),
        }
    }

    fn installed(&self, kind: &ComponentType) -> Result<InstalledComponent, ConfigErrors> {
        match (kind.name(), kind.version()) {
            ("mongodb", ComponentVersion::V1) => Ok(mongodb()),
            _ if kind.block() == "state" => Err(kind.unknown(&self.state_types())),
            _ => Err(kind.unknown(&self.secret_types())),
        }
    }
}

/// What a component might say of itself.
fn mongodb() -> InstalledComponent {
    let property = |(name, alias, kind)| Property {
        name: str::to_owned(name),
        aliases: Option::into_iter(alias).map(str::to_owned).collect(),
        kind,
        default: None,
        deprecated: name == "server",
    };
    let properties = [
        ("host", None, PropertyKind::Text),
        ("server", None, PropertyKind::Text),
        ("password", None, PropertyKind::Text),
        ("operationTimeout", Some("timeoutInSeconds"), PropertyKind::Duration),
        ("maxPoolSize", None, PropertyKind::Integer),
        ("tls", None, PropertyKind::Boolean),
    ];
    InstalledComponent {
        file: "/data/state.mongodb.wasm".into(),
        title: "mongodb (Dapr's own)".to_owned(),
        properties: Some(properties.map(property).into()),
        settings_listed: "its settings: show state.mongodb".to_owned(),
    }
}

fn sqlite(table: &mut Table) -> Result<Settings, ConfigErrors> {
    table.alias("url", "connectionString");
    let path = table.require("connectionString");
    let busy_timeout = table.take("busyTimeout");
    let cleanup = table.take("cleanupIntervalInSeconds");
    let synchronous = table.take_choice("synchronous", &[("off", 0), ("normal", 1), ("full", 2)]);
    let tls = table.section("tls", |tls| tls.take("verify"));
    table.finish()?;
    Ok(Settings::Sqlite {
        path: path?,
        busy_timeout: busy_timeout?,
        cleanup: cleanup?,
        synchronous: synchronous?,
        tls: tls?.flatten(),
    })
}

fn parse(text: &str) -> Result<Configuration<Settings>, ConfigErrors> {
    let environment: Environment = [
        ("REDIS_PASSWORD", "hunter2"),
        ("STATE_FILE", "/var/state.db"),
        ("BARS", "hunter2||"),
        ("SQLITE", "sqlite"),
        ("VERSION", "v777"),
        ("EMPTY", ""),
    ]
    .into_iter()
    .collect();
    let source = Source::new("components.toml", "/conf", text);
    let stores = SecretStores::read(source.clone(), environment.clone(), &Fake)?;
    let mut secrets = stores.names.unfetched();
    fetch(&stores, &stores.wanted_first, &mut secrets);
    let elsewhere = Elsewhere::new(environment.clone(), secrets.clone());
    let stores = SecretStores::read(source.clone(), elsewhere, &Fake)?;
    fetch(&stores, &stores.wanted, &mut secrets);
    Configuration::parse(source, Elsewhere::new(environment, secrets), &Fake)
}

/// What each secret store holds, of what the file wants.
fn fetch<S>(stores: &SecretStores<S>, wanted: &BTreeSet<(String, String)>, secrets: &mut FetchedSecrets) {
    let values = |pairs: &[(&str, &str)]| {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), Secret::new((*value).to_owned()));
        Fetched::Found(pairs.iter().map(pair).collect())
    };
    for (store, name) in wanted {
        if !stores.stores.iter().any(|open| open.name.as_str() == store) {
            continue;
        }
        let fetched = match name.as_str() {
            "db" => values(&[("user", "admin"), ("password", "hunter2")]),
            "token" => values(&[("token", "hunter2")]),
            "away" => Fetched::Failed("the store is unavailable: no answer within 5s".to_owned()),
            _ => Fetched::NoSuchSecret,
        };
        secrets.insert(store, name, fetched);
    }
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/testdata")
}

fn files(extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testdata())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_error_reads_as_its_golden_file() {
    let mut wrong = Vec::new();
    for file in files("toml") {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = match parse(&text) {
            Ok(_) => "no error\n".to_owned(),
            Err(errors) => format!("{errors:#}\n"),
        };
        let golden = file.with_extension("stderr");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).unwrap();
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(&found) {
            wrong.push(format!("{}:\n{found}", golden.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_GOLDEN=1 accepts these:\n\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_golden_file_has_its_input() {
    for file in files("stderr") {
        assert!(file.with_extension("toml").exists(), "{}", file.display());
    }
}

#[test]
fn no_line_shows_the_value_of_a_variable() {
    for file in files("stderr") {
        let text = std::fs::read_to_string(&file).unwrap();
        let shows = |value: &str| text.contains(value);
        assert!(!shows("hunter2") && !shows("v777"), "{}", file.display());
    }
}

/// Files as an editor leaves them in the middle of work: whatever is missing or doubled, there is an answer.
#[test]
fn damaged_files_are_answered() {
    for file in files("toml") {
        let text = std::fs::read_to_string(&file).unwrap();
        for (index, c) in text.char_indices() {
            let (before, after) = text.split_at(index);
            let without = after.get(c.len_utf8()..).unwrap();
            for damaged in [
                before.to_owned(),
                format!("{before}{without}"),
                format!("{before}{c}{after}"),
            ] {
                if let Err(errors) = parse(&damaged) {
                    let shown = format!("{errors:#}");
                    assert!(shown.lines().all(|line| !line.contains('\r')), "{shown}");
                }
            }
        }
    }
}

#[test]
fn a_file_without_errors_is_what_it_says() {
    let text = r#"
        [app]
        memory = "64MiB"

        [state.statestore]
        type = "state.sqlite"
        connectionString = "data/state.db"
        busyTimeout = "3s"
        scopes = ["orders"]
        keyPrefix = "Name"
        deadline = "1s"

        [state.cache]
        type = "in-memory"
    "#;
    let configuration = parse(text).unwrap();
    assert_eq!(configuration.app.memory, super::ByteSize::mib(64));
    let [store, cache] = &configuration.state[..] else {
        panic!("two stores")
    };
    assert_eq!(store.name.as_str(), "statestore");
    assert_eq!(
        (store.kind.name(), store.kind.version()),
        ("sqlite", ComponentVersion::V1)
    );
    assert_eq!(store.key_prefix.value, crate::state::KeyPrefix::Name);
    assert_eq!(store.deadline, Duration::from_secs(1));
    assert!(!store.scopes.allow(&"cart".parse().unwrap()));
    assert!(
        matches!(&store.implementation, Implementation::BuiltIn(Settings::Sqlite { path, .. }) if path == Path::new("/conf/data/state.db"))
    );
    assert_eq!(store.location.to_string(), "components.toml:5:16");
    assert_eq!((cache.name.as_str(), cache.deadline), ("cache", Duration::from_secs(5)));
    assert!(matches!(
        cache.implementation,
        Implementation::BuiltIn(Settings::Memory)
    ));
}

#[test]
fn an_installed_component_gets_the_keys_of_its_table() {
    let text = r#"
        [state.statestore]
        type = "state.mongodb"
        server = "db"
        timeoutInSeconds = 30
        tls = true
        password = { env = "REDIS_PASSWORD" }
        allow-hosts = ["db:27017"]
        start = "first-use"
        deadline = "1s"
    "#;
    let configuration = parse(text).unwrap();
    let [store] = &configuration.state[..] else {
        panic!("one store")
    };
    let Implementation::Provider(config) = &store.implementation else {
        panic!("it is not built in")
    };
    let told: Vec<_> = config
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("password", "hunter2"),
            ("server", "db"),
            ("timeoutInSeconds", "30"),
            ("tls", "true")
        ]
    );
    assert_eq!(config.component, Path::new("/data/state.mongodb.wasm"));
    assert_eq!(
        config.to_string(),
        "mongodb (Dapr's own), 512MiB an instance, may reach db:27017, starts with its first use"
    );
    let warnings: Vec<_> = configuration.warnings().map(ToString::to_string).collect();
    assert_eq!(warnings, ["components.toml:4:9: `server` should not be used any more"]);
}

#[test]
fn a_string_may_be_a_secrets() {
    let text = r#"
        [secrets.vault]
        type = "secretstores.local.file"
        secretsFile = { env = "SQLITE" }
        scopes = ["orders"]

        [app]
        env = { TOKEN = { secret = "token" }, secret = "prod" }
        secrets.vault = { defaultAccess = "deny" }

        [state.statestore]
        type = "mongodb"
        server = "db"
        password = { secret = "db", key = "password", store = "vault" }
    "#;
    let configuration = parse(text).unwrap();
    // What the app has, nobody repeats; what the store has, its server may.
    assert_eq!(configuration.hidden.len(), 1);
    assert_eq!(configuration.app.env["TOKEN"], "hunter2");
    assert_eq!(configuration.app.env["secret"], "prod");
    assert_eq!(configuration.app.secrets[0].access.default, DefaultAccess::Deny);
    let Implementation::Provider(config) = &configuration.state[0].implementation else {
        panic!("it is not built in")
    };
    assert_eq!(config.metadata["password"], "hunter2");
    let shown = format!("{configuration:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn each_secret_is_wanted_once_and_only_of_stores() {
    let text = r#"
        [secrets.vault]
        type = "local.file"
        secretsFile = { secret = "none" }

        [app.env]
        A = { secret = "token" }
        B = { secret = "token", store = "vault" }

        [state.s]
        type = "mongodb"
        scopes = [{ secret = "app" }]
    "#;
    let all = |wanted: &BTreeSet<(String, String)>| -> Vec<_> {
        wanted.iter().map(|(store, name)| format!("{store}/{name}")).collect()
    };
    let source = Source::new("components.toml", "/conf", text);
    let stores = SecretStores::read(source, Environment::default(), &Fake).unwrap();
    assert_eq!(all(&stores.wanted), ["vault/app", "vault/token"]);
    // A store of this kind has none from elsewhere: what it wants is not read, and reported later.
    assert_eq!(all(&stores.wanted_first), ["vault/none"]);
    assert_eq!((stores.names.built_in.len(), stores.stores.len()), (1, 0));
}

#[test]
fn a_store_that_is_not_built_in_may_have_a_secret_of_one_that_is() {
    let text = r#"
        [secrets.mounted]
        type = "local.env"

        [secrets.vault]
        type = "mongodb"
        host = "db"
        password = { secret = "token" }
    "#;
    let environment = Environment::default();
    let source = Source::new("components.toml", "/conf", text);
    let first = SecretStores::read(source.clone(), environment.clone(), &Fake).unwrap();
    assert_eq!((first.stores.len(), first.wanted.len()), (1, 0));
    let mut secrets = first.names.unfetched();
    fetch(&first, &first.wanted_first, &mut secrets);
    let elsewhere = Elsewhere::new(environment, secrets);
    let stores = SecretStores::read(source, elsewhere, &Fake).unwrap();
    let [_, vault] = &stores.stores[..] else {
        panic!("two stores")
    };
    let Implementation::Provider(config) = &vault.implementation else {
        panic!("it is not built in")
    };
    assert_eq!(config.metadata["password"], "hunter2");
    let hidden: Vec<_> = stores.hidden.iter().map(Secret::expose).collect();
    assert_eq!(hidden, ["hunter2"]);
    parse(text).unwrap();
}

#[test]
fn source_says_which_of_two_a_type_is() {
    let built_in = |text| matches!(parse(text).unwrap().state[0].implementation, Implementation::BuiltIn(_));
    assert!(built_in("[state.s]\ntype = 'in-memory'\nsource = 'built-in'"));
    assert!(!built_in("[state.s]\ntype = 'mongodb'\nsource = 'dapr'"));
}

#[test]
fn an_empty_file_is_the_defaults_and_no_store() {
    let configuration = parse("").unwrap();
    assert_eq!(configuration.app, super::AppConfig::default());
    assert!(configuration.state.is_empty());
}
