//! `{ secret = "NAME" }` in `components.toml`.

use dapr_wasm_tests::{Launch, built};
use std::fs;

#[test]
fn a_secret_reaches_an_app_as_a_variable() {
    let launch = Launch::guest("command").components(
        r#"
        [secrets.file]
        type = "local.file"
        secretsFile = { env = "WHERE" }
        scopes = ["somebody-else"]

        [app.env]
        TOKEN = { secret = "app:token" }
        "#,
    );
    let launch = launch.env("WHERE", "secrets.json");
    fs::write(
        launch.folder().join("secrets.json"),
        r#"{ "app": { "token": "from a secret" } }"#,
    )
    .expect("the folder is writable");
    let ended = launch.run(b"");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(said.contains("environment TOKEN=from a secret"), "{said}");
}

#[test]
fn a_secret_reaches_a_store_as_a_setting() {
    let component = built::guest("store-memory").display().to_string();
    let launch = Launch::guest("kv").components(&format!(
        r#"
        [secrets.directory]
        type = "local.directory"
        path = "mounted"

        [state.statestore]
        type = "wasm"
        component = {component:?}
        metadata = {{ max-size = {{ secret = "store", key = "size" }} }}
        "#
    ));
    let secret = launch.folder().join("mounted/store");
    fs::create_dir_all(&secret).expect("the folder is writable");
    // Room for one item and not for another.
    fs::write(secret.join("size"), "4096").expect("the folder is writable");
    let host = launch.start();
    assert_eq!(host.call("PUT", "/small").body("x").send().status, 204);
    assert_ne!(host.call("PUT", "/large").body(vec![b'x'; 8192]).send().status, 204);
}

#[test]
fn everything_that_is_wrong_with_secrets_is_in_one_report() {
    let launch = Launch::guest("secrets-p2").components(
        r#"
[secrets.file]
type = "local.file"
secretsFile = "gone.json"

[secrets.directory]
type = "local.directory"
path = "mounted"

[app.env]
A = { secret = "a", store = "file" }
B = { secret = "b", store = "directory" }
C = { secret = "db", key = "pasword", store = "directory" }
D = { secret = "binary", store = "directory" }
"#,
    );
    let mounted = launch.folder().join("mounted");
    fs::create_dir_all(mounted.join("db")).expect("the folder is writable");
    fs::write(mounted.join("db/password"), "hunter2").expect("the folder is writable");
    fs::write(mounted.join("binary"), b"hunter2\xff").expect("the folder is writable");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    for part in [
        "4 mistakes in `components.toml`",
        "components.toml:11:16: `A` in `env` needs the secret `a` of `file`, which cannot be read: cannot read the file of \
         secrets `gone.json`: No such file or directory (os error 2)",
        "components.toml:12:16: `B` in `env` needs the secret `b` of `directory`, which is not there",
        "components.toml:13:28: `C` in `env` needs `pasword` in the secret `db` of `directory`, which has no such key",
        "did you mean `password`?",
        "components.toml:14:16: `D` in `env` needs the secret `binary` of `directory`, which cannot be read: ",
        "mounted/binary` is not UTF-8 text",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[test]
fn a_store_that_nothing_refers_to_is_not_opened_for_an_app_without_secrets() {
    let launch = Launch::guest("hello").components("[secrets.file]\ntype = 'local.file'\nsecretsFile = 'gone.json'\n");
    assert_eq!(launch.start().get("/").status, 200);
}

#[test]
fn a_store_that_the_app_uses_is_opened_before_it_serves() {
    let launch =
        Launch::guest("secrets-p2").components("[secrets.file]\ntype = 'local.file'\nsecretsFile = 'gone.json'\n");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let message = "cannot open the secret store `file` (components.toml:1:10)";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}
