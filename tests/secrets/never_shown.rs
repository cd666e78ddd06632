//! A secret in every place, and everything that the host says.
//!
//! What is searched for is a part of each secret, so that one that is shown in pieces or spelled in another way is found, too.

use dapr_wasm_tests::{Launch, built};
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

/// A part of every secret.
const PART: &str = "hunter2";

/// Three stores with a secret each. In the file it has what has to be escaped, in the directory several lines.
const STORES: &str = r#"
[secrets.env]
type = "local.env"

[secrets.file]
type = "local.file"
secretsFile = "secrets.json"

[secrets.directory]
type = "local.directory"
path = "mounted"
"#;

/// How a file refers to each of them, and to a variable of the host.
const REFERENCES: [&str; 4] = [
    r#"{ secret = "PASSWORD", store = "env" }"#,
    r#"{ secret = "db:password", store = "file" }"#,
    r#"{ secret = "db", key = "password", store = "directory" }"#,
    r#"{ env = "VARIABLE" }"#,
];

/// What variables of the host hold.
const VARIABLES: [(&str, &str); 2] = [
    ("PASSWORD", "quote hunter2-env"),
    ("VARIABLE", "quote hunter2 \"of\" a\\variable"),
];

fn launch(guest: &str, more: &str) -> Launch {
    let launch = Launch::guest(guest)
        .components(&format!("{STORES}\n{more}"))
        .option("--log=trace");
    let launch = VARIABLES
        .iter()
        .fold(launch, |launch, (name, value)| launch.env(name, value));
    let folder = launch.folder();
    fs::write(
        folder.join("secrets.json"),
        r#"{ "db": { "password": "quote hunter2 \"in\" a\\file \u00e9" } }"#,
    )
    .expect("the folder is writable");
    fs::create_dir_all(folder.join("mounted/db")).expect("the folder is writable");
    fs::write(folder.join("mounted/db/password"), "quote hunter2-one\nhunter2-two\n").expect("the folder is writable");
    launch
}

