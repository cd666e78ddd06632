//! What is told at start-up: what is bound where, and every limit in force.

use crate::examined::Examined;
use crate::in_force::{self, InForce};
use crate::opening::OpenStore;
use crate::secrets::BoundSecrets;
use crate::setup::{Bound, Setup};
use crate::tell::{Level, harmless, one_line, say, tell};
use dapr_blocks::config::PrivateAddresses;
use dapr_runtime::app::App;
use dapr_runtime::needs::{Block, Standing};
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;

/// Where a host serves.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) app: SocketAddr,
    /// Of `/healthz`, if it is served.
    pub(crate) admin: Option<SocketAddr>,
}

/// What a user should know of a host before it serves. The fields are what it is as JSON, beside the title.
#[derive(Serialize)]
pub(crate) struct Summary {
    #[serde(skip)]
    title: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    app: String,
    version: &'static str,
    target: String,
    entry: &'static str,
    instance: Instance,
    /// None: what is built in.
    config: Option<String>,
    stores: Vec<Store>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<BoundSecrets>,
    /// The names of its variables.
    env: Vec<String>,
    /// The servers that it may reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_hosts: Vec<String>,
    /// Whether these may be at private addresses, whatever their names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_private: bool,
    denied: Vec<&'static str>,
    #[serde(serialize_with = "by_kind")]
    limits: Vec<InForce>,
    /// The words of `entry` and of `config`.
    #[serde(skip)]
    words: [String; 2],
}

/// What an instance serves.
#[derive(Serialize)]
struct Instance {
    requests: usize,
    at_once: usize,
    idle_seconds: f64,
}

#[derive(Serialize)]
struct Store {
    #[serde(flatten)]
    bound: Bound,
    /// What of the store itself bounds its calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<String>,
}

impl Summary {
    pub(crate) fn new(setup: &Setup, examined: &Examined, app: &App, open: &[OpenStore], at: Addresses) -> Self {
        let (version, id, target) = (env!("CARGO_PKG_VERSION"), app.id(), &examined.target);
        let stores = setup.stores().zip(open).map(|(store, open)| Store {
            bound: Bound::new(setup, store),
            bounds: open.store.bounds(),
        });
        let (reuse, idle) = (app.reuse(), app.limits().idle);
        let kept = match reuse.total {
            1 => String::new(),
            _ => format!(", and is kept for {idle:?} without one"),
        };
        let entry = app.entry().interface();
        let mut limits = in_force::limits(app);
        limits.extend(examined.uses(Block::Secrets).then(in_force::secrets));
        limits.extend((!app.spec().allow_hosts.is_empty()).then(|| in_force::network(app)));
        limits.extend(at.admin.map(|_| in_force::health()));
        Self {
            title: format!("dapr-wasm {version} runs `{id}` from {target}"),
            url: format!("http://{}", at.app),
            health: at.admin.map(|address| format!("http://{address}/healthz")),
            app: id.to_owned(),
            version,
            target: target.path.display().to_string(),
            entry,
            instance: Instance {
                requests: reuse.total,
                at_once: reuse.concurrent,
                idle_seconds: idle.as_secs_f64(),
            },
            config: setup.origin.file().map(str::to_owned),
            stores: stores.collect(),
            secrets: match examined.uses(Block::Secrets) {
                true => setup.bound_secrets(),
                false => Vec::new(),
            },
            env: app.spec().env.iter().map(|(name, _)| name.clone()).collect(),
            allow_hosts: app.spec().allow_hosts.iter().map(ToString::to_string).collect(),
            allow_private: app.spec().allow_hosts.private() == PrivateAddresses::OfAnyName,
            denied: denied(examined),
            limits,
            words: [format!("{entry}: {reuse}{kept}"), setup.origin.to_string()],
        }
    }

    /// Tells the user, and behind it where the host serves.
    pub(crate) fn tell(&self) {
        tell(Level::Info, &self.title, self, &harmless(&self.to_string()));
        say(format_args!("serving {}", self.url));
    }

    /// The servers that it may reach, and where they may be.
    fn hosts(&self) -> Vec<String> {
        let mut hosts = self.allow_hosts.clone();
        if self.allow_private && !hosts.is_empty() {
            hosts.push("also at private addresses".to_owned());
        }
        hosts
    }

    fn rows(&self) -> Vec<(&str, String)> {
        let [entry, config] = self.words.clone();
        let mut rows = vec![("entry", entry), ("config", config)];
        rows.extend(self.stores.iter().map(|store| ("store", store.to_string())));
        rows.extend(self.secrets.iter().map(|store| ("secrets", store.to_string())));
        let names = self.env.iter().map(|name| name.escape_debug().to_string());
        let denied = self.denied.iter().map(|why| (*why).to_owned());
        let lists: [(_, Vec<_>); 3] = [
            ("env", names.collect()),
            ("hosts", self.hosts()),
            ("denied", denied.collect()),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        rows.extend(lists.map(|(name, list)| (name, list.join(", "))));
        rows
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.title))?;
        for (name, text) in self.rows() {
            write!(f, "\n  {name:<10}{}", one_line(&text))?;
        }
        f.write_str("\nlimits")?;
        for InForce { kind, text, .. } in &self.limits {
            write!(f, "\n  {kind:<10}{text}")?;
        }
        match &self.health {
            Some(health) => write!(f, "\nhealth {health}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bound.fmt(f)?;
        match &self.bounds {
            Some(bounds) => write!(f, ", {bounds}"),
            None => Ok(()),
        }
    }
}

/// What the app imports and the host refuses.
fn denied(examined: &Examined) -> Vec<&'static str> {
    let reasons = examined.needs.iter().filter_map(|need| match need.standing {
        Standing::Denied(why) => Some(why),
        _ => None,
    });
    let mut reasons: Vec<_> = reasons.collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

/// Limits as an object, by their kind.
fn by_kind<S: Serializer>(limits: &[InForce], serializer: S) -> Result<S::Ok, S::Error> {
    let kinds = limits.iter().map(|limit| limit.kind.replace(' ', "_"));
    serializer.collect_map(kinds.zip(limits.iter().map(|limit| &limit.numbers)))
}
