//! A directory of secrets, and what somebody may have put into it.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn store(folder: &TempDir) -> DirectoryStore {
    let settings = DirectorySettings {
        path: folder.path().to_owned(),
    };
    DirectoryStore::open(&settings).await.unwrap()
}

fn write(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn lines(values: &SecretValues) -> Vec<String> {
    values
        .iter()
        .map(|(key, value)| format!("{key}={}", value.expose()))
        .collect()
}

async fn read(store: &DirectoryStore, name: &str) -> Vec<String> {
    lines(&store.get(name).await.unwrap())
}

async fn is_absent(store: &DirectoryStore, name: &str) -> bool {
    matches!(store.get(name).await, Err(SecretError::NoSuchSecret(_)))
}

/// Files as Kubernetes mounts a secret: links to the link `..data` to the directory that holds them.
fn mounted(volume: &Path, version: &str, files: &[(&str, &str)]) {
    let data = volume.join(format!("..{version}"));
    for (name, text) in files {
        write(data.join(name), text);
        let link = volume.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new(DATA).join(name), link).unwrap();
        }
    }
    symlink(format!("..{version}"), volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join(DATA)).unwrap();
}

#[tokio::test]
async fn a_file_is_a_secret_and_a_directory_is_one_with_keys() {
    let folder = folder();
    write(folder.path().join("token"), "t\n");
    write(folder.path().join("db/user"), "u");
    write(folder.path().join("db/password"), "p");
    write(folder.path().join("db/deeper/x"), "not a key");
    let store = store(&folder).await;
    assert_eq!(read(&store, "token").await, ["token=t\n"]);
    assert_eq!(read(&store, "db").await, ["password=p", "user=u"]);
    let all = store.bulk_get(&SecretAccess::default()).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["db", "token"]);
    assert_eq!(lines(&all["db"]), ["password=p", "user=u"]);
}

#[tokio::test]
async fn what_kubernetes_replaces_is_read_anew() {
    let folder = folder();
    let volume = folder.path().join("db");
    fs::create_dir(&volume).unwrap();
    mounted(&volume, "2026_1", &[("user", "u"), ("password", "old")]);
    let store = store(&folder).await;
    assert_eq!(read(&store, "db").await, ["password=old", "user=u"]);
    mounted(&volume, "2026_2", &[("user", "u"), ("password", "new")]);
    fs::remove_dir_all(volume.join("..2026_1")).unwrap();
    assert_eq!(read(&store, "db").await, ["password=new", "user=u"]);
}

