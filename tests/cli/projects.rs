//! Projects: the tools that build them, and the WIT that they have, which is in part the user's.

use crate::doctor::Machine;
use crate::golden::assert_printed;
use crate::situations::{stderr, temporary};
use dapr_wasm_tests::built::{binary, repository};
use std::path::Path;
use std::process::Command;

// ---- tools

#[test]
fn a_system_that_does_not_say_where_things_are_kept_has_no_place_for_what_go_compiles() {
    let mut command = Command::new(binary());
    // With a Go that says where it is, and which.
    let folder = crate::folder().join("cases/build/go.in");
    command.args(["build", "orders"]).current_dir(folder).env("PATH", "bin");
    let output = command.env_remove("HOME").env_remove("XDG_CACHE_HOME").output();
    let output = output.expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert_printed(&stderr(&output), "build/go-no-place.stderr");
}

/// A Python of this version, which installs as pip does: what it installs names the Python that it is for by its path.
fn python(version: &str) -> String {
    format!(
        "case $* in --version) echo Python {version};; \
         '-m venv'*) [ \"$3\" != --clear ] || /bin/rm -r .venv; /bin/mkdir -p .venv/bin; /bin/cp -f \"$0\" .venv/bin/python;; \
         '-m pip'*) program=.venv/bin/componentize-py; echo \"#!$PWD/.venv/bin/python\" > $program; /bin/chmod 755 $program;; \
         *) echo app > build/app.wasm;; esac"
    )
}

#[test]
fn what_a_project_in_python_has_of_its_tool_is_made_anew_where_it_was_moved_or_its_python_is_another() {
    let machine = Machine::with(&[("python3", &python("3.11.2"))]);
    let within = |path: &str| machine.0.path().join(path);
    std::fs::create_dir_all(within("orders")).expect("the folder is writable");
    std::fs::write(within("orders/app.py"), "x = 1\n").expect("the folder is writable");
    let build = |name: &str| {
        let built = machine.host(&["build", name]).output().expect("the host starts");
        assert!(built.status.success(), "{built:?}");
        assert!(within(name).join("build/app.wasm").is_file());
        std::fs::remove_file(within(name).join("build/app.wasm")).expect("it is ours");
        String::from_utf8_lossy(&built.stderr).contains(": installing componentize-py")
    };
    assert!(build("orders"));
    assert!(!build("orders"));

    std::fs::rename(within("orders"), within("bills")).expect("it is ours");
    assert!(build("bills"));
    assert!(!build("bills"));

    // As a system that was updated: the environment's Python is a link to that of the system.
    for (version, is_other) in [("3.11.9", false), ("3.12.1", true)] {
        machine.tool("python3", &python(version));
        machine.tool("bills/.venv/bin/python", &python(version));
        assert_eq!(build("bills"), is_other, "{version}");
        assert!(!build("bills"), "{version}");
    }
}

#[test]
fn what_package_json_asks_for_is_installed_again_when_it_was_changed_since() {
    // It ends with its list, as npm does.
    let npm = "case $1 in run) /bin/mkdir -p build; echo app > build/app.wasm;; \
               *) /bin/mkdir -p node_modules; echo '{}' > node_modules/.package-lock.json;; esac";
    let machine = Machine::with(&[("npm", npm)]);
    let project = machine.0.path().join("orders");
    std::fs::create_dir(&project).expect("the folder is writable");
    let manifest = r#"{ "scripts": { "build": "make" } }"#;
    std::fs::write(project.join("package.json"), manifest).expect("the folder is writable");
    let build = || {
        let built = machine.host(&["build", "orders"]).output().expect("the host starts");
        assert!(built.status.success(), "{built:?}");
        String::from_utf8_lossy(&built.stderr).into_owned()
    };
    let (installs, builds) = ("orders: npm install …\n", "orders: npm run build …\n");
    assert_eq!(build(), format!("{installs}{builds}"));
    assert_eq!(build(), builds);

    let list = project.join("node_modules/.package-lock.json");
    let installed = std::fs::File::options()
        .append(true)
        .open(&list)
        .expect("it was written");
    installed
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .expect("it is ours");
    assert_eq!(build(), format!("{installs}{builds}"));
    assert_eq!(build(), builds);

    // As an install leaves it that was interrupted.
    std::fs::remove_file(&list).expect("it was written");
    assert_eq!(build(), format!("{installs}{builds}"));
    assert_eq!(build(), builds);
}

/// Addresses in a lock are those of whichever registry somebody's npm asked. A link to a folder of the repository is none.
#[test]
fn no_lock_of_npms_in_this_repository_names_a_registry() {
    let mut folders = vec![repository().to_owned()];
    let mut locks = 0;
    while let Some(folder) = folders.pop() {
        for path in crate::entries(folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_made = ["target", "node_modules", "build", ".git"].contains(&name.as_str());
            if path.is_dir() && !path.is_symlink() && !is_made {
                folders.push(path);
            } else if name == "package-lock.json" {
                let text = std::fs::read_to_string(&path).expect("it is text");
                let lines = text.lines().filter(|line| line.contains("\"resolved\": \"http"));
                assert_eq!(lines.collect::<Vec<_>>(), [""; 0], "{}", path.display());
                locks += 1;
            }
        }
    }
    assert!(locks >= 6, "{locks}");
}

// ---- WIT

