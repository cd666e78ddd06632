//! The start-up text: what is bound where, and every limit in force.

use crate::examined::Examined;
use crate::setup::Setup;
use crate::size::size;
use dapr_blocks::state::Limits as StateLimits;
use dapr_runtime::app::App;
use dapr_runtime::limits::Limits;
use dapr_runtime::needs::Standing;

/// What a user should know of a host before it serves.
pub(crate) fn summary(setup: &Setup, examined: &Examined, app: &App) -> String {
    let (version, id, target) = (env!("CARGO_PKG_VERSION"), app.id(), &examined.target);
    let title = format!("dapr-wasm {version} runs `{id}` from {target}");
    let rows = bound(setup, examined, app)
        .into_iter()
        .chain([("limits", String::new())])
        .chain(limits(app));
    let rows = rows.map(|(name, value)| match value.is_empty() {
        true => format!("\n{name}"),
        false => format!("\n  {name:<10}{value}"),
    });
    title + &rows.collect::<String>()
}

type Row = (&'static str, String);

fn bound(setup: &Setup, examined: &Examined, app: &App) -> Vec<Row> {
    let reuse = app.reuse();
    let kept = match reuse.total {
        1 => String::new(),
        _ => format!(", and is kept for {:?} without one", app.limits().idle),
    };
    let mut rows = vec![
        ("entry", format!("{}: {reuse}{kept}", app.entry().interface())),
        ("config", setup.origin.to_string()),
    ];
    if examined.uses_stores() {
        rows.extend(setup.stores().map(|store| ("store", Setup::bound(store))));
    }
    let names = app.spec().env.iter().map(|(name, _)| name.escape_debug().to_string());
    for (name, list) in [("env", names.collect()), ("denied", denied(examined))] {
        if !list.is_empty() {
            rows.push((name, list.join(", ")));
        }
    }
    rows
}

/// What the app imports and the host refuses.
fn denied(examined: &Examined) -> Vec<String> {
    let reasons = examined.needs.iter().filter_map(|need| match need.standing {
        Standing::Denied(why) => Some(why.to_owned()),
        _ => None,
    });
    let mut reasons: Vec<_> = reasons.collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn limits(app: &App) -> [Row; 6] {
    let limits: &Limits = app.limits();
    let state = StateLimits::default();
    let [body, headers, call] = [limits.request_body, limits.headers, limits.host_call].map(shown);
    let [memory, all] = [app.spec().memory, app.budget().max()].map(shown);
    let [key, value, batch] = [state.key, state.value, state.batch].map(shown);
    let Limits {
        requests,
        connections,
        header_read,
        send,
        drain,
        handles,
        ..
    } = limits;
    let (timeout, items) = (app.spec().request_timeout, state.items);
    [
        (
            "request",
            format!(
                "{timeout:?}; body {body}; headers {headers}, read within {header_read:?}; answer taken within {send:?}"
            ),
        ),
        ("at once", format!("{requests} requests, {connections} connections")),
        ("memory", format!("{memory} an instance, {all} all instances together")),
        (
            "host",
            format!("{call} of its memory for one call by the app, {handles} handles an instance"),
        ),
        (
            "state",
            format!("key {key}; value {value}; {items} items and {batch} a batch"),
        ),
        ("shutdown", format!("{drain:?} for the requests under way")),
    ]
}

fn shown(bytes: usize) -> String {
    size(bytes as u64)
}
