//! What components publish of their settings, compared with what components-contrib documents and reads.
//!
//! The glue's code for it runs natively, for all stores in one program.

use crate::files::{self, GO};
use crate::go::Go;
use crate::{CONTRIB_VERSION, Known, Recipe, known, modules};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;
use tempfile::TempDir;

const PROGRAM: &str = include_str!("../tests/settings/main.go");

/// What the program says of a store.
#[derive(Deserialize)]
struct Store {
    #[serde(rename = "type")]
    name: String,
    version: String,
    published: Vec<Setting>,
    documented: Vec<String>,
    profiles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Setting {
    name: String,
    aliases: Option<Vec<String>>,
    kind: String,
    deprecated: bool,
}

impl Setting {
    fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().flatten();
        std::iter::once(&self.name).chain(aliases).map(String::as_str)
    }
}

impl Store {
    /// All names that it publishes.
    fn names(&self) -> BTreeSet<&str> {
        self.published.iter().flat_map(Setting::names).collect()
    }

    /// All names that its reference has, but for those of requests, which some list among the settings.
    fn documented(&self) -> BTreeSet<&str> {
        const OF_REQUESTS: [&str; 3] = ["VersionID", "path", "version_id"];
        let profiles = self.profiles.iter().flat_map(|profile| builtin(profile));
        let own = self.documented.iter().map(String::as_str);
        let is_of_requests = |name: &&str| self.name.starts_with("secretstores.") && OF_REQUESTS.contains(name);
        own.filter(|name| !is_of_requests(name))
            .chain(profiles.copied())
            .collect()
    }

    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// The settings of a profile that several components have: `.build-tools/builtin-authentication-profiles.yaml` of
/// components-contrib, which is not in its module. `sessionName` is documented there, for Kafka and PostgreSQL alone.
fn builtin(profile: &str) -> &'static [&'static str] {
    match profile {
        "aws" => &[
            "region",
            "awsRegion",
            "accessKey",
            "secretKey",
            "sessionToken",
            "assumeRoleArn",
            "trustAnchorArn",
            "trustProfileArn",
        ],
        "azuread" => &[
            "azureClientId",
            "azureEnvironment",
            "azureTenantId",
            "azureClientSecret",
            "azureCertificate",
            "azureCertificateFile",
            "azureCertificatePassword",
        ],
        // The module does not have it; what is published is compared with `undocumented` below.
        "gcp" => &[],
        other => panic!("the profile `{other}` is not known here"),
    }
}

/// The module of the program, which links all stores.
pub(crate) fn program(go: &Go) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    files::write(&GO, "pkg", &path.join("pkg")).unwrap();
    files::write(&GO, "glue/common/settings", &path.join("settings")).unwrap();
    std::fs::write(path.join("main.go"), PROGRAM).unwrap();
    std::fs::write(path.join("stores.go"), stores(known())).unwrap();
    modules::write(go, &Recipe::known("state.redis", None).unwrap(), path).unwrap();
    folder
}

/// What all stores say, compiled and asked once.
static STORES: LazyLock<Vec<Store>> = LazyLock::new(|| {
    let go = Go::find().unwrap();
    let folder = program(&go);
    let path = folder.path();
    let contrib = format!("{}@{CONTRIB_VERSION}", modules::CONTRIB);
    let downloaded = run(&go, path, &["mod", "download", "-json", &contrib]);
    let downloaded: serde_json::Value = serde_json::from_slice(&downloaded.stdout).unwrap();
    let contrib = downloaded["Dir"].as_str().unwrap();
    let said = run(&go, path, &["run", "-tags=metadata", ".", contrib]);
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
});

fn run(go: &Go, folder: &Path, args: &[&str]) -> Output {
    let output = go.command(folder).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go {args:?}: {said}");
    output
}

/// The list of the stores, as a file of the program.
fn stores(known: &[Known]) -> String {
    let mut text = "package main\n\nimport (\n\t\"github.com/dapr/kit/logger\"\n\n".to_owned();
    for (number, Known { package, .. }) in known.iter().enumerate() {
        let _ = writeln!(text, "\tstore{number} \"{}/{package}\"", modules::CONTRIB);
    }
    text += ")\n\nvar stores = []store{\n";
    for (number, known) in known.iter().enumerate() {
        let Known {
            name,
            version,
            package,
            constructor,
        } = known;
        let _ = writeln!(
            text,
            "\t{{{name:?}, {version:?}, {package:?}, store{number}.{constructor}(logger.NewLogger(\"settings\"))}},"
        );
    }
    text + "}\n"
}

