//! Secrets of HashiCorp Vault's component. Vault itself may not be had here, so it runs on a stand-in that answers as Vault does
//! (`tests/support/servers/vault.rs`).

use crate::ground::with_installed;
use dapr_wasm_tests::servers::Vault;
use dapr_wasm_tests::servers::vault::TOKEN;
use dapr_wasm_tests::{Host, Launch, PATIENCE, built, until};
use serde_json::json;
use std::process::Command;

/// A part of every secret, and of the token.
const PART: &str = "hunter2";

/// A table for a server, with the token in a variable.
fn table(vault: &Vault, more: &str) -> String {
    let (url, address) = (vault.url(), vault.address());
    format!(
        "[secrets.vault]\ntype = \"hashicorp.vault\"\nvaultAddr = {url:?}\nvaultToken = {{ env = \"VAULT_TOKEN\" }}\n\
         allow-hosts = [{address:?}]\n{more}\n"
    )
}

fn launch(guest: &str, configuration: &str) -> Launch {
    with_installed(guest)
        .components(configuration)
        .env("VAULT_TOKEN", TOKEN)
}

/// A server with two secrets below Dapr's prefix, and one beside it.
fn filled(vault: Vault) -> Vault {
    vault.put("dapr/db", &[("user", "u"), ("password", "p")]);
    vault.put("dapr/team/token", &[("token", "t")]);
    vault.put("elsewhere", &[("key", "not Dapr's")]);
    vault
}

fn vault() -> Vault {
    filled(Vault::start())
}

/// The answer to a request, as `STATUS TEXT`.
fn said(host: &Host, target: &str) -> String {
    let response = host.get(target);
    format!("{} {}", response.status, response.text())
}

/// Whether nothing that was said holds a part of a secret.
fn assert_shown_nowhere(text: &str) {
    assert!(!text.contains(PART), "{text}");
}

// ---- what apps are answered ----

#[test]
fn a_secret_is_read_where_dapr_reads_it_and_with_the_token() {
    let vault = vault();
    for guest in ["secrets-p2", "secrets-p3"] {
        let host = launch(guest, &table(&vault, "")).start();
        assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");
        assert_eq!(said(&host, "/vault/team/token"), "200 token=t\n");
        assert_eq!(
            said(&host, "/vault/nothing"),
            "500 no-such-secret: there is no secret `nothing`"
        );
        assert_eq!(
            said(&host, "/vault"),
            "200 db/password=p\ndb/user=u\nteam/token/token=t\n"
        );
    }
    let asked = vault.asked();
    assert!(
        asked.contains(&"GET /v1/secret/data/dapr/db?version=0".to_owned()),
        "{asked:?}"
    );
}

#[test]
fn the_engine_and_the_prefix_are_the_tables() {
    let vault = vault();
    vault.put("own/db", &[("user", "other")]);
    let host = launch("secrets-p2", &table(&vault, "vaultKVPrefix = \"own\"")).start();
    assert_eq!(said(&host, "/vault/db"), "200 user=other\n");
    let host = launch("secrets-p2", &table(&vault, "vaultKVUsePrefix = false")).start();
    assert_eq!(said(&host, "/vault/elsewhere"), "200 key=not Dapr's\n");
    let host = launch("secrets-p2", &table(&vault, "enginePath = \"kv\"")).start();
    assert!(said(&host, "/vault/db").starts_with("500 no-such-secret"));
    assert!(vault.asked().contains(&"GET /v1/kv/data/dapr/db?version=0".to_owned()));
}

#[test]
fn a_store_without_secrets_has_none() {
    let vault = Vault::start();
    let host = launch("secrets-p2", &table(&vault, "")).start();
    assert_eq!(said(&host, "/vault"), "200 ");
}

#[test]
fn what_vault_refuses_is_denied_and_its_words_are_for_the_log() {
    let vault = vault();
    vault.put("dapr/private", &[("key", "hunter2")]);
    vault.deny("dapr/private");
    let host = launch("secrets-p2", &table(&vault, "")).start();
    let denied = "500 denied: the store refused access: its server refuses";
    assert_eq!(said(&host, "/vault/private"), denied);
    let line = host.wait_for_log("secret store failed");
    assert!(
        line.contains("status code 403") && line.contains("permission denied"),
        "{line}"
    );
    assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");

    let host = with_installed("secrets-p2")
        .components(&table(&vault, ""))
        .env("VAULT_TOKEN", "hvs.another-hunter2")
        .start();
    assert_eq!(said(&host, "/vault/db"), denied);
    assert_eq!(said(&host, "/vault"), denied);
    assert_shown_nowhere(&host.stderr().text());
}

