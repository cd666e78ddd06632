//! New code for what is served: built, looked at, compiled, tried, and only then put in the place of the old.

use super::Watched;
use super::build::{self, Built};
use super::tree::digest;
use crate::examined::Examined;
use crate::failure::Failure;
use crate::load;
use crate::opened::Opened;
use crate::run::Host;
use crate::tell::say;
use dapr_runtime::triggers::http::{Code, ReplaceError};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

/// What is served, and what renews it.
pub(crate) struct Renewal<'a> {
    host: Host<'a>,
    opened: &'a mut Opened,
    code: Code,
    watched: Watched,
    served: Served,
}

/// Which code is served.
struct Served {
    component: u64,
    /// `built` of a project, `read` of a file.
    made: &'static str,
    at: SystemTime,
}

/// Why the old code goes on.
enum Stopped {
    /// The new one does not do; this is why.
    Unfit(Failure),
    /// There is none, which the tools that failed have said.
    NotBuilt,
    /// It is the same.
    Unchanged,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Unfit(failure)
    }
}

impl<'a> Renewal<'a> {
    /// Of what is served now.
    pub(crate) fn new(
        host: Host<'a>,
        opened: &'a mut Opened,
        code: Code,
        watched: Watched,
        examined: &Examined,
    ) -> Self {
        let is_project = host.args.app.target.is_dir();
        Self {
            served: Served {
                component: digest(&examined.target.component),
                made: if is_project { "built" } else { "read" },
                at: examined.target.read_at,
            },
            host,
            opened,
            code,
            watched,
        }
    }

    /// Renews what is served whenever something was saved, until it is told to stop: then a build ends, too.
    pub(crate) async fn until(mut self, stop: CancellationToken) {
        let target = self.host.args.app.target.display();
        say(format_args!(
            "watching {target}: what is saved takes the place of what is served"
        ));
        tokio::select! {
            () = stop.cancelled() => {}
            failure = self.renew() => {
                failure.report();
                say(format_args!("nothing is watched any more; still serving what was {}", self.served));
                stop.cancelled().await;
            }
        }
    }

    /// Returns when nothing can be watched any more.
    async fn renew(&mut self) -> Failure {
        loop {
            let changed = match self.watched.changed().await {
                Ok(changed) => changed,
                Err(failure) => return failure,
            };
            self.tell_of(&changed);
            match self.replace().await {
                Ok(()) => say(format_args!("serving what was {}", self.served)),
                Err(Stopped::Unchanged) => say(format_args!("it is the same app: serving what was {}", self.served)),
                Err(Stopped::NotBuilt) => {
                    Failure::run(format!("build failed; still serving what was {}", self.served)).warn();
                }
                Err(Stopped::Unfit(failure)) => {
                    failure.report();
                    say(format_args!("still serving what was {}", self.served));
                }
            }
        }
    }

    fn tell_of(&self, changed: &[PathBuf]) {
        let [first, more @ ..] = changed else { return };
        let root = self.watched.root();
        let shown = first.strip_prefix(root).ok().filter(|within| within.iter().count() > 0);
        let shown = shown.unwrap_or(&self.host.args.app.target).display();
        match more.len() {
            0 => say(format_args!("changed: {shown}")),
            more => say(format_args!("changed: {shown} and {more} more")),
        }
    }

    async fn replace(&mut self) -> Result<(), Stopped> {
        let Host {
            args, setup, shared, ..
        } = self.host;
        let target = &args.app.target;
        let component = match target.is_dir() {
            false => target.clone(),
            true => {
                let built = build::build(target).await?;
                self.watched.built().await?;
                match built {
                    Built::Component(path) => path,
                    Built::Failed => return Err(Stopped::NotBuilt),
                }
            }
        };
        let examined = Examined::of_file(&component, setup)?;
        let (new, at) = (digest(&examined.target.component), examined.target.read_at);
        if new == self.served.component {
            return Err(Stopped::Unchanged);
        }
        let entry = examined.runnable(&args.app, setup)?;
        if !entry.is_http() {
            return Err(cannot_serve(&component, &ReplaceError::NotAHandler).into());
        }
        self.opened.open(&examined, setup, shared).await?;
        let app = load::app(&examined, entry, self.opened.spec(setup), shared).await?;
        let replaced = self.code.replace(app).await;
        replaced.map_err(|error| cannot_serve(&component, &error))?;
        self.served.component = new;
        self.served.at = at;
        Ok(())
    }
}

fn cannot_serve(component: &Path, error: &ReplaceError) -> Failure {
    Failure::run(format!("cannot serve `{}`", component.display())).because(error)
}

/// `built at 14:03:05 UTC`
impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs() % (24 * 60 * 60);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{} at {hours:02}:{minutes:02}:{seconds:02} UTC", self.made)
    }
}
