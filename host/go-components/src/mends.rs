//! What is mended in modules that are linked, for one build: in a copy of the module, which stands in its place. A module that
//! was published stays as it is.
//!
//! Three kinds. A client that looks whether a pooled connection is still alive does so on systems that it knows, of which this
//! is none: without it, the first calls after a restart of the server fail. A client that writes its log to standard error goes
//! through Go's own log, which the host gets. And a fault of components-contrib that makes a store useless. A version of a module that does not have the text is left alone: it is another, or has the mend itself.

use crate::BuildError;
use crate::modules::Linked;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

struct Mend {
    module: &'static str,
    /// The package below the module.
    package: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

const MENDS: [Mend; 6] = [
    Mend {
        module: "github.com/redis/go-redis/v9",
        package: "internal/pool",
        file: "conn_check_dummy.go",
        find: "func connCheck(_ net.Conn) error {\n\treturn nil\n}",
        replace: "func connCheck(conn net.Conn) error {\n\tdata, err := net.WasiCheck(conn)\n\tif data {\n\t\treturn errUnexpectedRead\n\t}\n\treturn err\n}",
    },
    Mend {
        module: "github.com/redis/go-redis/v9",
        package: "internal/pool",
        file: "conn_check_dummy.go",
        find: "func maybeHasData(_ net.Conn) bool {\n\treturn true\n}",
        replace: "func maybeHasData(conn net.Conn) bool {\n\tdata, _ := net.WasiCheck(conn)\n\treturn data\n}",
    },
    Mend {
        module: "github.com/redis/go-redis/v9",
        package: "internal",
        file: "log.go",
        find: "_ = l.log.Output(2, fmt.Sprintf(format, v...))",
        replace: "log.Print(fmt.Sprintf(format, v...))",
    },
    // The client that components-contrib begins with, to ask for the server's version.
    Mend {
        module: "github.com/go-redis/redis/v8",
        package: "internal",
        file: "log.go",
        find: "_ = l.log.Output(2, fmt.Sprintf(format, v...))",
        replace: "log.Print(fmt.Sprintf(format, v...))",
    },
    Mend {
        module: "github.com/go-sql-driver/mysql",
        package: "",
        file: "conncheck_dummy.go",
        find: "func connCheck(conn net.Conn) error {\n\treturn nil\n}",
        replace: "func connCheck(conn net.Conn) error {\n\tdata, err := net.WasiCheck(conn)\n\tif data {\n\t\treturn net.ErrClosed\n\t}\n\treturn err\n}",
    },
    // An item without an access list, which ZooKeeper refuses.
    Mend {
        module: "github.com/dapr/components-contrib",
        package: "state/zookeeper",
        file: "zk.go",
        find: "s.conn.Create(r.Path, r.Data, 0, nil)",
        replace: "s.conn.Create(r.Path, r.Data, 0, zk.WorldACL(zk.PermAll))",
    },
];

/// Puts a copy of each linked module that is to be mended into the folder of the module that is built, and names it there.
pub(crate) fn apply(linked: &[Linked], folder: &Path) -> Result<(), BuildError> {
    let mut replaces = String::new();
    let mut mended_modules = Vec::new();
    for module in linked {
        let files = mended(module)?;
        if files.is_empty() {
            continue;
        }
        let name = module.path.replace('/', "-");
        let copy = folder.join("mended").join(&name);
        copy_with(&module.dir, &copy, &files)?;
        let go_mod = copy.join("go.mod");
        if !go_mod.is_file() {
            std::fs::write(&go_mod, format!("module {}\n", module.path)).map_err(BuildError::files(&go_mod))?;
        }
        let _ = writeln!(replaces, "replace {} => ./mended/{name}", module.path);
        mended_modules.push(format!("replace {} ", module.path));
    }
    let go_mod = folder.join("go.mod");
    let text = std::fs::read_to_string(&go_mod).map_err(BuildError::files(&go_mod))?;
    // What stood for the module is what was copied: Go takes one line for each.
    let is_kept = |line: &&str| !mended_modules.iter().any(|begin| line.starts_with(begin));
    let kept: Vec<_> = text.lines().filter(is_kept).collect();
    std::fs::write(&go_mod, kept.join("\n") + "\n" + &replaces).map_err(BuildError::files(&go_mod))
}

/// The files of a module that are mended, as they are to be.
fn mended(module: &Linked) -> Result<BTreeMap<PathBuf, String>, BuildError> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for mend in MENDS.iter().filter(|mend| mend.module == module.path) {
        let package = format!("{}/{}", mend.module, mend.package);
        if !module
            .packages
            .iter()
            .any(|linked| linked == package.trim_end_matches('/'))
        {
            continue;
        }
        let path = module.dir.join(mend.package).join(mend.file);
        let text = match files.get(&path) {
            Some(text) => text.clone(),
            None if path.is_file() => std::fs::read_to_string(&path).map_err(BuildError::files(&path))?,
            None => continue,
        };
        if text.matches(mend.find).count() == 1 {
            files.insert(path, text.replacen(mend.find, mend.replace, 1));
        }
    }
    Ok(files)
}

