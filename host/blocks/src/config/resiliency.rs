//! `[resiliency]`: Dapr's resiliency resource, with its names.
//!
//! ```toml
//! [resiliency.policies.timeouts]
//! fast = "500ms"
//!
//! [resiliency.policies.retries.patient]
//! policy = "exponential"
//! maxRetries = 10
//!
//! [resiliency.policies.circuitBreakers.simple]
//! timeout = "30s"
//! trip = "consecutiveFailures > 8"
//!
//! [resiliency.targets.components.statestore.outbound]
//! timeout = "fast"
//! retry = "patient"
//! circuitBreaker = "simple"
//! ```

use super::component::Scopes;
use super::duration::NonZeroDuration;
use super::error::{ConfigErrors, Location};
use super::name::{AppId, ComponentName};
use super::nearest::{keys, nearest};
use super::table::Table;
use super::value::FromText;
use crate::resiliency::{BreakerSettings, Policy, Retry, Retryable, Times, Trip, TripError};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a constant retry waits where nothing is said: Dapr's.
const DELAY: Duration = Duration::from_secs(5);

/// What an exponential retry waits first: Dapr's.
const FIRST: Duration = Duration::from_millis(500);

/// What an exponential retry waits at most where nothing is said: Dapr's.
const LONGEST: Duration = Duration::from_secs(60);

/// A building block whose components have policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `[state.NAME]`
    State,
    /// `[secrets.NAME]`
    Secrets,
}

impl Target {
    /// What stands before the kind of policy and `Policy` in the names of those that hold without being named: the more
    /// special one first.
    fn defaults(self) -> [&'static str; 4] {
        let special = match self {
            Self::State => "DefaultStatestoreComponentOutbound",
            Self::Secrets => "DefaultSecretstoreComponentOutbound",
        };
        [special, "DefaultComponentOutbound", "DefaultComponent", "Default"]
    }
}

/// `[resiliency]`, read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resiliency {
    /// `scopes`, an array of app ids: the apps whose calls the policies hold for. Default: all.
    scopes: Scopes,
    /// What `[resiliency.targets.components.NAME.outbound]` names, and where each stands.
    components: BTreeMap<String, (Location, Policy)>,
    /// What holds for state stores without being named, and for secret stores.
    state: Policy,
    secrets: Policy,
}

impl Resiliency {
    /// The policy for an app's calls to a component. One that is reached over the network has [`Retry::for_servers`] where the
    /// configuration names no retry.
    pub fn outbound(&self, app: &AppId, target: Target, component: &ComponentName, is_remote: bool) -> Policy {
        let of_server = Policy {
            retry: is_remote.then(Retry::for_servers),
            ..Policy::default()
        };
        if !self.scopes.allow(app) {
            return of_server;
        }
        let default = match target {
            Target::State => &self.state,
            Target::Secrets => &self.secrets,
        };
        let own = self.components.get(component.as_str()).map(|(_, policy)| policy);
        own.cloned().unwrap_or_default().or(default).or(&of_server)
    }

    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let scopes = Scopes::read(table);
        let policies = table.section("policies", Policies::read);
        // Where a policy is wrong, that a target names it is no second mistake.
        let known = policies
            .as_ref()
            .ok()
            .map(|policies| policies.clone().unwrap_or_default());
        let default = |target| known.as_ref().map(|known| known.default(target)).unwrap_or_default();
        let targets = table.section("targets", |targets| components(targets, known.as_ref()));
        table.finish()?;
        Ok(Self {
            scopes: scopes?,
            components: targets?.unwrap_or_default(),
            state: default(Target::State),
            secrets: default(Target::Secrets),
        })
    }

    /// Refuses a target that is none of these components.
    pub(super) fn check<'a>(&self, known: impl Iterator<Item = &'a str> + Clone) -> Result<(), ConfigErrors> {
        let unknown = self
            .components
            .iter()
            .filter(|(name, _)| !known.clone().any(|it| it == name.as_str()));
        let errors = unknown.map(|(name, (location, _))| {
            let error = location.error(format!("there is no component `{}` to target", name.escape_debug()));
            match nearest(name, known.clone()) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error.with_help(format!("there are: {}", keys(known.clone()))),
            }
        });
        ConfigErrors::of(errors).map_or(Ok(()), Err)
    }
}

/// `[resiliency.policies]`.
#[derive(Clone, Default)]
struct Policies {
    timeouts: BTreeMap<String, Duration>,
    retries: BTreeMap<String, Retry>,
    breakers: BTreeMap<String, BreakerSettings>,
}

