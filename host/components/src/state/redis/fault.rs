//! What goes wrong while a store is in use, and what is true of the item then.
//!
//! | what | a read is | a write is | because |
//! |---|---|---|---|
//! | no connection | `unavailable` | `unavailable` | nothing was sent |
//! | the connection ended, or no answer in time | `unavailable` | `outcome-unknown` | it may have been done |
//! | `OOM`, `MISCONF`, `NOREPLICAS` | | `unavailable` | Redis takes no writes now |
//! | `READONLY` | | `unavailable` | this is a replica now. The connection is made anew, which finds the new primary by its name |
//! | `LOADING`, `BUSY`, `MASTERDOWN`, `CLUSTERDOWN` | `unavailable` | `unavailable` | Redis does nothing now |
//! | `NOAUTH`, `WRONGPASS`, `NOPERM` | `denied` | `denied` | |
//! | refused in the middle of a script | | `outcome-unknown` | by an access list without a command that comes late |
//! | too large, from the reading script | `too-large` | | |
//! | anything else | `internal` | `internal` | the scripts look at everything before they write |

use super::dial::DialError;
use super::link::NoLink;
use super::said::Said;
use dapr_blocks::state::{Limits, StateError};
use redis::{RedisError, ServerError};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// What was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
}

type Cause = Option<Box<dyn Error + Send + Sync>>;

/// A cause of several calls at once.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<DialError>);

/// `reason` follows "the store is unavailable:".
pub(super) fn unavailable(reason: impl Into<String>, source: Cause) -> StateError {
    StateError::Unavailable {
        reason: reason.into(),
        source,
    }
}

fn in_doubt(reason: impl Into<String>, source: Cause) -> StateError {
    StateError::OutcomeUnknown {
        reason: reason.into(),
        source,
    }
}

/// There is no connection, so that nothing was sent.
pub(super) fn of_no_link(none: NoLink) -> StateError {
    match none {
        NoLink::Down(error) => unavailable("there is no connection to Redis", Some(Box::new(Shared(error)))),
        NoLink::Closed => closed(),
    }
}

pub(super) fn closed() -> StateError {
    unavailable("it is closed", None)
}

/// There was no connection in time.
pub(super) fn of_no_link_in(timeout: Duration) -> StateError {
    unavailable(format!("there was no connection to Redis within {timeout:?}"), None)
}

/// The connection ended before the answer.
pub(super) fn of_end(call: Call, error: RedisError) -> StateError {
    const REASON: &str = "the connection to Redis ended before the answer";
    match call {
        Call::Read => unavailable(REASON, Some(Box::new(error))),
        Call::Write => in_doubt(REASON, Some(Box::new(error))),
    }
}

/// There was no answer in time.
pub(super) fn of_silence(call: Call, timeout: Duration) -> StateError {
    let reason = format!("no answer from Redis within {timeout:?}");
    match call {
        Call::Read => unavailable(reason, None),
        Call::Write => in_doubt(reason, None),
    }
}

/// What an error of the server means.
pub(super) fn of_server(error: &ServerError) -> StateError {
    let said = Said::new(error);
    let (code, text) = (said.code().to_owned(), said.text().to_owned());
    let source = || Some(Box::new(said.clone()) as Box<dyn Error + Send + Sync>);
    let number = || text.split_whitespace().nth(1).unwrap_or_default().to_owned();
    match code.as_str() {
        _ if text.starts_with("PARTLY ") => in_doubt("Redis refused a part of the write", source()),
        "OOM" => unavailable("Redis has no memory left for it", source()),
        "MISCONF" | "NOREPLICAS" => unavailable("Redis takes no writes now", source()),
        "READONLY" => unavailable("Redis is a replica, which takes no writes", source()),
        "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" => unavailable("Redis is busy", source()),
        "NOAUTH" | "WRONGPASS" | "NOPERM" => denied(source()),
        _ if IS_FORBIDDEN.iter().any(|words| text.contains(words)) => denied(source()),
        // In the words that the host has for it.
        "LARGEITEM" => {
            let (length, most) = (number(), Limits::default().value);
            StateError::TooLarge(format!("the value has {length} bytes, more than the {most} allowed"))
        }
        "LARGEANSWER" => {
            let most = number();
            StateError::TooLarge(format!("the items exceed {most} bytes together: ask for fewer keys"))
        }
        "NOITEM" if text.contains("ReJSON-RL") => StateError::internal(NoItem::Json),
        "NOITEM" => StateError::internal(NoItem::Other(said)),
        _ => StateError::internal(said),
    }
}

