//! What apps are answered.

use dapr_wasm_tests::{Host, Launch};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Three stores, each of another vendor, with the same two secrets as far as it can have them.
const STORES: &str = r#"
    [secrets.env]
    type = "secretstores.local.env"
    prefix = "APP_"

    [secrets.file]
    type = "local.file"
    secretsFile = "secrets.json"
    multiValued = true

    [secrets.directory]
    type = "local.directory"
    path = "mounted"

    [secrets.private]
    type = "local.env"
    scopes = ["somebody-else"]
"#;

/// Both kinds of app.
const READERS: [&str; 2] = ["secrets-p2", "secrets-p3"];

fn launch(guest: &str, more: &str) -> Launch {
    let launch = Launch::guest(guest)
        .components(&format!("{STORES}\n{more}"))
        .env("APP_token", "t")
        .env("APP_empty", "")
        .env("APP_API_TOKEN", "the host's")
        .env("OTHER", "not the app's");
    write(
        &launch.folder().join("secrets.json"),
        r#"{ "token": "t", "db": { "user": "u", "password": "p" } }"#,
    );
    let mounted = launch.folder().join("mounted");
    write(&mounted.join("token"), "t");
    write(&mounted.join("db/user"), "u");
    write(&mounted.join("db/password"), "p");
    launch
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is writable");
    fs::write(path, text).expect("the folder is writable");
}

/// The answer to a request, as `STATUS TEXT`.
fn said(host: &Host, target: &str) -> String {
    let response = host.get(target);
    format!("{} {}", response.status, response.text())
}

#[test]
fn a_secret_is_the_same_whichever_vendor_keeps_it() {
    for reader in READERS {
        let host = launch(reader, "").start();
        for store in ["env", "file", "directory"] {
            assert_eq!(
                said(&host, &format!("/{store}/token")),
                "200 token=t\n",
                "{reader} {store}"
            );
            assert_eq!(
                said(&host, &format!("/{store}/nothing")),
                "500 no-such-secret: there is no secret `nothing`",
                "{reader} {store}"
            );
        }
        for store in ["file", "directory"] {
            assert_eq!(
                said(&host, &format!("/{store}/db")),
                "200 password=p\nuser=u\n",
                "{reader} {store}"
            );
            assert_eq!(
                said(&host, &format!("/{store}")),
                "200 db/password=p\ndb/user=u\ntoken/token=t\n",
                "{reader} {store}"
            );
        }
        assert_eq!(said(&host, "/env"), "200 empty/empty=\ntoken/token=t\n", "{reader}");
        assert_eq!(said(&host, "/env/empty"), "200 empty=\n", "{reader}");
    }
}

#[test]
fn a_store_that_is_not_for_the_app_is_as_one_that_is_not_there() {
    for reader in READERS {
        let host = launch(reader, "").start();
        for store in ["private", "nowhere"] {
            assert_eq!(
                said(&host, &format!("/{store}/token")),
                format!("500 no-such-store: no secret store `{store}` is configured for this app")
            );
        }
        let none = Launch::guest(reader).components("").start();
        none.wait_for_log("has no secret store: calls answer `not-configured`");
        assert_eq!(said(&none, "/env"), "500 not-configured: no secret store is configured");
    }
}

#[test]
fn an_app_reads_what_its_rules_allow() {
    let rules = r#"
        [app.secrets.file]
        allowedSecrets = ["token"]

        [app.secrets.directory]
        deniedSecrets = ["token", "nothing"]

        [app.secrets.env]
        defaultAccess = "deny"
    "#;
    for reader in READERS {
        let host = launch(reader, rules).start();
        let denied = |name: &str| format!("500 denied: this app may not read the secret `{name}`");
        assert_eq!(said(&host, "/file/token"), "200 token=t\n");
        assert_eq!(said(&host, "/file/db"), denied("db"));
        assert_eq!(said(&host, "/file"), "200 token/token=t\n");
        assert_eq!(said(&host, "/directory/token"), denied("token"));
        // Whether it is there is not told.
        assert_eq!(said(&host, "/directory/nothing"), denied("nothing"));
        assert_eq!(said(&host, "/directory"), "200 db/password=p\ndb/user=u\n");
        assert_eq!(said(&host, "/env/token"), denied("token"));
        assert_eq!(said(&host, "/env"), "200 ");
        let bound = host.wait_for_log("serving http");
        assert!(bound.contains("serving"), "{bound}");
        let log = host.stderr().text();
        for row in ["only `token`", "all but `nothing`, `token`", "no secret of it"] {
            assert!(log.contains(row), "{log}");
        }
    }
}