#[test]
fn the_written_packages_are_those_of_this_repository_and_parse() {
    let folder = temporary();
    let to = folder.path().join("wit");
    let output = Command::new(binary())
        .arg("wit")
        .arg(&to)
        .output()
        .expect("the binary starts");
    assert!(output.status.success());
    assert_printed(
        &stderr(&output).replace(&folder.path().display().to_string(), "FOLDER"),
        "wit/written.stderr",
    );
    assert_eq!(files(&to), files(&repository().join("wit")));
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&to).expect("it is well-formed WIT");
    assert_eq!(resolve.packages[package].name.to_string(), "dapr:host@0.1.0");
}

/// The project has nothing to build: what is said of its WIT comes before that.
#[test]
fn the_wit_of_another_version_is_warned_of_until_it_is_updated_and_what_is_the_users_stays() {
    let folder = temporary();
    let wit = folder.path().join("wit");
    let printed = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        let output = command.args(arguments).current_dir(folder.path()).output();
        stderr(&output.expect("the binary starts"))
    };
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("it is writable");
    write("package.json", "{}");
    printed(&["wit", "wit"]);
    // The user's own.
    write("wit/app.wit", "world app {\n  include http-app-with-secrets;\n}\n");
    std::fs::create_dir_all(wit.join("deps/acme-mail")).expect("it is writable");
    write("wit/deps/acme-mail/package.wit", "package acme:mail;\n");
    write("wit/deps/dapr-state-0.1.0/notes.md", "mine\n");
    let built = printed(&["build"]);
    assert!(!built.contains("warning"), "{built}");

    // As another version had it.
    write("wit/deps/dapr-state-0.1.0/former.wit", "interface store {}\n");
    write("wit/deps/dapr-state-0.1.0/store.wit", "interface stores {}\n");
    std::fs::remove_file(wit.join("deps/dapr-secrets-0.1.0/types.wit")).expect("it was written");
    let told = [&["build"][..], &["wit", "wit"], &["build"], &["wit", "wit"]].map(printed);
    assert_printed(&told.join("\n"), "wit/updated.stderr");

    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&wit).expect("it is well-formed WIT");
    assert!(resolve.packages[package].worlds.contains_key("app"));
    let kept = [
        "app.wit",
        "deps/acme-mail/package.wit",
        "deps/dapr-state-0.1.0/notes.md",
    ];
    assert!(kept.iter().all(|path| wit.join(path).is_file()));
}

#[test]
fn a_package_of_the_users_own_is_left_and_finds_what_it_uses_where_the_refusal_says() {
    let folder = temporary();
    let (wit, brought) = (folder.path().join("wit"), folder.path().join("wit/dapr/deps"));
    std::fs::create_dir(&wit).expect("the folder is writable");
    let own = "package my:app@1.0.0;\n\nworld app {\n  import dapr:state/store@0.1.0;\n}\n";
    for file in ["package.wit", "main.wit"] {
        std::fs::write(wit.join(file), own).expect("the folder is writable");
        let write = |to: &str| Command::new(binary()).args(["wit", to]).current_dir(&folder).output();
        let refused = write("wit").expect("the binary starts");
        assert_eq!(refused.status.code(), Some(2));
        let told = stderr(&refused);
        assert!(
            told.contains(&format!("`wit/{file}` is of the package `my:app`")),
            "{told}"
        );
        assert!(told.contains("`dapr-wasm wit wit/dapr`"), "{told}");
        assert_eq!(files(&wit), [(file.to_owned(), own.to_owned())]);

        assert!(write("wit/dapr").expect("the binary starts").status.success());
        std::fs::rename(&brought, wit.join("deps")).expect("it was written");
        let mut resolve = wit_parser::Resolve::default();
        let (package, _) = resolve.push_dir(&wit).expect("it is well-formed WIT");
        assert_eq!(resolve.packages[package].name.to_string(), "my:app@1.0.0");
        std::fs::remove_dir_all(&wit)
            .and_then(|()| std::fs::create_dir(&wit))
            .expect("it is ours");
    }
}

/// `app.wit` is what somebody may call the main file of a package, whose dependencies another tool has laid.
#[test]
fn wit_of_the_users_own_is_built_and_left_as_it_is_whatever_its_file_is_called() {
    let make = "/bin/mkdir -p build node_modules; echo app > build/app.wasm";
    let machine = Machine::with(&[("npm", make)]);
    let project = machine.0.path().join("orders");
    for (path, text) in [
        ("package.json", r#"{ "scripts": { "build": "make" } }"#),
        (
            "wit/app.wit",
            "package my:app;\n\nworld app {\n  import wasi:random/random@0.2.10;\n}\n",
        ),
        (
            "wit/deps/random/main.wit",
            "package wasi:random@0.2.10;\n\ninterface random {\n  get-random-u64: func() -> u64;\n}\n",
        ),
        ("wit/deps/dapr-state-0.1.0/mine.wit", "package dapr:state@0.1.0;\n"),
    ] {
        let file = project.join(path);
        std::fs::create_dir_all(file.parent().expect("it is in the folder")).expect("the folder is writable");
        std::fs::write(file, text).expect("the folder is writable");
    }
    let before = files(&project.join("wit"));
    let built = machine.host(&["build", "orders"]).output().expect("the host starts");
    assert!(built.status.success(), "{built:?}");
    assert_eq!(String::from_utf8_lossy(&built.stdout), "orders/build/app.wasm\n");
    assert_eq!(
        String::from_utf8_lossy(&built.stderr),
        "orders: npm install …\norders: npm run build …\n"
    );
    assert_eq!(files(&project.join("wit")), before);
}

/// The files below a folder, by their path in it.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("it is a folder") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it lies below").display().to_string();
            found.push((name, std::fs::read_to_string(path).expect("it is text")));
        }
    }
    found.sort();
    found
}