/// Copies a folder, with other contents for some of its files.
fn copy_with(from: &Path, to: &Path, files: &BTreeMap<PathBuf, String>) -> Result<(), BuildError> {
    std::fs::create_dir_all(to).map_err(BuildError::files(to))?;
    for entry in std::fs::read_dir(from).map_err(BuildError::files(from))? {
        let from = entry.map_err(BuildError::files(from))?.path();
        let to = to.join(from.file_name().unwrap_or_default());
        if from.is_dir() {
            copy_with(&from, &to, files)?;
        } else if let Some(text) = files.get(&from) {
            std::fs::write(&to, text).map_err(BuildError::files(&to))?;
        } else {
            std::fs::copy(&from, &to).map_err(BuildError::files(&from))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str, package: &str) -> (tempfile::TempDir, Linked) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("conncheck_dummy.go"), text).unwrap();
        std::fs::write(folder.path().join("other.go"), "package mysql\n").unwrap();
        let linked = Linked {
            path: "github.com/go-sql-driver/mysql".into(),
            version: "v1.8.1".into(),
            dir: folder.path().into(),
            main: false,
            packages: vec![package.into()],
        };
        (folder, linked)
    }

    const TEXT: &str = "package mysql\n\nfunc connCheck(conn net.Conn) error {\n\treturn nil\n}\n";

    #[test]
    fn a_module_that_has_the_text_is_copied_mended_and_named() {
        let (original, linked) = module(TEXT, "github.com/go-sql-driver/mysql");
        let to = tempfile::tempdir().unwrap();
        let go_mod = "module wit_component\n\nreplace github.com/go-sql-driver/mysql v1.8.1 => example.org/fork v1.0.0\n\
                      replace github.com/go-sql-driver/mysql/more => ./more\n";
        std::fs::write(to.path().join("go.mod"), go_mod).unwrap();
        apply(&[linked], to.path()).unwrap();
        let copy = to.path().join("mended/github.com-go-sql-driver-mysql");
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        assert!(read(copy.join("conncheck_dummy.go")).contains("net.WasiCheck(conn)"));
        assert_eq!(read(copy.join("other.go")), "package mysql\n");
        assert_eq!(
            read(to.path().join("go.mod")),
            "module wit_component\n\nreplace github.com/go-sql-driver/mysql/more => ./more\n\
             replace github.com/go-sql-driver/mysql => ./mended/github.com-go-sql-driver-mysql\n"
        );
        assert_eq!(read(original.path().join("conncheck_dummy.go")), TEXT);
    }

    #[cfg(feature = "go")]
    #[test]
    fn each_fits_the_module_that_components_contrib_links() {
        let go = crate::Go::find().unwrap();
        let program = crate::settings::program(&go);
        let linked = crate::modules::linked(&go, program.path()).unwrap();
        for mend in &MENDS {
            let module = linked.iter().find(|module| module.path == mend.module);
            let files = mended(module.unwrap()).unwrap();
            let file = Path::new(mend.package).join(mend.file);
            let (_, text) = files.iter().find(|(path, _)| path.ends_with(&file)).unwrap();
            assert!(text.contains(mend.replace), "{}: {}", mend.module, file.display());
        }
    }

    #[test]
    fn a_module_without_the_text_and_a_package_that_is_not_linked_are_left_alone() {
        let (_folder, other) = module("package mysql\n", "github.com/go-sql-driver/mysql");
        assert!(mended(&other).unwrap().is_empty());
        let (_folder, other) = module(TEXT, "github.com/go-sql-driver/mysql/other");
        assert!(mended(&other).unwrap().is_empty());
    }
}
