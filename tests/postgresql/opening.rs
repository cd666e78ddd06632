//! What is said of a server that cannot be used.

use crate::ground::{Version, serve, settings, url};
use dapr_components::state::postgresql::{OpenError, PostgresqlStore};
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Client, Launch, PATIENCE, until};
use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

async fn refused(version: Version, lines: &str) -> OpenError {
    let opened = PostgresqlStore::open(&settings(version, lines)).await;
    let error = opened.err().expect("it cannot be opened");
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        shown = format!("{shown}: {next}");
        cause = next.source();
    }
    assert!(
        !shown.contains("hunter2") && !format!("{error:?}").contains("hunter2"),
        "{shown}"
    );
    assert!(error.help().is_some(), "{shown}");
    error
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_with_its_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let lines = format!("connectionString = 'postgres://u:hunter2@127.0.0.1:{port}/items'");
    let error = refused(Version::V2, &lines).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!("cannot reach PostgreSQL at 127.0.0.1:{port}/items")
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let begun = Instant::now();
    let error = refused(
        Version::V2,
        &format!("connectionString = 'postgres://u:hunter2@{address}/d'\ntimeout = '1s'"),
    )
    .await;
    assert!(matches!(error, OpenError::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// As behind a firewall that drops what it gets.
#[test]
fn servers_that_say_nothing_are_waited_for_all_at_once_while_the_host_says_that_it_starts() {
    const TIMEOUT: Duration = Duration::from_secs(5);
    let silent = ["b", "a", "c"].map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()));
    let table = |(name, silent): &(&str, TcpListener)| {
        let address = silent.local_addr().unwrap();
        format!(
            "[state.{name}]\ntype = \"postgresql\"\nconnectionString = \"postgres://u@{address}/d\"\n\
             timeout = \"{TIMEOUT:?}\"\nignoreErrors = true\n"
        )
    };
    let toml: String = silent.iter().map(table).collect();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let launch = Launch::guest("kv").components(&toml);
    let launch = launch.option("--admin-listen").option(&port.to_string());
    let begun = Instant::now();
    let host = thread::scope(|scope| {
        let started = scope.spawn(|| launch.start());
        until("the host to be there", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let ready = Client::new(port).get("/healthz/ready");
        assert_eq!((ready.status, &ready.json()["status"]), (503, &"starting".into()));
        assert_eq!(Client::new(port).get("/healthz/live").status, 200);
        started.join().unwrap()
    });
    let took = begun.elapsed();
    assert!(took >= TIMEOUT && took < 3 * TIMEOUT, "{took:?}");
    let told = host.stderr().lines_with("cannot open the state store");
    let told: Vec<_> = told.iter().filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(told, ["b", "a", "c"], "in the order of the configuration");
    let health = Client::new(port).get("/healthz").json();
    assert_eq!(
        (&health["status"], &health["stores"]["b"]["status"]),
        (&"failing".into(), &"failing".into())
    );
}

#[tokio::test]
async fn a_server_that_does_not_let_the_user_in_or_has_no_such_database_says_which() {
    let server = serve();
    let address = server.address();
    let error = refused(
        Version::V2,
        &format!("connectionString = 'postgres://postgres:hunter2@{address}/postgres'"),
    )
    .await;
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    let other = url(&server, &address);
    let error = refused(
        Version::V2,
        &format!("connectionString = '{other}'\ndatabase = 'nowhere'"),
    )
    .await;
    assert!(matches!(error, OpenError::NoDatabase { .. }), "{error}");
    let schema = refused(
        Version::V2,
        &format!("connectionString = '{other}'\ntablePrefix = 'nowhere.'"),
    )
    .await;
    assert!(matches!(schema, OpenError::NoSchema { .. }), "{schema}");
    assert!(
        error
            .to_string()
            .ends_with(&format!("{address}/nowhere has no such database")),
        "{error}"
    );
}

/// The server repeats the user, which here is the password, too.
#[test]
fn a_password_that_the_server_quotes_is_masked_wherever_it_stands() {
    let server = serve();
    let address = server.address();
    let secret = "hunter2-of-app";
    let apart = |reference: &str| {
        format!("connectionString = \"postgres://{address}/postgres\"\nuser = {reference}\npassword = {reference}\n")
    };
    for settings in [
        apart("{ env = \"PASSWORD\" }"),
        apart("{ secret = \"PASSWORD\" }"),
        "connectionString = { env = \"URL\" }".to_owned(),
        "connectionString = { secret = \"URL\" }".to_owned(),
    ] {
        let table =
            format!("[secrets.env]\ntype = \"local.env\"\n[state.statestore]\ntype = \"postgresql\"\n{settings}\n");
        let ended = Launch::guest("kv")
            .components(&table)
            .option("--log=trace")
            .env("PASSWORD", secret)
            .env("URL", &format!("postgres://{secret}:{secret}@{address}/postgres"))
            .run(b"");
        assert!(!ended.status.success());
        assert!(ended.stderr.contains("user \"(secret)\""), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn what_tls_demands_and_does_not_get_is_said() {
    let plain = serve();
    let required = url(&plain, &plain.address()).replace("disable", "require");
    let error = refused(Version::V2, &format!("connectionString = '{required}'")).await;
    assert!(matches!(error, OpenError::Tls { .. }), "{error}");

    let server = Setup::of(Kind::Postgresql).tls().start();
    let ca = server.ca().unwrap();
    let with = |host: &str, mode: &str, root: &str| {
        let port = server.port();
        format!(
            "connectionString = 'postgres://postgres:secret@{host}:{port}/postgres?sslmode={mode}'\nhostaddr = '127.0.0.1'\n{root}"
        )
    };
    let root = format!("sslRootCert = {ca:?}");
    // An authority that the system does not know; a name that the certificate does not have.
    for (host, mode, root) in [
        ("localhost", "verify-full", ""),
        ("localhost", "verify-ca", ""),
        ("other.example", "verify-full", root.as_str()),
    ] {
        let error = refused(Version::V2, &with(host, mode, root)).await;
        assert!(matches!(error, OpenError::Tls { .. }), "{host} {mode}: {error}");
    }
    // Whoever it is; of the authority, whatever its name.
    for (host, mode, root) in [
        ("localhost", "prefer", ""),
        ("other.example", "require", ""),
        ("other.example", "verify-ca", root.as_str()),
        ("other.example", "require", root.as_str()),
        ("localhost", "verify-full", root.as_str()),
    ] {
        let settings = settings(Version::V2, &with(host, mode, root));
        PostgresqlStore::open(&settings).await.unwrap();
    }
    let error = refused(
        Version::V2,
        &with("localhost", "verify-full", "sslRootCert = '/nowhere.pem'"),
    )
    .await;
    assert!(matches!(error, OpenError::File { .. }), "{error}");
}

#[tokio::test]
async fn tables_of_another_kind_and_later_layouts_are_left_as_they_are() {
    let server = serve();
    let lines = format!("connectionString = '{}'", url(&server, &server.address()));
    server.client(&["CREATE TABLE state (id int)"]);
    let error = refused(Version::V2, &lines).await;
    assert!(matches!(error, OpenError::OtherTables { .. }), "{error}");
    assert_eq!(
        server.client(&[
            "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = 'state'"
        ]),
        "id"
    );
    server.client(&["INSERT INTO dapr_metadata VALUES ('migrations', '4')"]);
    let error = refused(Version::V1, &lines).await;
    assert!(
        error.to_string().contains("has layout 4 in its table `dapr_metadata`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_user_who_may_not_make_tables_can_use_those_that_are_there() {
    let server = serve();
    server.client(&["CREATE ROLE app LOGIN PASSWORD 'secret'"]);
    let lines = format!(
        "connectionString = '{}'",
        url(&server, &server.address()).replace("//postgres:", "//app:")
    );
    let error = refused(Version::V2, &lines).await;
    assert!(matches!(error, OpenError::NotAllowed { .. }), "{error}");
    crate::ground::open(Version::V2, &server).await;
    server.client(&["GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app"]);
    let store = std::sync::Arc::new(PostgresqlStore::open(&settings(Version::V2, &lines)).await.unwrap());
    let app = crate::ground::app(&store);
    crate::ground::put(&app, "k", "v").await.unwrap();
    server.client(&["REVOKE UPDATE ON state FROM app"]);
    assert_eq!(crate::ground::put(&app, "k", "v").await.unwrap_err().case(), "denied");
    server.client(&[
        "ALTER ROLE app SET default_transaction_read_only = on",
        "GRANT UPDATE ON state TO app",
    ]);
    let store = std::sync::Arc::new(PostgresqlStore::open(&settings(Version::V2, &lines)).await.unwrap());
    assert_eq!(
        crate::ground::put(&crate::ground::app(&store), "k", "v")
            .await
            .unwrap_err()
            .case(),
        "denied"
    );
}

#[tokio::test]
async fn a_database_that_is_not_unicode_is_refused() {
    let server = serve();
    server.client(&["CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"]);
    let lines = format!(
        "connectionString = '{}'\ndatabase = 'latin'",
        url(&server, &server.address())
    );
    let error = refused(Version::V2, &lines).await;
    assert!(error.to_string().contains("has the encoding LATIN1"), "{error}");
}

// ---- check

/// The app `kv` on the store, with more settings.
fn launch(server: &Server, more: &str) -> Launch {
    let url = url(server, &server.address());
    Launch::guest("kv").components(&format!(
        "[state.statestore]\ntype = \"postgresql\"\nversion = \"v2\"\nconnectionString = {url:?}\ntimeout = \"2s\"\n{more}\n"
    ))
}

fn tables(server: &Server) -> String {
    server.client(&["SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"])
}

#[test]
fn a_check_makes_no_table_and_asks_for_an_item_where_there_are_some() {
    let server = serve();
    let launch = launch(&server, "cleanupInterval = \"1s\"");
    let checked = launch.check("text");
    assert!(checked.status.success(), "{}", checked.stderr);
    let row = ": its server answers, and what it lacks is made when the host starts\n";
    assert!(checked.text().contains(row), "{}", checked.text());
    assert_eq!(tables(&server), "0");
    assert_eq!(launch.check("json").json("/stores/0/answers"), true);

    assert_eq!(launch.start().client().put("/k", "v").status, 204);
    let made = tables(&server);
    let state = |server: &Server| {
        server.client(&[
            "SELECT key, value, expires_at FROM state",
            "SELECT * FROM dapr_metadata",
        ])
    };
    // An item that has ended is removed by a host, and by no check.
    server.client(&["UPDATE state SET expires_at = now() - interval '1 hour'"]);
    let kept = state(&server);
    let checked = launch.check("text");
    assert!(checked.status.success(), "{}", checked.stderr);
    assert!(checked.text().contains(": its server answers\n"), "{}", checked.text());
    assert_eq!((tables(&server), state(&server)), (made, kept));
}

#[test]
fn a_check_says_what_opening_would_be_refused() {
    let server = serve();
    server.client(&["CREATE ROLE app LOGIN PASSWORD 'secret'", "CREATE SCHEMA own"]);
    let refused = |more: &str, reason: &str| {
        let checked = launch(&server, more).check("json");
        assert_eq!(checked.status.code(), Some(1), "{more}: {}", checked.text());
        let found = checked.json("/stores/0/error");
        assert!(found.as_str().unwrap().contains(reason), "{more}: {found}");
        assert!(checked.stderr.contains(r#""help":[""#), "{}", checked.stderr);
        assert_eq!(tables(&server), "0", "{more}");
    };
    refused("user = \"app\"", "may not set up the tables");
    refused(
        "user = \"app\"\ntablePrefix = \"Own.\"\nmetadataTableName = \"own.metadata\"",
        "may not set up the tables",
    );
    refused("tablePrefix = \"nowhere.\"", "has no such schema");
    refused("database = \"nowhere\"", "has no such database");
    server.client(&["ALTER DATABASE postgres SET default_transaction_read_only = on"]);
    refused("", "is read-only");
    server.client(&[
        "SET default_transaction_read_only = off",
        "ALTER DATABASE postgres RESET ALL",
    ]);
    server.client(&["CREATE TABLE own.state (id int)"]);
    refused("tablePrefix = \"own.\"", "are not those of this store");
    server.client(&[
        "CREATE TABLE own.metadata (key text, value text)",
        "INSERT INTO own.metadata VALUES ('migrations-state-v2-', '9')",
    ]);
    refused("metadataTableName = \"own.metadata\"", "has layout 9");
}

#[test]
fn a_check_says_that_a_server_is_away_and_where_the_host_starts_without_it_that_is_no_error() {
    let mut server = serve();
    server.stop();
    let checked = launch(&server, "").check("text");
    assert_eq!(checked.status.code(), Some(1));
    assert!(checked.text().contains(": it does not open\n"), "{}", checked.text());
    assert!(
        checked
            .stderr
            .starts_with("error: cannot open the state store `statestore`"),
        "{}",
        checked.stderr
    );
    let checked = launch(&server, "ignoreErrors = true").check("json");
    assert!(checked.status.success());
    assert_eq!(checked.json("/stores/0/answers"), false);
    assert!(
        checked
            .stderr
            .contains(r#""level":"WARN","message":"cannot open the state store `statestore`"#),
        "{}",
        checked.stderr
    );
    // And one that stands still.
    server.restart();
    server.pause();
    let asked = Instant::now();
    let checked = launch(&server, "").check("json");
    assert!(asked.elapsed() < Duration::from_secs(10));
    let found = checked.json("/stores/0/error");
    assert!(found.as_str().unwrap().contains("was not ready within 2s"), "{found}");
    server.resume();
}