#[test]
fn a_value_that_is_no_text_is_internal_and_not_shown() {
    let vault = vault();
    vault.put_values("dapr/port", [("port".to_owned(), json!(12345))].into());
    let host = launch("secrets-p2", &table(&vault, "")).start();
    assert_eq!(
        said(&host, "/vault/port"),
        "500 internal: the store failed; the host's log has the cause"
    );
    let line = host.wait_for_log("secret store failed");
    assert!(
        line.contains("cannot unmarshal number") && !line.contains("12345"),
        "{line}"
    );
}

#[test]
fn what_is_too_large_is_not_read() {
    let vault = vault();
    vault.put("dapr/large", &[("key", &"x".repeat(2 << 20))]);
    let host = launch("secrets-p2", &table(&vault, "")).start();
    assert_eq!(
        said(&host, "/vault/large"),
        "500 too-large: the store says that it is too large"
    );
    assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");
}

/// The component puts a name into an address as it is.
#[test]
fn a_name_that_vault_would_take_for_another_secrets_is_refused() {
    let vault = vault();
    let rules = "[app.secrets.vault]\ndeniedSecrets = [\"db\"]\n";
    let host = launch("secrets-p2", &table(&vault, rules)).start();
    assert_eq!(
        said(&host, "/vault/db"),
        "500 denied: this app may not read the secret `db`"
    );
    for name in [
        "../elsewhere",
        "./db",
        "team/../db",
        "db?version=1",
        "db/",
        "%64b",
        "team//token",
    ] {
        let answer = said(&host, &format!("/vault/{name}"));
        assert!(answer.starts_with("500 invalid"), "{name}: {answer}");
    }
    assert_eq!(said(&host, "/vault"), "200 team/token/token=t\n");
    let others: Vec<_> = vault
        .asked()
        .into_iter()
        .filter(|asked| {
            asked.starts_with("GET ") && !asked.contains("/dapr/db?") && !asked.contains("/dapr/team/token?")
        })
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

// ---- its settings ----

#[test]
fn a_setting_that_it_does_not_have_or_cannot_read_is_told_before_anything_starts() {
    let vault = vault();
    let ended = launch(
        "secrets-p2",
        &table(&vault, "vaultKvUsePrefx = true\nvaultKVUsePrefix = \"perhaps\""),
    )
    .run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    for part in [
        "components.toml:6:1: unknown key `vaultKvUsePrefx` in [secrets.vault]",
        "did you mean `vaultKVUsePrefix`?",
        "`vaultKVUsePrefix` cannot be \"perhaps\"",
    ] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
    for (setting, instead) in [
        ("vaultTokenMountPath", "put the token into `vaultToken`"),
        ("caCert", "put the certificates into `caPem`"),
    ] {
        let ended = launch("secrets-p2", &table(&vault, &format!("{setting} = \"/etc/file\""))).run(b"");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        for part in [
            "the secret store `vault` (components.toml:1:10) does not start",
            instead,
        ] {
            assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
        }
    }
}

#[test]
fn without_its_server_in_allow_hosts_the_app_hears_nothing_of_it_and_the_operator_how_to_add_it() {
    let vault = vault();
    let table = table(&vault, "").replace("allow-hosts", "# allow-hosts");
    let host = launch("secrets-p2", &table).start();
    let answer = said(&host, "/vault/db");
    assert!(
        answer.starts_with("500 denied") || answer.starts_with("500 unavailable"),
        "{answer}"
    );
    assert!(!answer.contains("localhost"), "{answer}");
    let allow = "allow-hosts = [\"localhost:PORT\"] in [secrets.vault]";
    let line = host.wait_for_log("secret store `vault` may not look up `localhost`");
    assert!(line.contains(allow), "{line}");
    assert!(vault.asked().is_empty());
}

// ---- TLS ----

#[test]
fn over_tls_the_server_is_who_the_certificates_of_the_table_say_and_nobody_else() {
    let vault = filled(Vault::with_tls());
    let trusted = table(&vault, &format!("caPem = {:?}", vault.ca()));
    let host = launch("secrets-p2", &trusted).start();
    assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");

    let host = launch("secrets-p2", &table(&vault, "")).start();
    let answer = said(&host, "/vault/db");
    assert!(!answer.starts_with("200"), "{answer}");
    let line = host.wait_for_log("secret store failed");
    assert!(line.contains("certificate signed by unknown authority"), "{line}");

    let named = table(
        &vault,
        &format!("caPem = {:?}\ntlsServerName = \"other.example\"", vault.ca()),
    );
    let host = launch("secrets-p2", &named).start();
    assert!(!said(&host, "/vault/db").starts_with("200"));
}

// ---- faults ----

#[test]
fn a_server_that_is_away_is_unavailable_and_found_again() {
    let vault = vault();
    vault.stop();
    let host = launch("secrets-p2", &table(&vault, "deadline = \"2s\""))
        .watched()
        .start();
    let away = |host: &Host| {
        let answer = said(host, "/vault/db");
        assert!(answer.starts_with("500 unavailable: "), "{answer}");
        assert!(!answer.contains("localhost") && !answer.contains("dial"), "{answer}");
    };
    away(&host);
    for _ in 0..2 {
        vault.resume();
        until("the server to be found", PATIENCE, || {
            (said(&host, "/vault/db") == "200 password=p\nuser=u\n").then_some(())
        });
        assert_eq!(host.health().status, 200, "{}", host.health().text());
        vault.stop();
        away(&host);
        let health = host.health();
        assert_eq!(health.status, 503, "{}", health.text());
        assert_eq!(
            health.json()["secrets"]["vault"]["reason"],
            "its server cannot be reached; the log has the causes"
        );
        assert_eq!(host.health_of("/healthz/live").status, 200);
    }
    vault.resume();
    until("the host to find it although nobody asks", PATIENCE, || {
        (host.health().status == 200).then_some(())
    });
}

#[test]
fn a_vault_that_is_sealed_is_unavailable_and_one_with_too_many_requests_throttles() {
    let vault = vault();
    let host = launch("secrets-p2", &table(&vault, "")).start();
    for (status, case) in [
        (503, "unavailable"),
        (500, "unavailable"),
        (473, "unavailable"),
        (429, "throttled"),
    ] {
        vault.break_with(Some(status));
        for target in ["/vault/db", "/vault"] {
            let answer = said(&host, target);
            assert!(
                answer.starts_with(&format!("500 {case}: ")),
                "{status} {target}: {answer}"
            );
        }
    }
    vault.break_with(None);
    assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");
}

// ---- what the file refers to ----

/// The app `kv` on a store whose size is a secret of Vault's.
fn referring(vault: &Vault) -> Launch {
    let component = built::guest("store-memory").display().to_string();
    let store = format!(
        "[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\n\
         metadata = {{ max-size = {{ secret = \"store\", key = \"size\", store = \"vault\" }} }}\n"
    );
    launch("kv", &format!("{}\n{store}", table(vault, "")))
}

#[test]
fn a_secret_of_vault_reaches_another_store_as_a_setting() {
    let vault = vault();
    vault.put("dapr/store", &[("size", "4096")]);
    let host = referring(&vault).start();
    assert_eq!(host.call("PUT", "/small").body("x").send().status, 204);
    assert_ne!(host.call("PUT", "/large").body(vec![b'x'; 8192]).send().status, 204);
}

/// As Vault's agent or Kubernetes leaves it in a file.
#[test]
fn the_token_may_be_mounted_and_is_shown_nowhere() {
    let vault = vault();
    vault.put("dapr/store", &[("size", "4096")]);
    let component = built::guest("store-memory").display().to_string();
    let token = "vaultToken = { secret = \"vault\", key = \"token\", store = \"mounted\" }";
    let table = table(&vault, "").replace("vaultToken = { env = \"VAULT_TOKEN\" }", token);
    let configuration = format!(
        "[secrets.mounted]\ntype = \"local.directory\"\npath = \"mounted\"\nscopes = [\"nobody\"]\n{table}\n\
         [state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\n\
         metadata = {{ max-size = {{ secret = \"store\", key = \"size\", store = \"vault\" }} }}\n"
    );
    let launch = |guest: &str, token: &str| {
        let launch = with_installed(guest).components(&configuration).option("--log=trace");
        let mounted = launch.folder().join("mounted/vault");
        std::fs::create_dir_all(&mounted).unwrap();
        std::fs::write(mounted.join("token"), token).unwrap();
        launch
    };
    let host = launch("secrets-p2", TOKEN).start();
    assert_eq!(said(&host, "/vault/db"), "200 password=p\nuser=u\n");
    vault.break_with(Some(500));
    assert!(said(&host, "/vault/db").starts_with("500 "));
    vault.break_with(None);
    host.wait_for_log("secret store failed");
    assert_shown_nowhere(&host.stderr().text());
    // And what Vault has then reaches another store.
    let host = launch("kv", TOKEN).start();
    assert_eq!(host.call("PUT", "/small").body("x").send().status, 204);
    assert_ne!(host.call("PUT", "/large").body(vec![b'x'; 8192]).send().status, 204);
    assert_shown_nowhere(&host.stderr().text());

    let ended = launch("kv", "another-hunter2").run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let message = "needs the secret `store` of `vault`, which cannot be read: the store refused access";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    assert_shown_nowhere(&ended.stderr);
    let without = launch("secrets-p2", "");
    std::fs::remove_file(without.folder().join("mounted/vault/token")).unwrap();
    let ended = without.run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let message = "`vaultToken` needs `token` in the secret `vault` of `mounted`, which has no such key";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}

#[test]
fn a_secret_that_vault_does_not_have_or_give_is_a_mistake_where_the_file_refers_to_it() {
    let vault = vault();
    let ended = referring(&vault).run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let message = "needs the secret `store` of `vault`, which is not there";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    vault.deny("dapr/store");
    let ended = referring(&vault).run(b"");
    assert!(
        ended.stderr.contains("which cannot be read: the store refused access"),
        "{}",
        ended.stderr
    );
    vault.stop();
    let ended = referring(&vault).run(b"");
    assert!(
        ended.stderr.contains("which cannot be read: the store is unavailable"),
        "{}",
        ended.stderr
    );
    assert_shown_nowhere(&ended.stderr);
}

#[test]
fn neither_the_token_nor_a_secret_is_in_anything_that_is_said() {
    let vault = vault();
    vault.put("dapr/app", &[("key", "hunter2 of the app")]);
    let variables = "[app.env]\nA = { secret = \"app\", key = \"key\", store = \"vault\" }\n";
    let configuration = format!("{}\n{variables}", table(&vault, ""));
    for launch in [
        launch("secrets-p2", &configuration).option("--log=trace"),
        launch("secrets-p2", &configuration).option("--log=trace").in_json(),
    ] {
        let host = launch.start();
        assert!(said(&host, "/vault/app").contains("hunter2 of the app"));
        vault.break_with(Some(500));
        assert_shown_nowhere(&said(&host, "/vault/app"));
        vault.break_with(None);
        host.wait_for_log("secret store failed");
        assert_shown_nowhere(&host.stderr().text());
    }
    let host = launch("secrets-p2", &configuration).watched().start();
    assert!(said(&host, "/vault/app").contains("hunter2 of the app"));
    assert_shown_nowhere(&host.health().text());
    for format in ["text", "json"] {
        let launch = launch("secrets-p2", &configuration);
        let output = Command::new(built::binary())
            .arg("check")
            .arg(built::guest("secrets-p2"))
            .args(["--format", format])
            .current_dir(launch.folder())
            .env("XDG_CACHE_HOME", built::cache_home())
            .env("XDG_DATA_HOME", built::data_home())
            .env("VAULT_TOKEN", TOKEN)
            .output()
            .unwrap();
        let (shown, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success() && shown.contains("Dapr's own"),
            "{shown}{errors}"
        );
        assert_shown_nowhere(&shown);
        assert_shown_nowhere(&errors);
    }
}
