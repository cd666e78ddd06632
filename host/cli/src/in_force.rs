//! The limits that hold for an app, all of them: as rows of the start-up text, and as numbers.

use crate::shared::PRINTED_WITHIN;
use crate::size::size;
use dapr_blocks::secrets::{BULK_BYTES, NAME_BYTES, SECRET_BYTES};
use dapr_blocks::state::{ContentType, Cursor, Etag, Limits as StateLimits, Metadata, PageLimit, Ttl};
use dapr_code_cache::DEFAULT_LIMIT;
use dapr_runtime::admin;
use dapr_runtime::app::App;
use dapr_runtime::egress::{CONNECT, REQUESTS};
use dapr_runtime::engine::{Allocator, CORE_INSTANCES, EPOCH_TICK, MEMORIES, STORE_INSTANCES, TABLE_ELEMENTS, TABLES};
use dapr_runtime::limits::{HEADERS, Limits, SOCKETS};
use dapr_runtime::output::{LINE, QUEUE};
use serde_json::{Value, json};

/// Limits of one kind: a row of the text, and the same as numbers.
pub(crate) struct InForce {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) numbers: Value,
}

/// What holds for all that an app does. What holds for one of its stores stands with that store.
pub(crate) fn limits(app: &App) -> Vec<InForce> {
    let mut limits = vec![
        request(app),
        at_once(app),
        memory(app),
        host(app),
        output(),
        state(),
        items(),
    ];
    if app.allocator() == Allocator::Pooling {
        limits.push(component());
    }
    limits.extend([code(), shutdown(app)]);
    limits
}

/// What holds for those who ask for `/healthz`.
pub(crate) fn health() -> InForce {
    let (connections, patience) = (admin::CONNECTIONS, admin::PATIENCE);
    InForce {
        kind: "health",
        text: format!("{connections} connections, {patience:?} without a request"),
        numbers: json!({ "connections": connections, "without_request_seconds": patience.as_secs_f64() }),
    }
}

fn request(app: &App) -> InForce {
    let limits = app.limits();
    let (timeout, read, taken) = (app.spec().request_timeout, limits.header_read, limits.send);
    let [body, headers] = [limits.request_body, limits.headers].map(shown);
    InForce {
        kind: "request",
        text: format!(
            "{timeout:?}; body {body}; {HEADERS} headers of {headers}, read within {read:?}; answer taken within {taken:?}"
        ),
        numbers: json!({
            "seconds": timeout.as_secs_f64(),
            "body_bytes": limits.request_body,
            "headers": HEADERS,
            "headers_bytes": limits.headers,
            "headers_read_seconds": read.as_secs_f64(),
            "answer_taken_seconds": taken.as_secs_f64(),
        }),
    }
}

fn at_once(app: &App) -> InForce {
    let limits = app.limits();
    let Limits {
        requests, connections, ..
    } = limits;
    // Only a pool has an end.
    let instances = (app.allocator() == Allocator::Pooling).then(|| limits.instances());
    let stores = instances.map(|_| STORE_INSTANCES);
    let places = instances.map_or(String::new(), |instances| {
        format!(", {instances} instances and {STORE_INSTANCES} of stores")
    });
    InForce {
        kind: "at once",
        text: format!("{requests} requests, {connections} connections{places}"),
        numbers: json!({ "requests": requests, "connections": connections, "instances": instances, "store_instances": stores }),
    }
}

fn memory(app: &App) -> InForce {
    let (one, all) = (app.spec().memory, app.budget().max());
    let [shown_one, shown_all] = [one, all].map(shown);
    InForce {
        kind: "memory",
        text: format!("{shown_one} an instance, {shown_all} all instances together"),
        numbers: json!({ "instance_bytes": one, "all_bytes": all }),
    }
}

fn host(app: &App) -> InForce {
    let Limits { host_call, handles, .. } = app.limits();
    let call = shown(*host_call);
    InForce {
        kind: "host",
        text: format!(
            "{call} of its memory for one call by the app, {handles} handles an instance, {EPOCH_TICK:?} of computing at a \
             stretch"
        ),
        numbers: json!({
            "call_bytes": host_call,
            "handles": handles,
            "computing_seconds": EPOCH_TICK.as_secs_f64(),
        }),
    }
}

