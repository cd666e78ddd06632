//! What came of one component, as a row of the document.

use super::host::Component;
use crate::document::Column;
use crate::figure::{NONE, megabytes};
use std::time::Duration;

/// Where components ran against a server, by their arguments. What is not here builds, and nobody has run it.
const RUN: [(&str, &str); 9] = [
    ("secretstores.hashicorp.vault/v1", "tested, a stand-in for Vault"),
    ("state.etcd/v2", "tested, etcd 3.4"),
    ("state.in-memory/v1", "tested; it has no server"),
    ("state.memcached/v1", "tested, memcached 1.6"),
    ("state.mysql/v1", "tested, MariaDB 10.11"),
    ("state.postgresql/v1", "tested, PostgreSQL 15"),
    ("state.postgresql/v2", "tested, PostgreSQL 15"),
    ("state.redis/v1", "tested, Redis 7.0"),
    ("state.zookeeper/v1", "tested, ZooKeeper 3.8"),
];

/// What a component is once it is installed.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) component: u64,
    pub(super) compiled: u64,
    pub(super) go: Duration,
    pub(super) wasmtime: Duration,
}

/// A component, with what it is or why it is not.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) component: Component,
    pub(super) outcome: Result<Measured, String>,
}

impl Entry {
    /// The columns of the document.
    pub(super) fn head() -> impl Iterator<Item = Column> {
        let texts = ["type", "version", "run"].map(|head| Column::Text(head.to_owned()));
        let figures = ["MB", "compiled, MB", "Go, s", "wasmtime, s"].map(|head| Column::Figure(head.to_owned()));
        let last = Column::Text("failure".to_owned());
        texts.into_iter().chain(figures).chain([last])
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.outcome.as_ref().err().map(String::as_str)
    }

    /// Whether a row is this component's.
    pub(super) fn is_in(&self, row: &[String]) -> bool {
        row.starts_with(&self.names())
    }

    fn names(&self) -> [String; 2] {
        let Component { kind, version } = &self.component;
        [format!("`{kind}`"), version.clone()]
    }

    pub(super) fn row(&self) -> Vec<String> {
        let none = || NONE.to_owned();
        let run = match self.outcome {
            Ok(_) => run(&self.component).to_owned(),
            Err(_) => none(),
        };
        let seconds = |duration: Duration| format!("{:.0}", duration.as_secs_f64());
        let figures = match &self.outcome {
            Ok(Measured {
                component,
                compiled,
                go,
                wasmtime,
            }) => [
                megabytes(*component),
                megabytes(*compiled),
                seconds(*go),
                seconds(*wasmtime),
            ],
            Err(_) => [none(), none(), none(), none()],
        };
        // A bar would end the cell.
        let failure = self.failure().unwrap_or_default().replace('|', "/");
        self.names()
            .into_iter()
            .chain([run])
            .chain(figures)
            .chain([failure])
            .collect()
    }
}

fn run(component: &Component) -> &'static str {
    let argument = component.argument();
    let found = RUN.iter().find(|(name, _)| *name == argument);
    found.map_or("builds, not run", |(_, run)| run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, outcome: Result<Measured, String>) -> Entry {
        let component = Component {
            kind: kind.to_owned(),
            version: "v1".to_owned(),
        };
        Entry { component, outcome }
    }

    #[test]
    fn a_row_has_sizes_and_times_or_the_reason() {
        let measured = Measured {
            component: 49_900_000,
            compiled: 100_100_000,
            go: Duration::from_millis(51_200),
            wasmtime: Duration::from_secs(75),
        };
        let row = entry("state.redis", Ok(measured)).row();
        assert_eq!(
            row,
            [
                "`state.redis`",
                "v1",
                "tested, Redis 7.0",
                "49.9",
                "100.1",
                "51",
                "75",
                ""
            ]
        );
        let failed = entry("state.mongodb", Err("cannot build it: a | b".to_owned()));
        assert_eq!(
            failed.row(),
            [
                "`state.mongodb`",
                "v1",
                "–",
                "–",
                "–",
                "–",
                "–",
                "cannot build it: a / b"
            ]
        );
        assert!(failed.is_in(&failed.row()) && !failed.is_in(&row));
    }
}
