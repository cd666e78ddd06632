//! The servers that are measured, and what they need on disk.

use super::options::{Effort, Options};
use super::server::Server;
use crate::tools::root;
use crate::{components, guests};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What all sections measure with.
pub(super) struct Bench {
    pub(super) effort: Effort,
    pub(super) wasmtime: Option<PathBuf>,
    pub(super) daprd: Option<PathBuf>,
    scratch: Scratch,
}

/// A folder that is gone when this is dropped. In the repository's `target`: a temporary folder may be in memory, where
/// a store that waits for the disk would wait for nothing.
struct Scratch(PathBuf);

/// Where a host keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    None,
    Memory,
    /// The example of a store in WebAssembly, which keeps items in its memory.
    Provider,
    Sqlite,
}

/// How many requests an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instances {
    /// One.
    Fresh,
    /// 128, as many as `wasmtime serve` gives to an instance of WASI 0.3.
    Reused,
}

/// A `dapr-wasm` with one app, not started yet.
pub(super) struct Host {
    pub(super) name: String,
    folder: PathBuf,
    guest: PathBuf,
    /// Where its compiled code is kept.
    cache: PathBuf,
}

impl Store {
    pub(super) const ALL: [Self; 3] = [Self::Memory, Self::Provider, Self::Sqlite];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "no store",
            Self::Memory => "memory",
            Self::Provider => "store-memory",
            Self::Sqlite => "SQLite",
        }
    }

    pub(super) fn table(self) -> String {
        let settings = match self {
            Self::None => return String::new(),
            Self::Memory => "type = \"in-memory\"".to_owned(),
            Self::Provider => {
                let component = guests::example("store-memory").display().to_string();
                format!("type = \"wasm\"\ncomponent = {component:?}")
            }
            // What the configuration that is built into the host says.
            Self::Sqlite => "type = \"sqlite\"\nconnectionString = \"state.db\"".to_owned(),
        };
        format!("[state.statestore]\n{settings}\n")
    }
}

impl Instances {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Reused => "reused",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Fresh => "",
            Self::Reused => "[app]\nreuse = 128\n",
        }
    }
}

impl Bench {
    pub(super) fn new(options: &Options) -> Result<Self> {
        let scratch = Scratch(root().join("target/bench"));
        // Left behind by a run that was killed.
        let _ = std::fs::remove_dir_all(&scratch.0);
        std::fs::create_dir_all(&scratch.0).with_context(|| format!("cannot make {}", scratch.0.display()))?;
        Ok(Self {
            effort: options.effort,
            wasmtime: options.wasmtime.clone(),
            daprd: options.daprd.clone(),
            scratch,
        })
    }

    /// The bare hyper server.
    pub(super) fn hyper(&self) -> Result<Server> {
        Server::start("bare hyper", &mut Command::new(released("hyper-baseline")))
    }

    /// A host of one app in a folder of its own. Hosts of the same name share it, and its state.
    pub(super) fn host(&self, guest: PathBuf, store: Store, instances: Instances) -> Result<Host> {
        let app = guest.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("dapr-wasm, {app}, {}, {}", store.name(), instances.name());
        self.host_with(guest, &name, &format!("{}{}", instances.table(), store.table()))
    }

    /// A host of one app with this configuration, in a folder of its own.
    pub(super) fn host_with(&self, guest: PathBuf, name: &str, configuration: &str) -> Result<Host> {
        let folder = self.scratch.0.join(name.replace([' ', ','], "-"));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("components.toml"), configuration)?;
        Ok(Host {
            name: name.to_owned(),
            folder,
            guest,
            cache: self.scratch.0.join("cache"),
        })
    }

    /// `wasmtime serve` with the guest `hello`, if there is a `wasmtime`.
    pub(super) fn wasmtime_serve(&self, instances: Instances) -> Result<Option<Server>> {
        let Some(wasmtime) = &self.wasmtime else {
            return Ok(None);
        };
        let mut serve = Command::new(wasmtime);
        serve.args(["serve", "-Scli", "--addr", "127.0.0.1:0"]);
        if instances == Instances::Reused {
            serve.args(["--max-instance-reuse-count", "128"]);
        }
        let name = format!("wasmtime serve, {}", instances.name());
        Server::start(&name, serve.arg(guests::test_guest("hello"))).map(Some)
    }

    /// Makes a folder in the scratch folder.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.0.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Writes a file into the scratch folder.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.scratch.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Host {
    pub(super) fn start(&self) -> Result<Server> {
        let mut run = Command::new(released("dapr-wasm"));
        run.arg("run").arg(&self.guest).args(["--listen", "127.0.0.1:0"]);
        // What is in the environment of whoever measures must not reach what is measured.
        run.current_dir(&self.folder)
            .env("XDG_CACHE_HOME", &self.cache)
            .env("XDG_DATA_HOME", components::data_home())
            .env_remove("NAMESPACE")
            .env_remove("RUST_LOG");
        Server::start(&self.name, &mut run)
    }

    /// The same host with a cache that is empty.
    pub(super) fn with_cold_cache(&self) -> Result<Self> {
        let cache = self.folder.join("cold-cache");
        if cache.exists() {
            std::fs::remove_dir_all(&cache)?;
        }
        Ok(Self {
            name: self.name.clone(),
            folder: self.folder.clone(),
            guest: self.guest.clone(),
            cache,
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program of this workspace, from the release build.
pub(super) fn released(program: &str) -> PathBuf {
    Path::new(&root()).join("target/release").join(program)
}