impl Policies {
    fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let timeouts = table.take::<BTreeMap<String, NonZeroDuration>>("timeouts");
        let retries = table.named_sections("retries", "important", |name, _, table| {
            Ok((name.to_owned(), table.read(retry)?))
        });
        let breakers = table.named_sections("circuitBreakers", "simple", |name, _, table| {
            Ok((name.to_owned(), table.read(breaker)?))
        });
        table.finish()?;
        let timeouts = timeouts?.unwrap_or_default().into_iter();
        Ok(Self {
            timeouts: timeouts.map(|(name, timeout)| (name, timeout.get())).collect(),
            retries: retries?.into_iter().collect(),
            breakers: breakers?.into_iter().collect(),
        })
    }

    /// Those that hold by their name.
    fn default(&self, target: Target) -> Policy {
        let named = |kind: &str| target.defaults().map(|name| format!("{name}{kind}Policy"));
        let breaker = |name: &String| self.breakers.get(name).map(|found| (name.clone(), found.clone()));
        Policy {
            timeout: named("Timeout")
                .iter()
                .find_map(|name| self.timeouts.get(name))
                .copied(),
            retry: named("Retry").iter().find_map(|name| self.retries.get(name)).cloned(),
            breaker: named("CircuitBreaker").iter().find_map(breaker),
        }
    }
}

fn retry(table: &mut Table) -> Result<Retry, ConfigErrors> {
    let kinds = [("constant", false), ("exponential", true)];
    let is_exponential = table.take_choice("policy", &kinds)?.unwrap_or(false);
    let (other, message) = match is_exponential {
        true => (
            "duration",
            "`duration` is for constant retries, and these grow from 500ms to `maxInterval`",
        ),
        false => (
            "maxInterval",
            "`maxInterval` is for exponential retries, and these wait `duration` each time",
        ),
    };
    table.refuse(other, message, Some("remove it"));
    let wait = match is_exponential {
        true => table.take::<NonZeroDuration>("maxInterval"),
        false => table.take("duration"),
    };
    let max = table.take_checked("maxRetries", |max: &i64| match max {
        -1..=0xffff_ffff => Ok(()),
        _ => Err("it must be a number of retries, or -1 for no limit"),
    });
    let on = table.section("matching", matching);
    table.finish()?;
    let wait = wait?.map(NonZeroDuration::get);
    let times = match is_exponential {
        true => {
            let longest = wait.unwrap_or(LONGEST);
            let first = FIRST.min(longest);
            Times::Exponential { first, longest }
        }
        false => Times::Constant(wait.unwrap_or(DELAY)),
    };
    Ok(Retry {
        times,
        // Below zero: no limit.
        max: max?.and_then(|max| u32::try_from(max).ok()),
        on: on?.flatten().unwrap_or_else(Retry::on_all),
    })
}

