//! Servers that let nobody in, and what is said of them.

use crate::ground::{launch, settings};
use dapr_blocks::secrets::Secret;
use dapr_components::state::redis::{Address, Identity, OpenError, RedisSettings, RedisStore, Tls, Verify};
use dapr_wasm_tests::servers::{Kind, Setup};
use serde_json::Value;
use std::error::Error;
use std::net::TcpListener;
use std::time::{Duration, Instant};

async fn refused(settings: &RedisSettings) -> OpenError {
    match RedisStore::open(settings).await {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

/// The message, the reason and the help.
fn told(error: &OpenError) -> (String, String, String) {
    let reason = error.source().unwrap().to_string();
    (error.to_string(), reason, error.help().unwrap_or_default())
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let server = Setup::of(Kind::Redis).start();
    let (settings, address) = (settings(&server), server.address());
    drop(server);
    let error = refused(&settings).await;
    let (message, reason, help) = told(&error);
    assert_eq!(message, format!("cannot use Redis at `{address}`"));
    assert_eq!(reason, "it cannot be reached");
    assert!(help.starts_with("start Redis there"), "{help}");
    let cause = error.source().unwrap().source().unwrap().to_string();
    assert!(cause.contains("Connection refused"), "{cause}");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told_as_that() {
    let error = refused(&RedisSettings::at(Address::new("no-such-host.invalid", 6379))).await;
    assert_eq!(told(&error).1, "its name cannot be looked up");
}

#[tokio::test]
async fn silence_ends_with_the_dial_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = RedisSettings::at(Address::new("127.0.0.1", silent.local_addr().unwrap().port()));
    settings.dial_timeout = Duration::from_millis(300);
    let asked = Instant::now();
    let error = refused(&settings).await;
    assert!(asked.elapsed() < Duration::from_secs(3));
    assert_eq!(told(&error).1, "it does not answer within the `dialTimeout` of 300ms");
}

#[tokio::test]
async fn a_password_is_asked_for_and_a_wrong_one_is_told_as_that() {
    let server = Setup::of(Kind::Redis).password().start();
    let mut settings = settings(&server);
    settings.password = Some(Secret::new("hunter2".to_owned()));
    let error = refused(&settings).await;
    assert_eq!(told(&error).1, "it refuses the user or the password");
    assert!(!format!("{error:?} {error} {:?}", error.source()).contains("hunter2"));
    settings.password = None;
    let (_, reason, help) = told(&refused(&settings).await);
    assert_eq!(reason, "it asks for a password");
    assert!(help.starts_with("set `redisPassword`"), "{help}");
    // And a password that nobody asked for.
    let open = Setup::of(Kind::Redis).start();
    let mut settings = self::settings(&open);
    settings.password = Some(Secret::new("hunter2".to_owned()));
    assert_eq!(told(&refused(&settings).await).1, "it refuses the user or the password");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_as_that() {
    let server = Setup::of(Kind::Redis).start();
    let mut settings = settings(&server);
    settings.database = 99;
    assert_eq!(told(&refused(&settings).await).1, "it has no database of this number");
}

#[tokio::test]
async fn tls_and_none_do_not_go_together() {
    let plain = Setup::of(Kind::Redis).start();
    let tls = Setup::of(Kind::Redis).tls().start();
    let mut settings = settings(&tls);
    settings.address = Address::new("127.0.0.1", plain.port());
    settings.dial_timeout = Duration::from_secs(2);
    // Redis waits for the end of what it takes for a command.
    let (_, reason, help) = told(&refused(&settings).await);
    assert_eq!(reason, "it does not answer within the `dialTimeout` of 2s");
    assert!(help.contains("`enableTLS`"), "{help}");
    let mut settings = self::settings(&plain);
    settings.address = Address::new("127.0.0.1", tls.port());
    settings.dial_timeout = Duration::from_secs(2);
    let help = told(&refused(&settings).await).2;
    assert!(help.contains("enableTLS = true"), "{help}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let server = Setup::of(Kind::Redis).tls().start();
    server.client(&["CONFIG", "SET", "tls-auth-clients", "yes"]);
    let mut settings = settings(&server);
    let reason = told(&refused(&settings).await).1;
    assert_eq!(reason, "the connection ended before Redis answered");
    // The server's own is as good as any that the CA has signed.
    let read = |name: &str| std::fs::read_to_string(server.folder().join(name)).unwrap();
    let identity = Identity::new(read("server.crt"), Secret::new(read("server.key")));
    settings.tls = Some(Tls::new(Verify::Nothing, Some(identity)));
    RedisStore::open(&settings).await.unwrap();
}

#[test]
fn a_certificate_is_trusted_if_the_system_trusts_who_signed_it() {
    let server = Setup::of(Kind::Redis).user().tls().start();
    let more = "redisUsername = \"app\"\nredisPassword = { env = \"PASSWORD\" }\nenableTLS = true\n";
    let launch = launch(&server.address(), more).env("PASSWORD", server.password().unwrap());
    let ended = launch.clone().run(b"");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    for part in ["TLS cannot be agreed on", "SSL_CERT_FILE"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let host = launch
        .env("SSL_CERT_FILE", server.ca().unwrap().to_str().unwrap())
        .start();
    assert_eq!(host.client().put("/k", "v").status, 204);
    assert_eq!(host.get("/k").text(), "v");
    assert_eq!(server.client(&["HGET", "kv||k", "data"]), "v");
}

#[test]
fn a_host_without_its_server_says_where_it_looked_and_what_to_do() {
    let server = Setup::of(Kind::Redis).start();
    let address = server.address();
    drop(server);
    let ended = launch(&address, "").run(b"");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let expected = format!(
        "error: cannot open the state store `statestore` (components.toml:1:8)\n  because: cannot use Redis at `{address}`\n  \
         because: it cannot be reached\n  because: Connection refused (os error 111)\n  help: start Redis there, or set \
         `redisHost` and `redisPort` to where it is\n"
    );
    assert!(ended.stderr.ends_with(&expected), "{}", ended.stderr);
}

// ---- check

#[test]
fn a_check_asks_the_server_for_an_item_and_writes_none() {
    let server = Setup::of(Kind::Redis).password().start();
    let launch = launch(&server.address(), "redisPassword = { env = \"PASSWORD\" }\n");
    let launch = launch.env("PASSWORD", server.password().unwrap());
    let checked = launch.check("text");
    assert!(checked.status.success(), "{}", checked.stderr);
    assert!(checked.text().contains(": its server answers\n"), "{}", checked.text());
    let checked = launch.check("json");
    assert_eq!(
        (checked.json("/stores/0/answers"), checked.json("/stores/0/error")),
        (true.into(), Value::Null)
    );
    assert_eq!(server.client(&["DBSIZE"]), "0");
}

#[test]
fn a_check_says_in_the_time_that_connecting_has_that_nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let more = "dialTimeout = \"300ms\"\n";
    let asked = Instant::now();
    let checked = launch(&address, more).check("json");
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(checked.status.code(), Some(1));
    let reason = format!("cannot use Redis at `{address}`: it does not answer within the `dialTimeout` of 300ms");
    assert_eq!(checked.json("/stores/0/answers"), false);
    assert_eq!(checked.json("/stores/0/error"), reason);
    assert!(
        checked
            .stderr
            .contains(r#""level":"ERROR","message":"cannot open the state store `statestore`"#),
        "{}",
        checked.stderr
    );
    // Where the host starts without it, that is no error.
    let checked = launch(&address, &format!("{more}ignoreErrors = true\n")).check("json");
    assert!(checked.status.success());
    assert_eq!(checked.json("/stores/0/error"), reason);
    assert!(
        checked
            .stderr
            .contains(r#""level":"WARN","message":"cannot open the state store `statestore`"#),
        "{}",
        checked.stderr
    );
}

#[test]
fn a_check_says_that_a_user_may_not_read() {
    let server = Setup::of(Kind::Redis).user().start();
    server.client(&["ACL", "SETUSER", "app", "-hget", "-hmget", "-type", "-hstrlen"]);
    let launch = launch(
        &server.address(),
        "redisUsername = \"app\"\nredisPassword = \"secret\"\n",
    );
    let checked = launch.check("text");
    assert_eq!(checked.status.code(), Some(1), "{}", checked.text());
    assert!(
        checked.text().contains(": it opens, and cannot be read\n"),
        "{}",
        checked.text()
    );
    let message = "error: the state store `statestore` (components.toml:1:8) is open, and cannot be read";
    assert!(checked.stderr.starts_with(message), "{}", checked.stderr);
}
