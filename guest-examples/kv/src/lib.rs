//! `dapr:state` over HTTP, as requests that curl can send; README.md lists them.

mod body;
mod etag;
mod failure;
mod headers;
mod percent;
mod query;
mod reply;
mod state_defaults;
mod state_error;
mod transaction;
mod uri;

/// `dapr:state`, generated from the host's WIT. The world is written here because an app's world lists what it uses, and
/// HTTP comes from `wstd`.
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package examples:kv; world kv { import dapr:state/store@0.1.0; }",
        world: "examples:kv/kv",
        generate_all,
    });
}

use bindings::dapr::state::{
    store,
    types::{DeleteOptions, Entry, KeyPage, ListOptions, SetOptions},
};
use failure::Failure;
use headers::only;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use query::Query;
use serde::Serialize;
use std::{
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};
use wstd::http::Body;

/// The store where `?store=NAME` names none.
const STORE: &str = "statestore";

/// Seconds that an item may live.
const TTL: RangeInclusive<u32> = 1..=2_147_483_647;

/// Keys that a page may have.
const LIMIT: RangeInclusive<u32> = 1..=1000;

/// The last second that an HTTP date can name, in the year 9999.
const LAST_DATE: u64 = 253_402_300_799;

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    let wants_body = request.method() != Method::HEAD;
    let response = answer(request).await.unwrap_or_else(Failure::into_response);
    Ok(if wants_body {
        response
    } else {
        reply::without_body(response)
    })
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let key = uri::key(&head.uri)?;
    let mut query = uri::parameters(&head.uri)?;
    let store = uri::text(&mut query, "store")?.unwrap_or_else(|| STORE.to_owned());

    match (head.method, key.as_str()) {
        (Method::GET | Method::HEAD, "") => list(&store, query),
        (Method::POST, "") => {
            query.finish().map_err(Failure::invalid)?;
            transaction::run(&store, &body::read(body).await?)?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (Method::GET | Method::HEAD, key) => get(&store, key, query),
        // PUT and DELETE take `/` as well: it is the empty key, to which the store has the right answer.
        (Method::PUT, key) => {
            let options = set_options(&head.headers, query)?;
            store::set(&store, key, &body::read(body).await?, Some(&options))?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (Method::DELETE, key) => {
            query.finish().map_err(Failure::invalid)?;
            let options = DeleteOptions {
                etag: etag::precondition(&head.headers)?,
                ..Default::default()
            };
            store::delete(&store, key, Some(&options))?;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        (_, "") => Err(Failure::Method {
            allow: "GET, HEAD, POST",
        }),
        (_, _) => Err(Failure::Method {
            allow: "GET, HEAD, PUT, DELETE",
        }),
    }
}

fn get(store: &str, key: &str, query: Query<'_>) -> Result<Response<Body>, Failure> {
    query.finish().map_err(Failure::invalid)?;
    let Some(entry) = store::get(store, key, None)? else {
        // Without a body: that nothing is stored here is an answer, and no error of the store's.
        return Ok(reply::empty(StatusCode::NOT_FOUND));
    };
    let Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata: _,
    } = entry;
    let mut response = Response::builder().header(header::CONTENT_LENGTH, value.len());
    if let Some(content_type) = content_type {
        response = response.header(header::CONTENT_TYPE, content_type);
    }
    if let Some(etag) = etag {
        response = response.header(header::ETAG, etag::quoted(&etag));
    }
    if let Some(seconds) = expires_at {
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_DATE));
        response = response.header(header::EXPIRES, httpdate::fmt_http_date(expires));
    }
    response.body(value.into()).map_err(Failure::unspeakable)
}

fn set_options(headers: &HeaderMap, mut query: Query<'_>) -> Result<SetOptions, Failure> {
    let ttl = uri::number(&mut query, "ttl", TTL)?;
    query.finish().map_err(Failure::invalid)?;
    Ok(SetOptions {
        condition: etag::condition(headers)?,
        ttl,
        content_type: only(headers, &header::CONTENT_TYPE)?.map(str::to_owned),
        ..Default::default()
    })
}

fn list(store: &str, mut query: Query<'_>) -> Result<Response<Body>, Failure> {
    let prefix = uri::text(&mut query, "prefix")?.unwrap_or_default();
    let options = ListOptions {
        limit: uri::number(&mut query, "limit", LIMIT)?,
        cursor: uri::text(&mut query, "cursor")?,
    };
    query.finish().map_err(Failure::invalid)?;
    let KeyPage { keys, cursor } = store::list_keys(store, &prefix, Some(&options))?;
    Ok(reply::json(StatusCode::OK, &Page { keys, cursor }))
}

/// A listing as JSON has it.
#[derive(Serialize)]
struct Page {
    keys: Vec<String>,
    cursor: Option<String>,
}
