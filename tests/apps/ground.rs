//! What a claim stands on: the apps of a language, and a store that they are given.

use dapr_wasm_tests::built;
#[cfg(feature = "servers")]
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, PATIENCE};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The apps of a language on a store.
pub(crate) struct Ground {
    language: &'static str,
    /// The table `[state.statestore]`, without its head.
    settings: String,
    #[cfg(feature = "servers")]
    server: Option<Server>,
}

impl Ground {
    /// Makes a claim about a language, unless its tools are not on this machine, of which there is an error under CI.
    pub(crate) fn with(language: &'static str, claim: impl FnOnce(Self)) {
        if built::app(language, "counter").if_built(language).is_some() {
            claim(Self {
                language,
                settings: String::new(),
                #[cfg(feature = "servers")]
                server: None,
            });
        }
    }

    pub(crate) fn in_memory(&self) -> Self {
        self.on("type = \"in-memory\"\n".to_owned())
    }

    pub(crate) fn sqlite(&self) -> Self {
        self.on("type = \"sqlite\"\nconnectionString = \"state.db\"\n".to_owned())
    }

    /// The example of a store in WebAssembly.
    pub(crate) fn store_memory(&self) -> Self {
        let component = built::guest("store-memory").display().to_string();
        self.on(format!("type = \"wasm\"\ncomponent = {component:?}\n"))
    }

    /// With a server of its own.
    #[cfg(feature = "servers")]
    pub(crate) fn redis(&self) -> Self {
        let server = Setup::of(Kind::Redis).start();
        let ground = self.on(format!("type = \"redis\"\nredisHost = {:?}\n", server.address()));
        Self {
            server: Some(server),
            ..ground
        }
    }

    /// On a store with these settings.
    pub(crate) fn on(&self, settings: String) -> Self {
        Self {
            language: self.language,
            settings,
            #[cfg(feature = "servers")]
            server: None,
        }
    }

    /// The server of the store.
    #[cfg(feature = "servers")]
    pub(crate) fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("the store has a server")
    }

    /// How many requests may come at once: as often as a counter tries again, or fewer where 64 instances take the machine so long
    /// to make that the store's answers come too late.
    pub(crate) fn at_once(&self) -> usize {
        match self.language {
            "c" | "rust" => 64,
            _ => 16,
        }
    }

    /// An app of the language, served. All of one name have the same id, and so the same keys.
    pub(crate) fn host(&self, app: &str) -> Host {
        self.launch(app, "")
    }

    /// The same, by instances that go on after a request.
    pub(crate) fn reused(&self, app: &str) -> Host {
        self.launch(app, "[app]\nreuse = 1000\n")
    }

    fn launch(&self, app: &str, table: &str) -> Host {
        let component = built::app(self.language, app).if_built(self.language);
        let component = component.expect("the tools of the language are there");
        compiled(&component);
        Launch::file(component)
            .components(&format!("{table}[state.statestore]\n{}", self.settings))
            .option("--app-id")
            .option(app)
            .start()
    }
}

/// Asks for each with HEAD, between two GETs whose answers are alike; no instance may end by that.
pub(crate) fn head_is_get_without_its_body(mut host: Host, targets: &[&str]) {
    for target in targets {
        let get = host.get(target);
        let head = host.call("HEAD", target).send();
        assert_eq!((head.status, head.text().as_str()), (get.status, ""), "{target}");
        for header in ["content-type", "allow"] {
            assert_eq!(head.header(header), get.header(header), "{target}: {header}");
        }
        // One that is there is that of the body that there is none of.
        let length = head.header("content-length");
        assert!(
            length.is_none() || length == get.header("content-length"),
            "{target}: {length:?}"
        );
        assert_eq!(host.get(target).status, get.status, "{target}");
    }
    no_instance_ends(&mut host);
}

/// Ends the host, and looks at all that it has printed: an app that ends before it was to says so.
pub(crate) fn no_instance_ends(host: &mut Host) {
    host.terminate();
    assert!(host.wait(PATIENCE).success());
    let printed = host.stderr().text();
    for word in ["abort", "panic", "trap", "Traceback"] {
        assert!(!printed.contains(word), "{printed}");
    }
}

/// Has a component's code put into the cache, one after the other and once: a large one takes many seconds, in which every test
/// that starts would compile it, too.
pub(crate) fn compiled(component: &Path) {
    static COMPILED: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.contains(component) {
        return;
    }
    let check = Command::new(built::binary())
        .arg("check")
        .arg(component)
        .current_dir(built::cache_home())
        .env("XDG_CACHE_HOME", built::cache_home())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    compiled.insert(component.to_owned());
}
