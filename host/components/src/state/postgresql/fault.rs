//! What goes wrong while a store is in use, and what is true of the database then.
//!
//! An error that the server answers means that the statement was rolled back: nothing is written. Where a connection ends
//! without an answer, a read is `unavailable`, and a write that was sent may have been done.
//!
//! | SQLSTATE | the app hears |
//! |---|---|
//! | `40001`, `40P01`: other writes were in the way | `unavailable` |
//! | `57014`, `55P03`: it took longer than it may | `unavailable` |
//! | `57P01`, `57P03`, `57P05`: the server ends, starts, or has closed the connection | `unavailable` |
//! | `53100`: its disk is full; `53300`: it has too many connections; others of `53` | `unavailable` |
//! | `28…`, `42501`: user, password or rights; `25006`: it is read-only | `denied` |
//! | `54…`: the item is larger than the database can store | `too-large` |
//! | `57P02`, `08…`, and what else ended the connection | a read `unavailable`, a write `outcome-unknown` |
//! | anything else | `internal` |

use dapr_blocks::state::StateError;
use std::error::Error;
use std::time::Duration;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// What was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was sent yet.
    Connect,
    Read,
    Write,
}

/// Why a request was not answered.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server did what it was asked, and this came of it.
    Answered(StateError),
    /// The client or the server failed.
    Postgres { cause: tokio_postgres::Error, stage: Stage },
    /// Nothing came in time.
    TimedOut { after: Duration, stage: Stage },
    /// The store is closed.
    Closed,
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::Answered(error)
    }
}

impl Fault {
    pub(super) fn new(cause: tokio_postgres::Error, stage: Stage) -> Self {
        Self::Postgres { cause, stage }
    }

    /// Whether the connection can serve others: the server has answered, and not with its end.
    pub(super) fn leaves_connection(&self) -> bool {
        match self {
            Self::Answered(_) => true,
            Self::Postgres { cause, .. } => cause.as_db_error().is_some_and(|error| !ends_connection(error)),
            Self::TimedOut { .. } | Self::Closed => false,
        }
    }

    /// How the server is, if it could not be asked or has broken off.
    pub(super) fn silence(&self) -> Option<&'static str> {
        match self {
            Self::Closed | Self::TimedOut { .. } => None,
            _ if self.leaves_connection() => None,
            Self::Postgres { cause, .. } if cause.as_db_error().is_some() => Some("it closes connections"),
            Self::Postgres {
                stage: Stage::Connect, ..
            } => Some("it cannot be reached"),
            Self::Postgres { .. } | Self::Answered(_) => Some("the connection broke"),
        }
    }

    /// Whether a connection that was there is gone, and so perhaps others: the server was started again, say.
    pub(super) fn breaks_connections(&self) -> bool {
        let is_there = matches!(self, Self::Postgres { stage, .. } if *stage != Stage::Connect);
        is_there && !self.leaves_connection()
    }

    pub(super) fn into_error(self) -> StateError {
        match self {
            Self::Answered(error) => error,
            Self::Closed => unavailable("it is closed", None),
            Self::TimedOut { after, stage } => {
                silent(format!("no answer within its timeout of {after:?}"), stage, None)
            }
            Self::Postgres { cause, stage } => match cause.as_db_error() {
                Some(said) => of_server(said.code().clone(), ends_connection(said), cause, stage),
                None => of_connection(cause, stage),
            },
        }
    }
}

fn ends_connection(error: &DbError) -> bool {
    matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) || error.severity() == "FATAL"
}

/// Other writes were in the way.
fn is_in_the_way(code: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
}

fn of_server(code: SqlState, is_fatal: bool, cause: tokio_postgres::Error, stage: Stage) -> StateError {
    let text = code.code();
    let why = match text {
        _ if is_in_the_way(&code) => "other writes were in the way",
        "57014" | "55P03" => "it took longer than it may",
        "57P01" | "57P05" => "the server has closed the connection",
        "57P03" => "the server is starting or ending",
        "53100" => "the server's disk is full",
        "53300" => "the server has too many connections",
        _ if text.starts_with("53") => "the server has no room for more work",
        "58030" if !is_fatal => "the server cannot read or write its files",
        "42501" => return denied("this user may not do that", cause),
        "25006" => return denied("the database is read-only", cause),
        _ if text.starts_with("28") => return denied("the server does not let this user in", cause),
        _ if text.starts_with("54") => {
            return StateError::TooLarge("the item is larger than PostgreSQL can store".to_owned());
        }
        _ if text.starts_with("08") || is_fatal => return of_connection(cause, stage),
        _ => return StateError::internal(Said(cause)),
    };
    unavailable(why, Some(cause))
}

fn of_connection(cause: tokio_postgres::Error, stage: Stage) -> StateError {
    match stage {
        Stage::Connect => unavailable("it cannot be reached", Some(cause)),
        Stage::Read | Stage::Write => silent("the connection broke".to_owned(), stage, Some(cause)),
    }
}

/// Of what was sent and not answered.
fn silent(reason: String, stage: Stage, cause: Option<tokio_postgres::Error>) -> StateError {
    match stage {
        Stage::Connect | Stage::Read => unavailable(&reason, cause),
        Stage::Write => StateError::OutcomeUnknown {
            reason,
            source: cause.map(boxed),
        },
    }
}

/// `reason` follows "the store is unavailable:".
fn unavailable(reason: &str, cause: Option<tokio_postgres::Error>) -> StateError {
    StateError::Unavailable {
        reason: reason.to_owned(),
        source: cause.map(boxed),
    }
}

fn denied(reason: &str, cause: tokio_postgres::Error) -> StateError {
    StateError::Denied {
        reason: reason.to_owned(),
        source: Some(boxed(cause)),
    }
}

fn boxed(cause: tokio_postgres::Error) -> Box<dyn Error + Send + Sync> {
    Box::new(Said(cause))
}

/// What the server or the client said, on one level: the client's own text for an error of the server is `db error`. Without
/// the server's detail, which may have a row in it.
#[derive(Debug)]
pub(super) struct Said(pub(super) tokio_postgres::Error);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            Some(error) => write!(f, "{} (SQLSTATE {})", error.message(), error.code().code()),
            None => self.0.fmt(f),
        }
    }
}

impl Error for Said {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0.as_db_error() {
            Some(_) => None,
            None => self.0.source(),
        }
    }
}
