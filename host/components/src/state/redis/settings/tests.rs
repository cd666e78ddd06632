//! What a table may say, and what it may not.

use super::*;
use dapr_blocks::config::{Environment, Source};

fn read(text: &str) -> Result<RedisSettings, ConfigErrors> {
    let source = Source::new("components.toml", "/conf", text);
    Table::parse(source, Environment::default())
        .unwrap()
        .read(RedisSettings::read)
}

fn problem(text: &str) -> String {
    format!("{:#}", read(&format!("redisHost = 'db'\n{text}")).unwrap_err())
}

#[test]
fn a_host_is_all_it_needs() {
    let settings = read("redisHost = 'db.internal'").unwrap();
    assert_eq!(settings, RedisSettings::at(Address::new("db.internal", 6379)));
    assert_eq!(settings.to_string(), "redis db.internal:6379");
}

#[test]
fn what_daprd_takes_for_one_server_is_taken() {
    let settings = read(
        "redisHost = 'db'\nredisPort = '7000'\nredisUsername = 'app'\nredisPassword = 'hunter2'\nredisDB = '3'\n\
         redisType = 'node'\nenableTLS = 'true'\ninsecureSkipTLSVerify = true\nttlInSeconds = '60'\ndialTimeout = 500\n\
         readTimeout = '2s'\nwriteTimeout = '4000'\nfailover = 'false'\nuseEntraID = false\npoolSize = 20\nminIdleConns = '2'\n\
         poolTimeout = '5s'\nidleTimeout = '-1'\nidleCheckFrequency = -1\nmaxConnAge = '30m'\nredisMaxRetries = '5'\n\
         redisMinRetryInterval = '8ms'\nredisMaxRetryInterval = 2000",
    )
    .unwrap();
    let expected = RedisSettings {
        username: Some("app".to_owned()),
        password: Some(Secret::new("hunter2".to_owned())),
        database: 3,
        tls: Some(Tls {
            verify: Verify::Nothing,
            identity: None,
        }),
        ttl: Some(Ttl::new(60).unwrap()),
        dial_timeout: Duration::from_millis(500),
        read_timeout: Some(Duration::from_secs(2)),
        write_timeout: Some(Duration::from_secs(4)),
        ..RedisSettings::at(Address::new("db", 7000))
    };
    assert_eq!(settings, expected);
    assert_eq!(
        settings.to_string(),
        "redis db:7000, database 3, TLS with whoever answers"
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_timeout_of_0_is_the_default_and_of_minus_1_none() {
    let timeouts = |text: &str| {
        let settings = read(&format!("redisHost = 'db'\n{text}")).unwrap();
        (settings.dial_timeout, settings.read_timeout, settings.write_timeout)
    };
    let (five, three, one) = (Duration::from_secs(5), Duration::from_secs(3), Duration::from_secs(1));
    let zero = "dialTimeout = 0\nreadTimeout = 0\nwriteTimeout = '0'";
    assert_eq!(timeouts(zero), (five, Some(three), Some(three)));
    let none = "dialTimeout = -1\nreadTimeout = '-1'";
    assert_eq!(timeouts(none), (five, None, None));
    assert_eq!(timeouts("readTimeout = '1s'"), (five, Some(one), Some(one)));
    assert_eq!(timeouts("writeTimeout = -1"), (five, Some(three), None));
}

#[test]
fn what_only_daprs_own_component_has_says_so() {
    for text in [
        "redisType = 'cluster'",
        "failover = true",
        "sentinelMasterName = 'mymaster'",
        "queryIndexes = '[]'",
        "useEntraID = 'true'",
        "useOIDC = true",
    ] {
        let problem = problem(text);
        for part in [
            "not supported by the built-in store `redis`",
            "set `source = \"dapr\"`",
            ":2:",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
    }
    let several = read("redisHost = 'a:1,b:1'").unwrap_err().to_string();
    assert!(several.contains("it names several servers"), "{several}");
}

#[test]
fn an_address_with_a_password_is_refused_and_the_password_not_shown() {
    for host in [
        "redis://:hunter2@db:6379",
        "redis://ann:hunt/hunter2@db",
        "ann:hunter2@db:6379",
        ":hunter2@db",
    ] {
        for text in [format!("redisHost = '{host}'"), format!("redisHos = '{host}'")] {
            let shown = format!("{:#}", read(&text).unwrap_err());
            assert!(shown.contains("***@db") && !shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn two_ports_are_a_mistake() {
    let error = read("redisHost = 'db:6379'\nredisPort = 7000").unwrap_err().to_string();
    assert!(
        error.ends_with("`redisPort` is not the port that `redisHost` has"),
        "{error}"
    );
    assert!(read("redisHost = 'db:7000'\nredisPort = 7000").is_ok());
}

#[test]
fn a_certificate_needs_its_key_and_tls() {
    const CERTIFICATE: &str = "clientCert = '''\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'''";
    const KEY: &str = "clientKey = '''\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'''";
    let both = format!("{CERTIFICATE}\n{KEY}");
    assert!(problem(CERTIFICATE).contains("`clientCert` has no key"));
    assert!(problem(KEY).contains("`clientKey` has no certificate"));
    assert!(problem(&both).contains("set `enableTLS = true`"));
    assert!(problem("clientCert = 'client.pem'").contains("it is no certificate in PEM"));
    assert!(problem("clientKey = 'client.key'").contains("it is no private key in PEM"));
    let settings = read(&format!("redisHost = 'db'\nenableTLS = true\n{both}")).unwrap();
    assert!(settings.tls.unwrap().identity.is_some());
}

#[test]
fn a_slip_names_the_nearest() {
    assert!(problem("redisPasword = 'x'").contains("did you mean `redisPassword`?"));
    assert!(problem("poolSize = 'many'").contains("it is not an integer"));
}