/// What `check` says, on both streams.
fn check(launch: &Launch, guest: &str, format: &str) -> String {
    let Output { stdout, stderr, .. } = Command::new(built::binary())
        .arg("check")
        .arg(built::guest(guest))
        .args(["--format", format])
        .current_dir(launch.folder())
        .env_clear()
        .env("HOME", launch.folder())
        .env("XDG_CACHE_HOME", built::cache_home())
        .envs(VARIABLES)
        .output()
        .expect("the host can be started");
    [stdout, stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat()
}

/// That nothing of a secret is in a text, which must have something to say of it.
fn holds_none(text: &str, about: &str) {
    assert!(text.contains(about), "it does not say {about:?}: {text}");
    assert!(!text.contains(PART), "{text}");
}

/// What a host says that does not start, in each way to ask: `run` with its log as text and as JSON, and `check`.
fn each_way_to_fail(guest: &str, more: &str, about: &str) {
    for launch in [launch(guest, more), launch(guest, more).in_json()] {
        let ended = launch.run(b"");
        assert!(!ended.status.success());
        holds_none(&ended.stderr, about);
        assert!(ended.stdout.is_empty());
    }
    for format in ["text", "json"] {
        holds_none(&check(&launch(guest, more), guest, format), about);
    }
}

#[test]
fn a_secret_of_the_wrong_kind_is_named_and_not_shown() {
    let component = built::guest("store-memory").display().to_string();
    for reference in REFERENCES {
        let about = "cannot be the value of";
        let keys = ["memory", "reuse", "request-timeout"].map(|key| format!("{key} = {reference}\n"));
        each_way_to_fail("kv", &format!("[app]\n{}", keys.concat()), about);
        let keys = [
            "deadline",
            "keyPrefix",
            "connectionString",
            "busyTimeout",
            "disableWAL",
            "synchronous",
            "tableName",
            "cleanupInterval",
            "maxSize",
        ];
        let keys = keys.map(|key| format!("{key} = {reference}\n"));
        each_way_to_fail("kv", &format!("[state.s]\ntype = \"sqlite\"\n{}", keys.concat()), about);
        let keys = ["memory", "instances", "start"].map(|key| format!("{key} = {reference}\n"));
        let wasm = format!(
            "[state.s]\ntype = \"wasm\"\ncomponent = {component:?}\nscopes = [{reference}]\nallow-hosts = [{reference}]\n{}",
            keys.concat()
        );
        each_way_to_fail("kv", &wasm, about);
        each_way_to_fail(
            "kv",
            &format!("[state.s]\ntype = {reference}\n"),
            "state store type in the",
        );
        each_way_to_fail(
            "kv",
            &format!("[state.s]\ntype = \"sqlite\"\nversion = {reference}\n"),
            about,
        );
    }
}

/// All the settings of a table that the host reads as something else than a string.
fn all(keys: &[&str], reference: &str) -> String {
    keys.iter().map(|key| format!("{key} = {reference}\n")).collect()
}

#[test]
fn nor_is_one_in_the_settings_of_servers_and_of_resiliency() {
    let about = "cannot be the value of";
    for reference in REFERENCES {
        let redis = all(
            &[
                "redisHost",
                "redisPort",
                "redisDB",
                "redisType",
                "enableTLS",
                "clientCert",
                "clientKey",
                "dialTimeout",
            ],
            reference,
        );
        each_way_to_fail("kv", &format!("[state.s]\ntype = \"redis\"\n{redis}"), about);
        let postgresql = all(
            &[
                "connectionString",
                "hostaddr",
                "port",
                "timeout",
                "maxConns",
                "metadataTableName",
                "queryExecMode",
            ],
            reference,
        );
        each_way_to_fail("kv", &format!("[state.s]\ntype = \"postgresql\"\n{postgresql}"), about);
        let string = format!("[state.s]\ntype = \"postgresql\"\nconnectionString = {reference}\n");
        each_way_to_fail("kv", &string, "`connectionString` is no URL and no words");
        let policies = format!(
            "[resiliency.policies]\ntimeouts.t = {reference}\nretries.r = {{ policy = {reference}, duration = {reference}, \
             maxRetries = {reference} }}\ncircuitBreakers.c = {{ trip = {reference}, timeout = {reference} }}\n"
        );
        each_way_to_fail("kv", &policies, about);
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named_without_the_password_for_it() {
    // Where nobody listens.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port")
        .port();
    for reference in REFERENCES {
        let config = format!("[app.config]\nsetting = {reference}\n");
        let redis = all(&["redisUsername", "redisPassword"], reference);
        let redis = format!("[state.s]\ntype = \"redis\"\nredisHost = \"127.0.0.1:{port}\"\n{redis}");
        let postgresql = all(&["user", "password"], reference);
        let postgresql = format!(
            "[state.s]\ntype = \"postgresql\"\nconnectionString = \"postgres://127.0.0.1:{port}/d\"\n{postgresql}"
        );
        for store in [redis, postgresql] {
            each_way_to_fail("kv", &format!("{config}{store}"), &format!("127.0.0.1:{port}"));
        }
    }
}

#[test]
fn a_setting_that_a_store_refuses_and_quotes_is_masked() {
    let component = built::guest("store-memory").display().to_string();
    for reference in REFERENCES {
        let store =
            format!("[state.s]\ntype = \"wasm\"\ncomponent = {component:?}\nmetadata = {{ max-size = {reference} }}\n");
        each_way_to_fail("kv", &store, "`max-size` is `(secret)");
    }
}

#[test]
fn an_error_of_a_server_that_quotes_a_setting_is_masked_in_the_log_and_for_the_app() {
    let component = built::guest("hostile-store").display().to_string();
    for reference in REFERENCES {
        let store = format!(
            "[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\nmetadata = {{ each = {reference} }}\n"
        );
        for launch in [launch("kv", &store), launch("kv", &store).in_json()] {
            let host = launch.start();
            let answer = host.get("/key");
            assert_eq!(answer.status, 503);
            // Nor does the app get it, which may not know what its store is set up with.
            holds_none(&answer.text(), "the server says");
            host.wait_for_log("the server says");
            holds_none(&host.stderr().text(), "(secret)");
        }
        let host = launch("kv", &store).watched().start();
        assert_eq!(host.get("/key").status, 503);
        holds_none(&host.health().text(), "statestore");
    }
}

#[test]
fn a_variable_of_the_app_is_named_at_the_start_and_not_shown() {
    let variables = REFERENCES.iter().enumerate();
    let variables = variables.map(|(number, reference)| format!("VARIABLE_{number} = {reference}\n"));
    let more = format!("[app.env]\n{}", variables.collect::<String>());
    for launch in [launch("secrets-p2", &more), launch("secrets-p2", &more).in_json()] {
        let host = launch.start();
        // The app gets what it asks for, which is said nowhere else.
        assert!(host.get("/directory/db").text().contains(PART));
        assert!(host.get("/file").text().contains(PART));
        assert!(host.get("/env/PASSWORD").text().contains(PART));
        assert!(!host.get("/env/hunter").text().contains(PART));
        holds_none(&host.stderr().text(), "VARIABLE_3");
    }
    let host = launch("secrets-p2", &more).watched().start();
    assert_eq!(host.get("/file").status, 200);
    holds_none(&host.health().text(), "\"status\":\"ok\"");
    for format in ["text", "json"] {
        holds_none(
            &check(&launch("secrets-p2", &more), "secrets-p2", format),
            "secrets.json",
        );
    }
}

#[test]
fn a_file_of_secrets_that_is_broken_is_not_quoted() {
    for (text, about) in [
        (
            r#"{ "db": { "password": "hunter2" "hunter2" } }"#,
            "is no JSON at line 1, column 33",
        ),
        (r#"["hunter2"]"#, "is no JSON object"),
        (
            r#"{ "db": { "password": "hunter2", "key": null } }"#,
            "has null at `db:key`",
        ),
        (
            r#"{ "db": { "password": "hunter2" }, "db:password": "hunter2" }"#,
            "has two secrets `db:password`",
        ),
    ] {
        let launch = launch("kv", &format!("[app.env]\nA = {}\n", REFERENCES[1]));
        fs::write(launch.folder().join("secrets.json"), text).expect("the folder is writable");
        let ended = launch.run(b"");
        holds_none(&ended.stderr, about);
        holds_none(&check(&launch, "kv", "json"), about);
    }
}