#[tokio::test]
async fn a_volume_may_be_the_directory_itself() {
    let folder = folder();
    mounted(folder.path(), "2026_1", &[("user", "u"), ("password", "p")]);
    let store = store(&folder).await;
    assert_eq!(read(&store, "user").await, ["user=u"]);
    let all = store.bulk_get(&SecretAccess::default()).await.unwrap();
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["password", "user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_of_one_version_while_others_replace_it() {
    let folder = folder();
    let volume = folder.path().join("db");
    fs::create_dir(&volume).unwrap();
    mounted(&volume, "0", &[("a", "0"), ("b", "0")]);
    let store = store(&folder).await;
    let writer = std::thread::spawn(move || {
        for version in 1..100 {
            let text = version.to_string();
            mounted(&volume, &text, &[("a", &text), ("b", &text)]);
            fs::remove_dir_all(volume.join(format!("..{}", version - 1))).unwrap();
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        // One that is replaced faster than it can be read is no answer, and no mixture either.
        if let Ok(values) = store.get("db").await {
            assert_eq!(values["a"].expose(), values["b"].expose());
            seen += 1;
        }
    }
    writer.join().unwrap();
    assert_eq!(read(&store, "db").await, ["a=99", "b=99"]);
    assert!(seen > 0);
}

#[tokio::test]
async fn nothing_outside_of_the_directory_is_read() {
    let (folder, outside) = (folder(), folder());
    write(outside.path().join("password"), "hunter2");
    write(folder.path().join("db/user"), "u");
    symlink(outside.path().join("password"), folder.path().join("file")).unwrap();
    symlink(outside.path(), folder.path().join("directory")).unwrap();
    symlink(outside.path().join("password"), folder.path().join("db/password")).unwrap();
    symlink(outside.path(), folder.path().join("db").join(DATA)).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    let store = store(&folder).await;
    let up = format!("../{}/password", outside.path().file_name().unwrap().to_str().unwrap());
    let whole = outside.path().join("password").display().to_string();
    for name in [
        "file",
        "directory",
        "..",
        ".",
        "..data",
        "db/user",
        "db/../db",
        "/etc/passwd",
        "a\0b",
        &up,
        &whole,
    ] {
        assert!(is_absent(&store, name).await, "{name:?}");
    }
    assert_eq!(read(&store, "db").await, ["user=u"]);
    let error = store.get("loop").await.unwrap_err();
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_link_inside_of_the_directory_is_followed() {
    let folder = folder();
    write(folder.path().join("db/user"), "u");
    symlink("db/user", folder.path().join("user")).unwrap();
    assert_eq!(read(&store(&folder).await, "user").await, ["user=u"]);
}

#[tokio::test]
async fn sizes_are_bounded() {
    let folder = folder();
    write(folder.path().join("fits"), vec![b'x'; SECRET_BYTES - 4]);
    write(folder.path().join("long"), vec![b'x'; SECRET_BYTES]);
    write(folder.path().join("db/a"), vec![b'x'; SECRET_BYTES / 2]);
    write(folder.path().join("db/b"), vec![b'x'; SECRET_BYTES / 2]);
    let store = store(&folder).await;
    assert!(store.get("fits").await.is_ok());
    for name in ["long", "db"] {
        assert!(matches!(store.get(name).await, Err(SecretError::TooLarge(_))), "{name}");
    }
    for name in ["long", "db/a", "db/b"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for number in 0..8 {
        write(folder.path().join(format!("s{number}")), vec![b'x'; SECRET_BYTES - 2]);
    }
    let all = store.bulk_get(&SecretAccess::default()).await;
    assert!(matches!(all, Err(SecretError::TooLarge(_))));
}

#[tokio::test]
async fn what_is_no_text_is_a_fault_and_not_shown() {
    let folder = folder();
    write(folder.path().join("key"), b"hunter2\xff");
    let error = store(&folder).await.get("key").await.unwrap_err();
    assert!(matches!(error, SecretError::Internal(_)));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
}

#[tokio::test]
async fn a_pipe_is_no_secret_and_is_not_waited_for() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(is_absent(&store(&folder).await, "pipe").await);
}

#[tokio::test]
async fn what_may_not_be_read_is_not_read_with_the_others() {
    let folder = folder();
    write(folder.path().join("a"), "a");
    write(folder.path().join("b"), b"\xff");
    let access = SecretAccess {
        denied: ["b".to_owned()].into(),
        ..SecretAccess::default()
    };
    let all = store(&folder).await.bulk_get(&access).await.unwrap();
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn a_directory_that_is_not_there_or_goes_is_said_to_be() {
    let folder = folder();
    let path = folder.path().join("gone");
    let settings = DirectorySettings { path: path.clone() };
    let error = DirectoryStore::open(&settings).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read the directory of secrets"),
        "{error}"
    );
    fs::create_dir(&path).unwrap();
    let store = DirectoryStore::open(&settings).await.unwrap();
    fs::remove_dir(&path).unwrap();
    assert_eq!(store.health(), Health::Well);
    let error = store.get("a").await.unwrap_err();
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error}");
    assert!(matches!(store.health(), Health::Failing(_)));
    fs::create_dir(&path).unwrap();
    assert!(is_absent(&store, "a").await);
    assert_eq!(store.health(), Health::Well);
}
