//! MariaDB, with a user `app` who may do everything.

use super::program::{self, Failed};
use super::setup::Place;
use crate::wait::PATIENCE;
use std::process::Command;
use std::time::Duration;

/// Its data, in its folder.
const DATA: &str = "data";

/// What it is told when its data is made, too. Without syncing, that takes half a second and not four.
const SETTINGS: [&str; 3] = [
    "--debug-no-sync",
    "--innodb-flush-method=nosync",
    "--innodb-log-file-size=8M",
];

pub(super) fn prepare(place: &Place) {
    let mut install = program::of_server("mariadb-install-db");
    install
        .args(folders(place))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(SETTINGS)
        .current_dir(place.folder());
    program::run(&mut install, PATIENCE).unwrap_or_else(|error| panic!("no data folder: {error}"));
    let (user, password) = (place.user().unwrap_or_default(), place.password().unwrap_or_default());
    let users = format!(
        "CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL ON *.* TO '{user}'@'%' WITH GRANT OPTION;\n"
    );
    place.write("users.sql", &users);
}

pub(super) fn command(place: &Place) -> Command {
    let mut command = program::of_server("mariadbd");
    command
        .args(folders(place))
        .arg(format!("--init-file={}", place.path("users.sql").display()))
        .arg(format!("--pid-file={}", place.path("pid").display()))
        .arg(format!("--port={}", place.port))
        .args(["--bind-address=127.0.0.1", "--socket=", "--skip-name-resolve"])
        .args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=16M"])
        .args(SETTINGS);
    command
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    let mut command = program::of_client("mariadb");
    command
        .args(["--no-defaults", "--batch", "--raw", "--skip-column-names"])
        .args(["--default-character-set=utf8mb4", "--host=127.0.0.1"])
        .arg(format!("--port={}", place.port))
        .arg(format!("--user={}", place.user().unwrap_or_default()))
        .envs(place.password().map(|password| ("MYSQL_PWD", password)));
    // Of several options the last one would hold alone.
    program::run(command.args(["--execute", &words.join(";\n")]), within)
}

/// Where its files are, and no others.
fn folders(place: &Place) -> [String; 3] {
    [
        "--no-defaults".to_owned(),
        format!("--datadir={}", place.path(DATA).display()),
        // Else `/tmp`, where each one that starts removes the temporary tables of all others.
        format!("--tmpdir={}", place.folder().display()),
    ]
}
