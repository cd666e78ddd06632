//! The servers that tests of stores talk to, from Debian's packages: found, or installed where this may do so.

use crate::tools::{output, run};
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What tests start or use, and the package that has it. Where there is a choice, the smaller package: those with
/// `-core` have no service and no user, and ZooKeeper's library has all of ZooKeeper but scripts.
const NEEDED: [(&str, &str); 12] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("postgres", "postgresql"),
    ("psql", "postgresql"),
    ("mariadbd", "mariadb-server-core"),
    ("mariadb", "mariadb-client-core"),
    ("memcached", "memcached"),
    ("etcd", "etcd-server"),
    ("etcdctl", "etcd-client"),
    ("java", "default-jre-headless"),
    ("/usr/share/java/zookeeper.jar", "libzookeeper-java"),
    ("openssl", "openssl"),
];

/// What Debian's packages ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that all are there.
pub(crate) fn require() -> Result<()> {
    let lacking = lacking();
    if lacking.is_empty() {
        return Ok(());
    }
    let packages = packages(&lacking);
    let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    let help = format!(
        "tests of stores need {}\n\
         install them, on Debian 12 with `{command}`, or leave these tests out with `cargo xtask test --only core`",
        lacking.join(", ")
    );
    if !may_install() {
        bail!("{help}");
    }
    install(&packages).context(help)?;
    match self::lacking() {
        lacking if lacking.is_empty() => Ok(()),
        lacking => bail!("`{command}` did not bring {}", lacking.join(", ")),
    }
}

/// What is not there.
fn lacking() -> Vec<&'static str> {
    let folders = folders();
    let there = |name: &str| folders.iter().any(|folder| folder.join(name).is_file());
    NEEDED
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !there(name))
        .collect()
}

/// The packages that have it, each once.
fn packages(lacking: &[&str]) -> Vec<&'static str> {
    let needed = NEEDED.iter().filter(|(name, _)| lacking.contains(name));
    let mut packages: Vec<_> = needed.map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

/// Where the tests look, too: also where Debian keeps what is not on everybody's path.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.push("/usr/sbin".into());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders
}

/// Whether this is Debian or what is made of it, and root.
fn may_install() -> bool {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|user| user == "0");
    root && Path::new("/etc/debian_version").is_file()
}

/// Installs packages without a question, and without starting a service of theirs.
fn install(packages: &[&str]) -> Result<()> {
    let _policy = Policy::no_services()?;
    // Lists of another day name files that are gone. That one list of several is out of reach need not matter.
    if let Err(error) = run(&mut apt(&["update"])) {
        eprintln!("xtask: {error:#}");
    }
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    run(install.args(packages))
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-qq", "-o", "Dpkg::Use-Pty=0"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// While it lives, installing a package starts no service: tests start servers of their own, and a service would take
/// the port and the memory of a machine that was asked for neither. A policy that the machine has is left as it is.
struct Policy {
    written: bool,
}

impl Policy {
    fn no_services() -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        let mut file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Self { written: false }),
            Err(error) => return Err(error).with_context(|| format!("cannot write {POLICY}")),
        };
        let policy = Self { written: true };
        // 101 is no. It allows all again when this process is gone, should it have no time to remove the file.
        let script = format!("#!/bin/sh\n[ -d /proc/{} ] && exit 101\nexit 0\n", std::process::id());
        file.write_all(script.as_bytes())
            .with_context(|| format!("cannot write {POLICY}"))?;
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.written {
            // What stays allows everything.
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