#[test]
fn what_the_host_is_configured_with_is_denied() {
    let host = launch("secrets-p2", "").start();
    assert_eq!(
        said(&host, "/env/API_TOKEN"),
        "500 denied: the store refused access: this variable is the host's own"
    );
    assert!(!said(&host, "/env").contains("API_TOKEN"));
}

#[test]
fn a_mounted_secret_that_is_replaced_is_there_with_the_next_call() {
    let launch = launch("secrets-p2", "");
    let volume = launch.folder().join("mounted/rotated");
    write(&volume.join("..1/key"), "old");
    symlink("..data/key", volume.join("key")).expect("the folder is writable");
    symlink("..1", volume.join("..data")).expect("the folder is writable");
    let host = launch.start();
    assert_eq!(said(&host, "/directory/rotated"), "200 key=old\n");
    write(&volume.join("..2/key"), "new");
    symlink("..2", volume.join("..data_tmp")).expect("the folder is writable");
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).expect("the folder is writable");
    fs::remove_dir_all(volume.join("..1")).expect("the folder is writable");
    assert_eq!(said(&host, "/directory/rotated"), "200 key=new\n");
}

#[test]
fn no_name_leads_out_of_a_directory() {
    let launch = launch("secrets-p2", "");
    write(&launch.folder().join("outside"), "hunter2");
    symlink(launch.folder().join("outside"), launch.folder().join("mounted/link")).expect("the folder is writable");
    let host = launch.start();
    let whole = launch.folder().join("outside").display().to_string();
    for name in [
        "../outside",
        "link",
        "..",
        ".",
        "db/../../outside",
        "/etc/passwd",
        &whole,
    ] {
        let said = said(&host, &format!("/directory/{name}"));
        assert!(said.starts_with("500 no-such-secret"), "{name}: {said}");
    }
    assert!(!said(&host, "/directory").contains("hunter2"));
}

#[test]
fn what_goes_wrong_is_told_to_the_app_without_paths_and_to_the_log_with_them() {
    let launch = launch("secrets-p2", "");
    write(&launch.folder().join("mounted/large"), &"x".repeat(1 << 20));
    fs::write(launch.folder().join("mounted/binary"), b"hunter2\xff").expect("the folder is writable");
    let host = launch.watched().start();
    assert_eq!(
        said(&host, "/directory/large"),
        "500 too-large: the secret `large` has more than 1048576 bytes"
    );
    assert_eq!(
        said(&host, "/directory/binary"),
        "500 internal: the store failed; the host's log has the cause"
    );
    let line = host.wait_for_log("secret store failed");
    assert!(line.contains("mounted/binary` is not UTF-8 text"), "{line}");
    fs::remove_dir_all(host.folder().join("mounted")).expect("the folder is writable");
    assert_eq!(
        said(&host, "/directory/token"),
        "500 unavailable: the store is unavailable: its directory cannot be read"
    );
    let health = host.health();
    assert_eq!(health.status, 503);
    assert_eq!(
        health.json()["secrets"]["directory"]["reason"],
        "its directory cannot be read"
    );
    assert_eq!(health.json()["secrets"]["file"]["status"], "ok");
    let name = "n".repeat(1025);
    assert!(said(&host, &format!("/file/{name}")).starts_with("500 too-large"));
    assert!(said(&host, "/file/").starts_with("500 invalid"));
}