#[test]
fn all_that_a_reference_has_is_published_as_it_is_spelled_there() {
    assert_eq!(STORES.len(), known().len());
    for store in STORES.iter() {
        let lacking: Vec<_> = store.documented().difference(&store.names()).copied().collect();
        assert!(lacking.is_empty(), "{}: {lacking:?}", store.title());
    }
}

/// What a store reads and its reference does not have: found in its source.
fn undocumented(name: &str) -> Vec<&'static str> {
    let azure = [
        "azureADAuthMethods",
        "azureAuthMethods",
        "azureCloud",
        "clientId",
        "clientSecret",
        "entraIDAuthMethods",
        "microsoftEntraIDAuthMethods",
        "spnCertificate",
        "spnCertificateFile",
        "spnCertificatePassword",
        "spnClientId",
        "spnClientSecret",
        "spnTenantId",
        "tenantId",
    ];
    let azure = || azure.into_iter();
    let postgresql = ["cleanupIntervalInSeconds", "timeoutInSeconds", "url"];
    match name {
        "secretstores.azure.keyvault" => azure().collect(),
        "secretstores.gcp.secretmanager" => [
            "authProviderX509CertURL",
            "authURI",
            "auth_provider_x509_cert_url",
            "auth_uri",
            "clientEmail",
            "clientID",
            "clientX509CertURL",
            "client_email",
            "client_id",
            "client_x509_cert_url",
            "privateKey",
            "privateKeyID",
            "private_key",
            "private_key_id",
            "projectID",
            "project_id",
            "tokenURI",
            "token_uri",
            "type",
        ]
        .into(),
        "state.azure.cosmosdb" => azure().collect(),
        "state.cockroachdb" => postgresql
            .into_iter()
            .chain([
                "database",
                "host",
                "hostaddr",
                "maxConns",
                "password",
                "port",
                "queryExecMode",
                "sslRootCert",
                "user",
            ])
            .collect(),
        "state.postgresql" => azure().chain(postgresql).chain(["sessionName"]).collect(),
        "state.redis" => azure().chain(["maxRetries", "maxRetryBackoff"]).collect(),
        "state.sqlserver" => azure()
            .chain(["cleanupIntervalInSeconds", "database", "databaseName", "schema", "url"])
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_else_is_published_is_what_a_store_reads_and_its_reference_does_not_have() {
    for store in STORES.iter() {
        let more: BTreeSet<_> = store.names().difference(&store.documented()).copied().collect();
        let expected = undocumented(&store.name).into_iter().collect();
        assert_eq!(more, expected, "{}", store.title());
    }
}

#[test]
fn settings_are_what_a_host_takes() {
    for store in STORES.iter() {
        let mut names = BTreeSet::new();
        for setting in &store.published {
            for name in setting.names() {
                assert!(names.insert(name.to_lowercase()), "{}: {name}", store.title());
            }
            let kinds = ["string", "bool", "int", "number", "duration"];
            assert!(
                kinds.contains(&setting.kind.as_str()),
                "{}: {}",
                store.title(),
                setting.kind
            );
        }
    }
}

#[test]
fn a_kind_is_what_the_store_reads_and_what_should_not_be_used_any_more_says_so() {
    let settings: BTreeMap<_, _> = STORES
        .iter()
        .flat_map(|store| {
            store
                .published
                .iter()
                .map(|setting| ((store.name.as_str(), setting.name.as_str()), setting))
        })
        .collect();
    for (store, name, kind, deprecated) in [
        // Milliseconds, whatever its reference says.
        ("state.memcached", "timeout", "int", false),
        ("state.mysql", "cleanupInterval", "duration", false),
        ("state.postgresql", "awsAccessKey", "string", true),
        ("state.postgresql", "useAzureAD", "bool", false),
        ("state.redis", "dialTimeout", "duration", false),
        ("state.redis", "maxRetryBackoff", "int", true),
        ("state.redis", "redisPort", "int", false),
    ] {
        let setting = settings[&(store, name)];
        assert_eq!(
            (setting.kind.as_str(), setting.deprecated),
            (kind, deprecated),
            "{store}: {name}"
        );
    }
}
