//! Opening a file that is not as it should be: what stands in the way is named, and the file is left as it was.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::state::StateStore;
use dapr_components::state::sqlite::{Journal, OpenError, SqliteSettings, SqliteStore};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{File, app, put, value};

async fn refused(settings: &SqliteSettings) -> OpenError {
    match SqliteStore::open(settings).await {
        Ok(_) => panic!("{settings} was opened"),
        Err(error) => error,
    }
}

/// The error, its causes and its help, with the file's folder as `DIR`.
fn text(file: &File, error: &OpenError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if let Some(help) = error.help() {
        text.push_str(&format!("\n{help}"));
    }
    text.replace(file.folder().to_str().unwrap(), "DIR")
}

async fn works(settings: &SqliteSettings) {
    let store = Arc::new(SqliteStore::open(settings).await.unwrap());
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    assert_eq!(value(&app, "k").await.unwrap(), b"v");
    store.close().await;
    assert!(settings.path.is_file(), "{settings}");
}

// ---- what is made ----

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_and_its_folders_are_this_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let folder = file.folder().join("a/b");
    works(&SqliteSettings::at(folder.join("state.db"))).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.join("state.db")), 0o600);
}

#[tokio::test]
async fn an_empty_file_is_a_new_one() {
    let file = File::new();
    fs::write(file.path(), b"").unwrap();
    works(&file.settings()).await;
}