fn output() -> InForce {
    InForce {
        kind: "output",
        text: format!("{} a line, {QUEUE} blocks wait", shown(LINE)),
        numbers: json!({ "line_bytes": LINE, "blocks": QUEUE }),
    }
}

fn state() -> InForce {
    let StateLimits {
        key,
        value,
        items,
        batch,
        ..
    } = StateLimits::default();
    let [shown_key, shown_value, shown_batch] = [key, value, batch].map(shown);
    let page = PageLimit::MAX;
    InForce {
        kind: "state",
        text: format!(
            "key {shown_key}; value {shown_value}; {items} items and {shown_batch} a batch; {page} keys a page"
        ),
        numbers: json!({
            "key_bytes": key,
            "value_bytes": value,
            "items": items,
            "batch_bytes": batch,
            "page_keys": page,
        }),
    }
}

fn items() -> InForce {
    let (names, ttl) = (Metadata::MAX_ENTRIES, Ttl::MAX_SECONDS);
    let [metadata, etag, cursor, kind] = [
        Metadata::MAX_BYTES,
        Etag::MAX_BYTES,
        Cursor::MAX_BYTES,
        ContentType::MAX_BYTES,
    ];
    let [shown_metadata, shown_etag, shown_cursor, shown_kind] = [metadata, etag, cursor, kind].map(shown);
    InForce {
        kind: "item",
        text: format!(
            "metadata {names} names and {shown_metadata}; etag {shown_etag}; cursor {shown_cursor}; content type \
             {shown_kind}; TTL {ttl}s"
        ),
        numbers: json!({
            "metadata_names": names,
            "metadata_bytes": metadata,
            "etag_bytes": etag,
            "cursor_bytes": cursor,
            "content_type_bytes": kind,
            "ttl_seconds": ttl,
        }),
    }
}

/// What holds for apps that read secrets.
pub(crate) fn secrets() -> InForce {
    let [name, secret, bulk] = [NAME_BYTES, SECRET_BYTES, BULK_BYTES].map(shown);
    InForce {
        kind: "secret",
        text: format!("name {name}; secret {secret}; {bulk} a bulk call"),
        numbers: json!({ "name_bytes": NAME_BYTES, "secret_bytes": SECRET_BYTES, "bulk_bytes": BULK_BYTES }),
    }
}

/// What holds for apps that may reach servers.
pub(crate) fn network(app: &App) -> InForce {
    let all = app.sockets().of_one();
    InForce {
        kind: "network",
        text: format!(
            "{REQUESTS} requests, each connected within {CONNECT:?}; {SOCKETS} sockets an instance, {all} in all"
        ),
        numbers: json!({
            "requests": REQUESTS,
            "connect_seconds": CONNECT.as_secs_f64(),
            "sockets_an_instance": SOCKETS.min(all),
            "sockets": all,
        }),
    }
}

fn component() -> InForce {
    InForce {
        kind: "component",
        text: format!(
            "{CORE_INSTANCES} core instances, {MEMORIES} memories, {TABLES} tables of {TABLE_ELEMENTS} elements"
        ),
        numbers: json!({
            "core_instances": CORE_INSTANCES,
            "memories": MEMORIES,
            "tables": TABLES,
            "table_elements": TABLE_ELEMENTS,
        }),
    }
}

fn code() -> InForce {
    InForce {
        kind: "code",
        text: format!("{} on disk", size(DEFAULT_LIMIT)),
        numbers: json!({ "disk_bytes": DEFAULT_LIMIT }),
    }
}

fn shutdown(app: &App) -> InForce {
    let drain = app.limits().drain;
    InForce {
        kind: "shutdown",
        text: format!("{drain:?} for the requests under way, {PRINTED_WITHIN:?} for what is to be printed"),
        numbers: json!({
            "requests_seconds": drain.as_secs_f64(),
            "printing_seconds": PRINTED_WITHIN.as_secs_f64(),
        }),
    }
}

fn shown(bytes: usize) -> String {
    size(bytes as u64)
}