/// What Redis says in a script to a user whose access list forbids a command, in its versions.
const IS_FORBIDDEN: [&str; 3] = [
    "ACL failure in script",
    "has no permissions to",
    "user executing the script can't",
];

fn denied(source: Cause) -> StateError {
    StateError::Denied {
        reason: "this host may not do that in Redis".to_owned(),
        source,
    }
}

/// Whether an error says that this is the wrong server to write to.
pub(super) fn is_replica(error: &ServerError) -> bool {
    Said::new(error).code() == "READONLY"
}

/// What stands under a key and is no item.
#[derive(Debug, thiserror::Error)]
enum NoItem {
    #[error(
        "the key has a document of RedisJSON, as daprd writes it for the contentType application/json; only Dapr's own component \
         reads and writes it (source = \"dapr\")"
    )]
    Json,
    #[error("the key has something that is no item of Dapr's: {0}")]
    Other(Said),
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::{ErrorKind, Value};

    fn error(text: &str) -> ServerError {
        match redis::parse_redis_value(format!("-{text}\r\n").as_bytes()) {
            Ok(Value::ServerError(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_redis_says_has_a_case_each() {
        for (text, case) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", "unavailable"),
            ("MISCONF Redis is configured to save RDB snapshots", "unavailable"),
            ("READONLY You can't write against a read only replica.", "unavailable"),
            ("LOADING Redis is loading the dataset in memory", "unavailable"),
            ("BUSY Redis is busy running a script.", "unavailable"),
            ("NOAUTH Authentication required.", "denied"),
            (
                "NOPERM this user has no permissions to run the 'evalsha' command",
                "denied",
            ),
            (
                "ERR ACL failure in script: User app has no permissions to run the 'hset' command",
                "denied",
            ),
            (
                "ERR The user executing the script can't run this command or subcommand",
                "denied",
            ),
            ("PARTLY OOM command not allowed", "outcome-unknown"),
            ("PARTLY NOPERM no permissions", "outcome-unknown"),
            ("LARGEITEM 3", "too-large"),
            ("LARGEANSWER 3", "too-large"),
            ("NOITEM 1 ReJSON-RL", "internal"),
            ("NOITEM 1 zset", "internal"),
            ("ERR something else", "internal"),
        ] {
            assert_eq!(of_server(&error(text)).case(), case, "{text}");
        }
    }

    #[test]
    fn only_what_was_sent_leaves_doubt() {
        let ended = || RedisError::from((ErrorKind::Io, "closed"));
        assert_eq!(of_end(Call::Read, ended()).case(), "unavailable");
        assert_eq!(of_end(Call::Write, ended()).case(), "outcome-unknown");
        assert_eq!(of_silence(Call::Write, Duration::ZERO).case(), "outcome-unknown");
        let down = NoLink::Down(Arc::new(DialError::Timeout(Duration::ZERO)));
        assert_eq!(of_no_link(down).case(), "unavailable");
    }

    #[test]
    fn a_json_document_is_told_of_as_what_it_is() {
        let internal = of_server(&error("NOITEM 1 ReJSON-RL"));
        let source = internal.source().unwrap().to_string();
        assert!(
            source.contains("RedisJSON") && source.contains("source = \"dapr\""),
            "{source}"
        );
    }
}