/// Which errors are tried again; none: all that can be.
fn matching(table: &mut Table) -> Result<Option<Vec<Retryable>>, ConfigErrors> {
    for name in ["httpStatusCodes", "gRPCStatusCodes"] {
        let message = format!("`{name}` is for service invocation, which this version does not have yet");
        table.refuse(
            name,
            message,
            Some(r#"which errors of stores are tried again: errors = ["unavailable"]"#),
        );
    }
    let errors = table.take_checked("errors", |errors: &Vec<RetryableName>| match errors.is_empty() {
        true => Err("name an error, or write maxRetries = 0 to try nothing again"),
        false => Ok(()),
    })?;
    Ok(errors.map(|errors| errors.into_iter().map(|RetryableName(error)| error).collect()))
}

struct RetryableName(Retryable);

impl FromText for RetryableName {
    const WHAT: &'static str = "an error that can be tried again";
    const EXAMPLE: &'static str = "\"unavailable\", \"throttled\" or \"outcome-unknown\"";
    type Problem = &'static str;

    fn from_text(text: &str) -> Result<Self, Self::Problem> {
        let found = Retryable::ALL.into_iter().find(|(name, _)| *name == text);
        let (_, error) = found.ok_or("it is no error that can be tried again")?;
        Ok(Self(error))
    }
}

impl FromText for Trip {
    const WHAT: &'static str = "a condition of a circuit breaker";
    const EXAMPLE: &'static str = "\"consecutiveFailures > 5\"";
    type Problem = TripError;

    fn from_text(text: &str) -> Result<Self, TripError> {
        text.parse()
    }
}

fn breaker(table: &mut Table) -> Result<BreakerSettings, ConfigErrors> {
    let max_requests = table.take::<u32>("maxRequests");
    let interval = table.take::<Duration>("interval");
    let timeout = table.take::<Duration>("timeout");
    let trip = table.take("trip");
    table.finish()?;
    let default = BreakerSettings::default();
    Ok(BreakerSettings {
        // As in Dapr, zero is what is not said.
        max_requests: max_requests?.and_then(NonZeroU32::new).unwrap_or(default.max_requests),
        interval: interval?.unwrap_or(default.interval),
        timeout: timeout?.filter(|timeout| !timeout.is_zero()).unwrap_or(default.timeout),
        trip: trip?.unwrap_or(default.trip),
    })
}

type Components = BTreeMap<String, (Location, Policy)>;

/// `[resiliency.targets]`. Names are looked up if it is known which policies there are.
fn components(table: &mut Table, known: Option<&Policies>) -> Result<Components, ConfigErrors> {
    for (name, what) in [("apps", "service invocation"), ("actors", "actors")] {
        table.refuse(name, format!("`{name}`: this version does not have {what} yet"), None);
    }
    let components = table.named_sections("components", "statestore", |name, location, table| {
        let policy = table.read(|table| {
            table.refuse(
                "inbound",
                "`inbound` is for what brokers and bindings deliver, which this version does not have yet",
                Some("what an app asks of a component is `outbound`"),
            );
            let policy = table.section("outbound", |table| target(table, known));
            table.finish()?;
            Ok(policy?.unwrap_or_default())
        })?;
        Ok((name.to_owned(), (location.clone(), policy)))
    });
    table.finish()?;
    Ok(components?.into_iter().collect())
}

fn target(table: &mut Table, known: Option<&Policies>) -> Result<Policy, ConfigErrors> {
    let timeout = named(table, "timeout", "timeouts", known.map(|known| &known.timeouts));
    let retry = named(table, "retry", "retries", known.map(|known| &known.retries));
    let breaker = named(
        table,
        "circuitBreaker",
        "circuitBreakers",
        known.map(|known| &known.breakers),
    );
    table.finish()?;
    Ok(Policy {
        timeout: timeout?.map(|(_, timeout)| timeout),
        retry: retry?.map(|(_, retry)| retry),
        breaker: breaker?,
    })
}

/// The policy that a key names, with its name.
fn named<P: Clone>(
    table: &mut Table,
    key: &'static str,
    kind: &str,
    known: Option<&BTreeMap<String, P>>,
) -> Result<Option<(String, P)>, ConfigErrors> {
    let (Some(name), Some(known)) = (table.take::<String>(key)?, known) else {
        return Ok(None);
    };
    if let Some(policy) = known.get(&name) {
        return Ok(Some((name, policy.clone())));
    }
    let location = table.location_of(key);
    let error = location.error(format!("[resiliency.policies.{kind}] has no `{}`", name.escape_debug()));
    let names = || known.keys().map(String::as_str);
    let error = match nearest(&name, names()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None if known.is_empty() => error.with_help(format!("add [resiliency.policies.{kind}] with it")),
        None => error.with_help(format!("it has {}", keys(names()))),
    };
    table.keep(Err(error.into()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    const POLICIES: &str = "
        [policies.timeouts]
        fast = '500ms'
        DefaultComponentTimeoutPolicy = '2s'
        [policies.retries.patient]
        policy = 'exponential'
        maxInterval = '10s'
        maxRetries = -1
        matching = { errors = ['throttled'] }
        [policies.retries.DefaultRetryPolicy]
        maxRetries = 2
        [policies.circuitBreakers.simple]
        maxRequests = 0
        timeout = '0s'
        interval = '8s'
        trip = 'consecutiveFailures > 8'
        [targets.components.statestore.outbound]
        timeout = 'fast'
        retry = 'patient'
        circuitBreaker = 'simple'
        [targets.components.other.outbound]
        timeout = 'fast'
    ";

    fn outbound(text: &str, component: &str, is_remote: bool) -> String {
        let resiliency = table(text).read(Resiliency::read).unwrap();
        let (app, component) = ("orders".parse().unwrap(), component.parse().unwrap());
        resiliency
            .outbound(&app, Target::State, &component, is_remote)
            .to_string()
    }

    #[test]
    fn a_component_has_the_policies_that_its_target_names() {
        assert_eq!(
            outbound(POLICIES, "statestore", true),
            "retries until the deadline after 500ms to 10s on throttled, 500ms an attempt, \
             circuit breaker simple (open for 60s when consecutiveFailures > 8, counted anew every 8s)"
        );
    }

    #[test]
    fn what_a_target_does_not_name_is_what_holds_by_its_name() {
        assert_eq!(
            outbound(POLICIES, "other", true),
            "2 retries after 5s, 500ms an attempt"
        );
        assert_eq!(outbound(POLICIES, "third", false), "2 retries after 5s, 2s an attempt");
    }

    #[test]
    fn what_is_far_away_is_tried_again_without_any_policy() {
        assert_eq!(outbound("", "statestore", true), "3 retries after 20ms to 1s");
        assert_eq!(outbound("", "statestore", false), "");
    }

    #[test]
    fn what_holds_without_being_named_may_hold_for_secret_stores_alone() {
        let resiliency = table(
            "
            [policies.retries.DefaultSecretstoreComponentOutboundRetryPolicy]
            maxRetries = 7
            [policies.timeouts]
            DefaultStatestoreComponentOutboundTimeoutPolicy = '1s'
            ",
        );
        let resiliency = resiliency.read(Resiliency::read).unwrap();
        let (app, component) = ("orders".parse().unwrap(), "vault".parse().unwrap());
        let of = |target| resiliency.outbound(&app, target, &component, true).to_string();
        assert_eq!(of(Target::Secrets), "7 retries after 5s");
        assert_eq!(of(Target::State), "3 retries after 20ms to 1s, 1s an attempt");
    }

    #[test]
    fn policies_hold_for_the_apps_in_their_scopes() {
        let others = format!("scopes = ['others']\n{POLICIES}");
        assert_eq!(outbound(&others, "statestore", true), "3 retries after 20ms to 1s");
        let own = format!("scopes = ['orders']\n{POLICIES}");
        assert_eq!(outbound(&own, "other", false), "2 retries after 5s, 500ms an attempt");
    }
}