#[tokio::test]
async fn any_path_is_a_path() {
    let file = File::new();
    for name in [
        "with space.db",
        "a?b.db",
        "a#b.db",
        "100%41.db",
        "file:state.db",
        "ä.db",
        ":memory:",
    ] {
        works(&SqliteSettings::at(file.folder().join(name))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_make_the_same_file_at_once() {
    let file = File::new();
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let settings = file.settings();
        opening.spawn(async move { SqliteStore::open(&settings).await.unwrap() });
    }
    let mut stores = Vec::new();
    while let Some(store) = opening.join_next().await {
        stores.push(Arc::new(store.unwrap()));
    }
    put(&app(&stores[0]), "k", "v").await.unwrap();
    for store in &stores {
        assert_eq!(value(&app(store), "k").await.unwrap(), b"v");
    }
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let file = File::new();
    works(&file.settings()).await;
    let names = fs::read_dir(file.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect::<Vec<_>>();
    assert_eq!(names, ["state.db"]);
}

#[tokio::test]
async fn the_log_can_be_turned_off_and_on_again() {
    let file = File::new();
    let without = {
        let mut settings = file.settings();
        settings.journal = Journal::Delete;
        settings
    };
    for settings in [file.settings(), without, file.settings()] {
        works(&settings).await;
    }
}

// ---- what is refused ----

#[tokio::test]
async fn a_folder_is_no_file() {
    let file = File::new();
    fs::create_dir(file.path()).unwrap();
    let error = refused(&file.settings()).await;
    assert_eq!(
        text(&file, &error),
        "`DIR/state.db` is not a file\nset `connectionString` to the path of a file"
    );
}

#[tokio::test]
async fn a_file_cannot_stand_where_a_folder_is_needed() {
    let file = File::new();
    fs::write(file.path(), b"").unwrap();
    let error = refused(&SqliteSettings::at(file.path().join("state.db"))).await;
    let text = text(&file, &error);
    assert!(
        text.starts_with("cannot open `DIR/state.db/state.db`: Not a directory"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_database_is_left_as_it_was() {
    let file = File::new();
    let content = "[state.statestore]\ntype = 'sqlite'\n".repeat(100);
    fs::write(file.path(), &content).unwrap();
    let error = refused(&file.settings()).await;
    assert_eq!(
        text(&file, &error),
        "`DIR/state.db` is not a SQLite database\n\
         set `connectionString` to another path; this file was left as it is"
    );
    assert_eq!(fs::read(file.path()).unwrap(), content.as_bytes());
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let file = File::new();
    works(&file.settings()).await;
    let mut bytes = fs::read(file.path()).unwrap();
    // The header stays, and what it introduces is overwritten.
    bytes[100..4096].fill(0xa5);
    fs::write(file.path(), &bytes).unwrap();
    let error = refused(&file.settings()).await;
    let text = text(&file, &error);
    assert!(text.starts_with("`DIR/state.db` is damaged: "), "{text}");
    assert!(
        text.ends_with("\nrestore it from a copy, or rescue what is left with `sqlite3 FILE .recover`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_that_was_cut_off_says_so() {
    let file = File::new();
    works(&file.settings()).await;
    let bytes = fs::read(file.path()).unwrap();
    fs::write(file.path(), &bytes[..4096]).unwrap();
    let error = refused(&file.settings()).await;
    assert!(
        text(&file, &error).starts_with("`DIR/state.db` is damaged: "),
        "{error}"
    );
    fs::write(file.path(), &bytes[..60]).unwrap();
    let error = refused(&file.settings()).await;
    assert!(text(&file, &error).starts_with("`DIR/state.db` is "), "{error}");
    assert_eq!(fs::read(file.path()).unwrap(), &bytes[..60]);
}

#[tokio::test]
async fn a_later_layout_is_left_as_it_was() {
    let file = File::new();
    works(&file.settings()).await;
    for level in ["2", "-1", "new"] {
        let connection = file.connect();
        connection
            .execute("UPDATE metadata SET value = ?1 WHERE key = 'migrations'", [level])
            .unwrap();
        drop(connection);
        let error = refused(&file.settings()).await;
        assert_eq!(
            text(&file, &error),
            format!(
                "`DIR/state.db` has layout {level} in its table `metadata`, and this host knows layouts up to 1\n\
                 use a newer version of this host; the file was left as it is"
            )
        );
    }
}

/// As daprd's file is before its connection has set a mode, and as any other program's is.
#[tokio::test]
async fn a_later_layout_without_a_log_gets_none() {
    let file = File::new();
    file.connect()
        .execute_batch(
            "CREATE TABLE metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL);
            INSERT INTO metadata VALUES ('migrations', '2')",
        )
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = refused(&file.settings()).await;
    assert!(matches!(error, OpenError::LaterLayout { .. }), "{error}");
    assert!(fs::read(file.path()).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn tables_that_lack_columns_are_left_as_they_were() {
    for tables in [
        "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT, expiration_time TIMESTAMP)",
        "CREATE TABLE metadata (key TEXT, value TEXT)",
        "CREATE TABLE state_content_type (key TEXT PRIMARY KEY, content_type TEXT)",
    ] {
        let file = File::new();
        file.connect().execute_batch(tables).unwrap();
        let before = fs::read(file.path()).unwrap();
        let error = refused(&file.settings()).await;
        assert!(matches!(error, OpenError::OtherTables { .. }), "{tables}: {error}");
        assert!(
            fs::read(file.path()).unwrap() == before,
            "{tables}: the file was changed"
        );
    }
}

#[tokio::test]
async fn tables_of_another_kind_are_left_as_they_were() {
    let file = File::new();
    file.connect()
        .execute_batch("CREATE TABLE state (name TEXT); INSERT INTO state VALUES ('mine')")
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = refused(&file.settings()).await;
    assert_eq!(
        text(&file, &error),
        "the tables in `DIR/state.db` are not those of a state store: no such column: expiration_time\n\
         set `tableName` and `metadataTableName` to names that are free"
    );
    assert!(fs::read(file.path()).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_file_that_another_process_keeps_is_locked() {
    let file = File::new();
    works(&file.settings()).await;
    let other = file.connect();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut settings = file.settings();
    settings.busy_timeout = Duration::from_millis(100);
    let error = refused(&settings).await;
    assert_eq!(
        text(&file, &error),
        "another process holds `DIR/state.db`\n\
         stop the other process, or give this host a file of its own"
    );
    other.execute_batch("ROLLBACK").unwrap();
    works(&settings).await;
}

#[tokio::test]
async fn a_file_whose_log_another_host_uses_is_locked_for_one_without() {
    let file = File::new();
    let other = file.open().await;
    let mut settings = file.settings();
    settings.journal = Journal::Delete;
    settings.busy_timeout = Duration::from_millis(50);
    let error = refused(&settings).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    other.close().await;
    works(&settings).await;
}

// ---- permissions ----

#[cfg(unix)]
mod permissions {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Set for the process that [`without_privileges`] starts.
    const AGAIN: &str = "DAPR_COMPONENTS_TEST_WITHOUT_PRIVILEGES";

    /// Any user that owns nothing here: Debian's `nobody`.
    const NOBODY: u32 = 65_534;

    /// Permissions do not bind root: for it, the test is run again in a process of another user. False if that was done.
    fn without_privileges(test: &str) -> bool {
        let file = File::new();
        if fs::metadata(file.folder()).unwrap().uid() != 0 || std::env::var_os(AGAIN).is_some() {
            return true;
        }
        // A copy, because others may not reach the folder that this program is in.
        fs::set_permissions(file.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = file.folder().join("test");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let output = Command::new(program)
            .args(["--exact", &format!("permissions::{test}"), "--nocapture"])
            .env(AGAIN, "")
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir("/")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && printed.contains("1 passed"),
            "{printed}{:?}",
            output.stderr
        );
        false
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_may_not_be_written_is_refused() {
        if !without_privileges("a_file_that_may_not_be_written_is_refused") {
            return;
        }
        let file = File::new();
        works(&file.settings()).await;
        set_mode(&file.path(), 0o400);
        let error = refused(&file.settings()).await;
        assert!(
            text(&file, &error).starts_with("`DIR/state.db` cannot be written"),
            "{error}"
        );
        set_mode(&file.path(), 0o000);
        let error = refused(&file.settings()).await;
        assert!(
            text(&file, &error).starts_with("`DIR/state.db` cannot be written"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_folder_that_may_not_be_written_is_refused() {
        if !without_privileges("a_folder_that_may_not_be_written_is_refused") {
            return;
        }
        let file = File::new();
        works(&file.settings()).await;
        set_mode(file.folder(), 0o500);
        let existing = refused(&file.settings()).await;
        let new = refused(&SqliteSettings::at(file.folder().join("new.db"))).await;
        let deeper = refused(&SqliteSettings::at(file.folder().join("new/state.db"))).await;
        set_mode(file.folder(), 0o700);
        let existing = text(&file, &existing);
        assert!(existing.starts_with("`DIR/state.db` cannot be written: "), "{existing}");
        assert!(existing.ends_with("\nlet this user write the file and its folder, or set another `connectionString`"));
        assert!(
            text(&file, &new).starts_with("cannot open `DIR/new.db`: Permission denied"),
            "{new}"
        );
        assert!(
            text(&file, &deeper).starts_with("cannot create the folder `DIR/new`: Permission denied"),
            "{deeper}"
        );
    }
}
