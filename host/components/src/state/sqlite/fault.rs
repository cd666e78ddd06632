//! What goes wrong while a store is in use, and what is true of the file then.
//!
//! | SQLite says | the app hears | because |
//! |---|---|---|
//! | `BUSY`, `LOCKED`, `PROTOCOL` | `unavailable` | another process held the file; nothing was written |
//! | `FULL` | `unavailable` | the disk or `maxSize` is full; the transaction was rolled back |
//! | `IOERR` | `unavailable`, from a commit `outcome-unknown` | a commit may stand in the log that was not synced |
//! | `READONLY`, `PERM`, `AUTH` | `denied` | the file may not be written any more |
//! | `CANTOPEN`, `NOMEM`, `INTERRUPT` | `unavailable`, from a commit `outcome-unknown` | |
//! | `TOOBIG` | `too-large` | |
//! | `CONSTRAINT` | `internal` | the row, or the transaction, was rolled back; retrying will not help |
//! | `CORRUPT`, `NOTADB`, and the rest | `internal`, from a commit `outcome-unknown` | retrying will not help |

use dapr_blocks::state::StateError;
use rusqlite::ErrorCode;
use std::error::Error;
use std::sync::Arc;

/// What was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Read,
    /// Writing, before the commit: whatever failed, nothing is written.
    Write,
    Commit,
}

/// A failure of SQLite. One failure may be the answer to many calls.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Sqlite {
        cause: Arc<rusqlite::Error>,
        stage: Stage,
    },
    /// The file is not at its path any more: what is written now is lost with the last connection.
    Moved,
    /// Another host has given the file a write-ahead log, which this one was told to do without.
    HasLog,
}

impl Fault {
    pub(super) fn new(cause: rusqlite::Error, stage: Stage) -> Self {
        Self::Sqlite {
            cause: Arc::new(cause),
            stage,
        }
    }

    /// Whether one change may be the reason, so that the others are worth another try without it.
    pub(super) fn may_be_of_one_change(&self) -> bool {
        match self {
            Self::Sqlite {
                cause,
                stage: Stage::Read | Stage::Write,
            } => may_be_of_one_change(cause),
            Self::Sqlite {
                cause,
                stage: Stage::Commit,
            } => matches!(
                cause.sqlite_error_code(),
                Some(ErrorCode::DiskFull | ErrorCode::ConstraintViolation)
            ),
            Self::Moved | Self::HasLog => false,
        }
    }

    /// The same for changes that were not tried because of it: of them, nothing is written.
    pub(super) fn of_untried(self) -> Self {
        match self {
            Self::Sqlite { cause, .. } => Self::Sqlite {
                cause,
                stage: Stage::Write,
            },
            other => other,
        }
    }

    pub(super) fn to_error(&self) -> StateError {
        let (cause, stage) = match self {
            Self::Sqlite { cause, stage } => (cause, stage),
            Self::Moved => return unavailable("its file was moved or deleted", None),
            Self::HasLog => return unavailable("another host has given its file a write-ahead log", None),
        };
        let source = || Some(Box::new(Arc::clone(cause)) as Box<dyn Error + Send + Sync>);
        let in_doubt = *stage == Stage::Commit;
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                unavailable("another process holds its file", source())
            }
            Some(ErrorCode::DiskFull) => unavailable("its disk, or what it may take of it, is full", source()),
            Some(ErrorCode::ConstraintViolation) => StateError::internal(Arc::clone(cause)),
            _ if in_doubt => StateError::OutcomeUnknown {
                reason: "the commit failed on disk".to_owned(),
                source: source(),
            },
            Some(ErrorCode::SystemIoFailure) => unavailable("its file cannot be read or written", source()),
            Some(ErrorCode::CannotOpen | ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted) => {
                unavailable("it cannot work at the moment", source())
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                StateError::Denied {
                    reason: "its file cannot be written".to_owned(),
                    source: source(),
                }
            }
            Some(ErrorCode::TooBig) => StateError::TooLarge("the item is larger than SQLite can store".to_owned()),
            _ => StateError::internal(Arc::clone(cause)),
        }
    }
}

/// Whether what failed before the commit may be one change's doing.
pub(super) fn may_be_of_one_change(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::DiskFull
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::OutOfMemory
                | ErrorCode::Unknown
        )
    )
}

/// `reason` follows "the store is unavailable:".
pub(super) fn unavailable(reason: &str, source: Option<Box<dyn Error + Send + Sync>>) -> StateError {
    StateError::Unavailable {
        reason: reason.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn case(code: std::ffi::c_int, stage: Stage) -> &'static str {
        Fault::new(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None), stage)
            .to_error()
            .case()
    }

    #[test]
    fn what_fails_before_the_commit_has_written_nothing() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY, "unavailable"),
            (ffi::SQLITE_FULL, "unavailable"),
            (ffi::SQLITE_IOERR_WRITE, "unavailable"),
            (ffi::SQLITE_READONLY, "denied"),
            (ffi::SQLITE_CORRUPT, "internal"),
            (ffi::SQLITE_CONSTRAINT_CHECK, "internal"),
            (ffi::SQLITE_TOOBIG, "too-large"),
        ] {
            assert_eq!(case(code, Stage::Write), expected, "{code}");
        }
    }

    #[test]
    fn a_commit_that_fails_leaves_doubt_unless_sqlite_says_that_it_rolled_back() {
        assert_eq!(case(ffi::SQLITE_FULL, Stage::Commit), "unavailable");
        assert_eq!(case(ffi::SQLITE_BUSY, Stage::Commit), "unavailable");
        assert_eq!(case(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, Stage::Commit), "internal");
        assert_eq!(case(ffi::SQLITE_IOERR_FSYNC, Stage::Commit), "outcome-unknown");
        assert_eq!(case(ffi::SQLITE_CORRUPT, Stage::Commit), "outcome-unknown");
    }

    #[test]
    fn changes_that_were_not_tried_are_not_in_doubt() {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None);
        let fault = Fault::new(error, Stage::Commit);
        assert_eq!(fault.to_error().case(), "outcome-unknown");
        assert_eq!(fault.of_untried().to_error().case(), "unavailable");
    }
}
